package node

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"casus/tlp"
)

// writing are the operations that answer no question: what they do is asked in
// other tests. One that is not here has to be a question, see TestSameAnswers.
var writing = []string{
	"DELETE /api/v1/collections/{id}",
	"DELETE /api/v1/login",
	"DELETE /api/v1/tokens/{id}",
	"DELETE /api/v1/users/{key}",
	"DELETE /api/v1/users/{key}/credentials/{id}",
	"PATCH /api/v1/users/{key}",
	"POST /api/v1/audit/verify",
	"POST /api/v1/collections",
	"POST /api/v1/login",
	"POST /api/v1/node/erase",
	"POST /api/v1/node/verify",
	"POST /api/v1/policies",
	"POST /api/v1/policies/weigh",
	"POST /api/v1/policies/{digest}/confirm",
	"POST /api/v1/privacy/erase",
	"POST /api/v1/privacy/find",
	"POST /api/v1/privacy/holds",
	"POST /api/v1/privacy/holds/{id}/release",
	"POST /api/v1/privacy/retention",
	"POST /api/v1/quarantine/{id}/retry",
	"POST /api/v1/reports",
	"POST /api/v1/step-up",
	"POST /api/v1/tokens",
	"POST /api/v1/users",
	"POST /api/v1/users/{key}/credentials",
	"POST /api/v1/warninglists",
	"PUT /api/v1/node/ceiling",
	"PUT /api/v1/organisations",
	"PUT /api/v1/sources",
	"PUT /api/v1/users/{key}/password",
	"POST /taxii2/casus/collections/{collection}/objects/",
	"DELETE /taxii2/casus/collections/{collection}/objects/{id}/",
}

// withBody are the questions that take a body.
var withBody = map[string]string{
	"POST /api/v1/match":                `{"type":"ipv4-addr","spec_version":"2.1","id":"ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd","value":"198.51.100.1"}`,
	"POST /api/v1/reports/{id}/preview": `{}`,
}

// TestSameAnswers asks every operation of the API of two nodes that differ only in
// what the reader may not see: the answers are the same, byte for byte, whether
// they name what is there for him, what is not there, or what is secret. An
// operation that is new and neither a GET nor listed fails the test.
func TestSameAnswers(t *testing.T) {
	t.Parallel()
	green, amber := tlp.Green, tlp.Amber
	type answer struct {
		text string
		took time.Duration
	}
	// Both worlds have the same ids: the secret ones are taken from the second.
	var secretIDs []string
	world := func(secret bool) (map[string]answer, []string) {
		n, tokens := travelled(t)
		ana, ben := asBearer(t, n, tokens["ana"]), "Bearer "+tokens["ben"]
		public := handIn(t, n, ana, "public", &green).Reports[0].ID
		if secret {
			h := bundle("secret", "hidden", indicator(1, january, "public", ""), indicator(2, january, "secret", ""))
			h.req.TLP = &amber
			res, err := h.in(ana, n)
			if err != nil {
				t.Fatal(err)
			}
			secretIDs = []string{res.Reports[0].ID, id("indicator", 2)}
		}
		ids := append([]string{public, id("indicator", 1), "RPT-0000-0000"}, secretIDs...)
		ops := operations(t, n)
		out := map[string]answer{}
		h := handlerOf(t, n)
		for _, o := range ops {
			method, path, _ := strings.Cut(o, " ")
			body, asked := withBody[o]
			if slices.Contains(writing, o) || method != http.MethodGet && !asked {
				continue
			}
			paths := []string{path}
			if strings.Contains(path, "{") {
				paths = nil
				for _, id := range ids {
					paths = append(paths, strings.NewReplacer("{id}", id, "{key}", id, "{digest}", id).Replace(path))
				}
			}
			if path == "/api/v1/search" {
				paths = []string{path + "?q=public", path + "?q=secret", path + "?q=198.51.100.2", path + "?q=198.51.100.0/24", path + "?q=hidden"}
			}
			if path == "/api/v1/export" {
				paths = []string{path + "?format=stix", path + "?format=ndjson", path + "?format=csv"}
			}
			for _, p := range paths {
				start := time.Now()
				w := send(t, h, method, p, body, "Authorization", ben, "Content-Type", "application/json")
				out[method+" "+p] = answer{w.Result().Status + "\n" + w.Body.String(), time.Since(start)}
			}
		}
		return out, ops
	}
	with, ops := world(true)
	without, _ := world(false)
	for _, o := range ops {
		if _, ok := withBody[o]; !ok && !strings.HasPrefix(o, "GET ") && !slices.Contains(writing, o) {
			t.Errorf("%s is new: list it as one that writes, or as a question with a body", o)
		}
	}
	if len(with) < 40 || len(with) != len(without) {
		t.Errorf("%d and %d answers, want more than 40 of each", len(with), len(without))
	}
	var ratios []float64
	for q, a := range with {
		b, ok := without[q]
		if !ok || a.text != b.text && !ownAffairs(q) {
			t.Errorf("%s: with secrets\n%s\nwithout\n%s", q, a.text, b.text)
		}
		ratios = append(ratios, float64(a.took)/float64(max(b.took, 1)))
	}
	slices.Sort(ratios)
	median := ratios[len(ratios)/2]
	t.Logf("time with secrets to time without: median %.2f, most %.2f", median, ratios[len(ratios)-1])
	if median > 10 {
		t.Errorf("answers take %.1f times as long where there are secrets", median)
	}
}

// ownAffairs are questions about who asks: tokens bear secrets of chance and the
// time they were made.
func ownAffairs(q string) bool {
	return strings.HasSuffix(q, "/tokens") || strings.HasSuffix(q, "/whoami")
}
