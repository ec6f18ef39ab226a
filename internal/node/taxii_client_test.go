package node

import (
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"casus/internal/core/report"
	"casus/internal/edge/taxiiserver"
)

// pageAll is a program of the real client that lists the ids of a collection, page by
// page, again and again until nothing new comes after a line on its input.
const pageAll = `
import sys
from taxii2client.v21 import Server, as_pages
url, user, token, limit = sys.argv[1:5]
collection = Server(url, user=user, password=token).default.collections[0]
last, done = None, False
while True:
    found = 0
    ask = {"added_after": last} if last else {}
    for page in as_pages(collection.get_objects, per_request=int(limit), **ask):
        for o in page.get("objects", []):
            print(o["id"])
            end = o["id"]
            found += 1
    if found:
        last = collection.get_manifest(id=end)["objects"][0]["date_added"]
    if done and not found:
        break
    if not done:
        print("paged", flush=True)
        done = sys.stdin.readline().strip() == "done"
`

// TestTAXII2Client lets the real taxii2-client page while others write. It needs a
// Python that has it: CASUS_PYTHON names one, else python3 is tried.
func TestTAXII2Client(t *testing.T) {
	t.Parallel()
	python := os.Getenv("CASUS_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.CommandContext(t.Context(), python, "-c", "import taxii2client.v21").Run(); err != nil {
		if os.Getenv("CASUS_PYTHON") != "" || os.Getenv("CASUS_CI") != "" {
			t.Fatalf("%s has no taxii2-client: %v", python, err)
		}
		t.Skip("no Python with taxii2-client; CASUS_PYTHON names one")
	}
	x := testExchange(t, taxiiserver.Options{})
	if _, err := x.n.SetCollection(t.Context(), report.Collection{Title: "zzz", Writable: true}); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(x.h)
	defer srv.Close()
	x.post(0, 200)
	cmd := exec.CommandContext(t.Context(), python, "-c", pageAll, srv.URL+"/taxii2/", "anybody", testToken, "23")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 200; i < 600; i += 40 {
			x.post(i, i+40)
			_, _ = fmt.Fprintln(in, "on")
		}
		_, _ = fmt.Fprintln(in, "done")
	})
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	wg.Wait()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	got := slices.DeleteFunc(strings.Fields(string(out)), func(s string) bool { return s == "paged" })
	slices.Sort(got)
	same(t, "what the client got", got, idsOf(0, 600))
}
