package match_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"casus/stix/pattern/match"
)

// FuzzMatch holds any pattern against any observation: it must end within its
// budget, an index must agree with the matcher, and a binding must fulfil the
// pattern by itself.
func FuzzMatch(f *testing.F) {
	const whole = `{"type":"observed-data","number_observed":2,"first_observed":"2026-11-05T08:00:00Z",` +
		`"last_observed":"2026-11-05T08:00:01Z","objects":{` + thing + `}}`
	for _, s := range []string{
		"[x:n = 5 AND x:s LIKE 'h%']", "[x:list[*] != 'b' OR y:name MATCHES '^o']", "([x:n = 5] FOLLOWEDBY [y:name = 'two']) WITHIN 2 SECONDS",
		"[x:a_ref.name = 'one'] REPEATS 3 TIMES AND [x:ip ISSUBSET '198.51.100.0/24']", "([x:n = 5] OR [y:name = 'one'] REPEATS 2 TIMES) REPEATS 2 TIMES",
		"([x:n = 5] AND [x:f > 1]) START t'2026-11-05T08:00:00Z' STOP t'2026-11-05T09:00:00Z' REPEATS 2 TIMES",
		"[x:payload_bin LIKE '%test' AND EXISTS x:dict.k] FOLLOWEDBY ([x:magic_hex = h'ffd8'] FOLLOWEDBY [x:t > t'2026-11-05T08:00:00Z'])",
	} {
		f.Add(s, []byte(whole))
	}
	f.Add("[file:name = 'a']", []byte(`{"type":"observed-data","number_observed":1}`))
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		o, err := match.ObservedData(raw, nil)
		if err != nil {
			if o, err = match.Object(raw, time.Unix(0, 0), nil); err != nil {
				return
			}
		}
		m, err := match.Compile(text)
		if err != nil {
			return
		}
		const steps = 200_000
		other, err := match.Object([]byte(`{"type":"x","n":5,"s":"hello"}`), time.Unix(1_793_865_600, 0), nil)
		if err != nil {
			t.Fatal(err)
		}
		obs := []*match.Observation{o, other, o}
		r, err := m.Match(obs, steps)
		if err != nil {
			if !errors.Is(err, match.ErrBudget) {
				t.Fatal(err)
			}
			return
		}
		if r.Matched {
			var bound []*match.Observation
			for _, i := range r.Binding {
				bound = append(bound, obs[i])
			}
			if again, err := m.Match(bound, 2*steps); err != nil || !again.Matched {
				t.Fatalf("%q: the binding %v does not fulfil it: %v", text, r.Binding, err)
			}
		}
		alone, err := m.Match(obs[:1], steps)
		if err != nil {
			return
		}
		x := &match.Index{}
		x.Add("p", m)
		hits, err := x.Match(o, 4*steps)
		if err != nil {
			return
		}
		if found := slices.Equal(hits, []match.Hit{{ID: "p", Complete: true}}); found != alone.Matched {
			t.Fatalf("%q over %s: the matcher says %v, the index %v", text, raw, alone.Matched, hits)
		}
	})
}
