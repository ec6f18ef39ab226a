package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/people"
	"casus/tlp"
)

// traveller is somebody who is on both nodes.
type traveller struct {
	key string
	org alliance.Org
}

var travellers = []traveller{{"ana", "AAA/csirt"}, {"abe", "AAA/csirt"}, {"ben", "BBB/csirt"}, {"fay", "BBB/firm"}}

// travelled returns a node with the travellers, of whom ana and ben are cleared,
// and the token of each.
func travelled(t *testing.T) (*Node, map[string]string) {
	t.Helper()
	n := peopled(t)
	admin := as(t, n, alliance.Administrator)
	if err := n.SetCeiling(admin, report.Ceiling{Level: "alliance/SECRET", Reason: "x"}); err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{}
	for _, who := range travellers {
		p := people.NewPerson{
			Key: alliance.Key(who.key), Org: who.org, OrgName: string(who.org), OrgKind: alliance.CSIRT, Name: who.key, Login: who.key,
			Posts: []alliance.Post{{Role: alliance.Analyst}}, Password: goodPassword,
		}
		if strings.HasSuffix(string(who.org), "firm") {
			p.OrgKind = alliance.Partner
		}
		if _, err := n.AddPerson(admin, p); err != nil {
			t.Fatal(err)
		}
		if who.key == "ana" || who.key == "ben" {
			c := []alliance.Clearance{{Ladder: "alliance", Level: "SECRET"}}
			if _, err := n.EditPerson(admin, who.key, people.Change{Clearances: &c}); err != nil {
				t.Fatal(err)
			}
		}
		m, err := n.Login(t.Context(), people.Credentials{Login: who.key, Password: goodPassword})
		if err != nil {
			t.Fatal(err)
		}
		tokens[who.key] = m.Secret
	}
	return n, tokens
}

func asBearer(t *testing.T, n *Node, secret string) context.Context {
	t.Helper()
	id, err := n.people.Bearer(n.cfg.Clock(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return people.With(t.Context(), people.Caller{Identity: id})
}

// randomMarking returns members that mark an object, or none.
func randomMarking(r *rand.Rand) string {
	const unknownRef, ownStatement = `"marking-definition--22222222-2222-4222-8222-222222222222"`, `"marking-definition--11111111-1111-4111-8111-111111111111"`
	refs := []string{unknownRef, ownStatement}
	for _, l := range tlp.Labels() {
		refs = append(refs, `"`+l.Definition()+`"`)
	}
	out := ""
	if r.IntN(3) > 0 {
		out = `,"object_marking_refs":[` + refs[r.IntN(len(refs))]
		if r.IntN(4) == 0 {
			out += "," + refs[r.IntN(len(refs))]
		}
		out += "]"
	}
	if r.IntN(5) == 0 {
		out += `,"granular_markings":[{"marking_ref":` + refs[r.IntN(len(refs))] + `,"selectors":["name"]}]`
	}
	return out
}

// values are what the objects of these tests mention; each object one.
func valueOf(i int) string { return fmt.Sprintf("198.51.%d.%d", 100+i/200, 1+i%200) }

// TestMarkingsSurviveTravel fills a node with random markings, exports it in every
// format as everybody, and takes the export in on a fresh node as the same person:
// there nobody finds a value that he does not find on the first.
func TestMarkingsSurviveTravel(t *testing.T) {
	t.Parallel()
	const reports, each = 40, 4
	r := rand.New(rand.NewPCG(7, 7))
	n, tokens := travelled(t)
	labels := tlp.Labels()
	for i := range reports {
		who := travellers[r.IntN(len(travellers))]
		var objects []string
		for k := range each {
			o := strings.Replace(indicator(i*each+k, january, fmt.Sprintf("object %d", i*each+k), randomMarking(r)), fmt.Sprintf("198.51.100.%d", (i*each+k)%250), valueOf(i*each+k), 1)
			objects = append(objects, o)
		}
		if r.IntN(3) == 0 { // resolved in this report alone
			objects = append(objects, `{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--11111111-1111-4111-8111-111111111111","created":"2026-01-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"ours"}}`)
		}
		h := bundle(fmt.Sprint(i), "feed", objects...)
		if r.IntN(3) == 0 {
			l := labels[r.IntN(len(labels))]
			h.req.TLP = &l
		}
		if (who.key == "ana" || who.key == "ben") && r.IntN(3) == 0 {
			h.req.Classes = []marking.Level{"alliance/RESTRICTED"}
		}
		if _, err := h.in(asBearer(t, n, tokens[who.key]), n); err != nil {
			t.Fatal(err)
		}
	}
	first := seenBy(t, n, tokens, reports*each)
	some := 0
	for _, who := range travellers {
		for _, format := range []string{"stix", "ndjson", "csv"} {
			w := browse(t, n, http.MethodGet, "/api/v1/export?format="+format, "", "Authorization", "Bearer "+tokens[who.key])
			if w.Code != http.StatusOK {
				t.Fatalf("export: %d %s", w.Code, w.Body)
			}
			some += w.Body.Len()
			to, theirs := travelled(t)
			req := report.Request{Source: "travel", Name: "export." + format}
			if _, err := to.Import(asBearer(t, to, theirs[who.key]), req, w.Body, nil); err != nil {
				t.Fatalf("%s of %s: %v", format, who.key, err)
			}
			for whom, sees := range seenBy(t, to, theirs, reports*each) {
				for v := range sees {
					if !first[whom][v] {
						t.Errorf("%s exported as %s: %s finds %s, and not on the first node", who.key, format, whom, v)
					}
				}
			}
		}
	}
	if some < 10_000 {
		t.Errorf("the exports have %d bytes", some)
	}
}

// seenBy returns the values that each traveller finds.
func seenBy(t *testing.T, n *Node, tokens map[string]string, values int) map[string]map[string]bool {
	t.Helper()
	out := map[string]map[string]bool{}
	for whom, secret := range tokens {
		ctx := asBearer(t, n, secret)
		out[whom] = map[string]bool{}
		for i := range values {
			found, err := n.Search(ctx, valueOf(i), "", 1)
			if err != nil {
				t.Fatal(err)
			}
			if found.Total > 0 {
				out[whom][valueOf(i)] = true
			}
		}
	}
	return out
}
