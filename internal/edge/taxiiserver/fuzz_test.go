package taxiiserver

import (
	"encoding/json/jsontext"
	"net/url"
	"testing"
)

// FuzzQuery reads queries: what is taken up is what was written.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{
		"", "limit=5&added_after=2026-01-02T03:04:05.123456Z", "match[id]=indicator--1,indicator--2&match[version]=first,last,all", "match%5Bspec_version%5D=2.0,2.1&next=AAAA",
		"limit=-1", "limit=99999999999999999999", "match[type]=", "match[=x", "match[id=]]x", "match[id]]=x", "a=1&a=2", "%zz", "added_after=2026-01-02", "next=",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		a, err := readQuery(q, "id", "type", "version", "spec_version")
		if err != nil {
			return
		}
		if a.Limit < 0 || a.Limit > MaxPageObjects {
			t.Errorf("readQuery(%q) has limit %d", q, a.Limit)
		}
		values, err := url.ParseQuery(q)
		if err != nil {
			t.Fatalf("readQuery(%q) takes what cannot be read: %v", q, err)
		}
		if got := values.Get("match[id]") != ""; got != (len(a.IDs) > 0) {
			t.Errorf("readQuery(%q) has ids %q", q, a.IDs)
		}
		if !same(&a.Ask, &a.Ask) {
			t.Errorf("readQuery(%q) is not itself", q)
		}
	})
}

// FuzzEnvelope looks at envelopes: what passes is one JSON object.
func FuzzEnvelope(f *testing.F) {
	for _, b := range []string{`{"objects":[{}]}`, `{"more":false,"objects":[{"a":[1,{"b":null}]}],"next":"x"}`, `{"objects":[]}`, `[]`, `{"objects":[{}]}{}`, `{"objects":[{}],"objects":[]}`, "\xff", `{"o`, ``} {
		f.Add([]byte(b))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if checkEnvelope(b) != nil {
			return
		}
		if v := jsontext.Value(b); !v.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)) || v.Kind() != '{' {
			t.Errorf("checkEnvelope(%q) passes what is no JSON object", b)
		}
	})
}

// FuzzAccept reads media types; none may make it panic, and the one spoken is always
// taken.
func FuzzAccept(f *testing.F) {
	for _, h := range []string{"", "*/*", MediaType, "application/taxii+json; version=2.1;q=0.5, text/html", "a/b;q=x", ";;;,,,", "application/taxii+json;version=2.1;version=2.1"} {
		f.Add(h)
	}
	f.Fuzz(func(t *testing.T, h string) {
		acceptable([]string{h})
		spoken(h)
		packs([]string{h})
		if !acceptable([]string{h, MediaType}) && acceptable([]string{MediaType, h}) {
			t.Errorf("acceptable depends on the order of %q", h)
		}
	})
}
