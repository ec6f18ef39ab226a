package node

import (
	"archive/zip"
	"bytes"
	"context"
	"testing"

	"casus/internal/core/report"
	"casus/stix"
)

// labels returns the label of each object of a report by its name or value.
func labels(t *testing.T, n *Node, res report.Result) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := n.Objects(context.Background(), res.Reports[0].ID, func(o *stix.Object, label string) error {
		name := o.String("name")
		if name == "" {
			name = o.String("value")
		}
		out[name] = label
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLabelInUnmarkedReport(t *testing.T) {
	t.Parallel()
	n := reopen(t, Config{Clock: tick()})
	defer closeNode(t, n)
	const green, amber = `"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"`, `"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"`
	got := labels(t, n, take(t, n, bundle("own", "unset",
		indicator(1, january, "own", `,"object_marking_refs":[`+green+`]`),
		indicator(2, january, "none", ""),
		indicator(3, january, "unknown", `,"object_marking_refs":[`+green+`,"marking-definition--00000000-0000-4000-8000-000000000000"]`),
		indicator(4, january, "field", `,"granular_markings":[{"marking_ref":`+amber+`,"selectors":["name"]}]`),
	)))
	for name, want := range map[string]string{"own": "TLP:GREEN", "none": "TLP:RED", "unknown": "TLP:RED", "field": "TLP:RED"} {
		if got[name] != want {
			t.Errorf("object %q from a source without default is held %s, want %s", name, got[name], want)
		}
	}
}

// TestLabelOfMail takes in an archive of an unmarked list and a mail with a label
// and a bundle attached: the mail's label holds for what bears a wider one or
// none, and for nothing else.
func TestLabelOfMail(t *testing.T) {
	t.Parallel()
	n := reopen(t, Config{Clock: tick()})
	defer closeNode(t, n)
	inner := bundle("inner", "", indicator(1, january, "own", `,"object_marking_refs":["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]`), indicator(2, january, "none", ""))
	mail := "From: a@north.example\r\nTo: b@south.example\r\nSubject: [TLP:AMBER] indicators\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee attached\r\n" +
		"--b\r\nContent-Type: application/json\r\nContent-Disposition: attachment; filename=inner.json\r\n\r\n" + string(inner.body) + "\r\n--b--\r\n"
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, body := range map[string]string{"mail.eml": mail, "list.csv": "value,type\n198.51.100.1,ipv4\n"} {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	got := labels(t, n, take(t, n, hand{report.Request{Source: "unset", Name: "both.zip"}, b.Bytes()}))
	if got["198.51.100.1"] != "TLP:RED" {
		t.Errorf("the unmarked list beside the mail is held %s, want TLP:RED", got["198.51.100.1"])
	}
	for _, name := range []string{"own", "none"} {
		if got[name] != "TLP:AMBER" {
			t.Errorf("object %q attached to a mail of TLP:AMBER is held %q; all: %v", name, got[name], got)
		}
	}
}
