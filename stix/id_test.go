package stix

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestParseID(t *testing.T) {
	t.Parallel()
	const u = "3d1c9b1e-7a41-4b55-9d0e-0f6a3f0c2a11"
	for _, tc := range []struct {
		id, typ, uuid, reason string
	}{
		{"indicator--" + u, "indicator", u, ""},
		{"x-a9-b--" + u, "x-a9-b", u, ""},
		{"indicator--" + strings.ToUpper(u), "indicator", strings.ToUpper(u), ""},
		{"url--3d1c9b1e-7a41-5b55-bd0e-0f6a3f0c2a11", "url", "3d1c9b1e-7a41-5b55-bd0e-0f6a3f0c2a11", ""},
		{"indicator-" + u, "", "", "has no -- between type and UUID"},
		{"indicator", "", "", "has no -- between type and UUID"},
		{"", "", "", "has no -- between type and UUID"},
		{"indicator--" + u[:35], "", "", "does not end in a UUID"},
		{"indicator--" + u + "0", "", "", "does not end in a UUID"},
		{"indicator--" + strings.Replace(u, "d", "g", 1), "", "", "does not end in a UUID"},
		{"indicator--{" + u[:34] + "}", "", "", "does not end in a UUID"},
		{"indicator--3d1c9b1e-7a41-4b55-cd0e-0f6a3f0c2a11", "", "", "does not end in a UUID of RFC 9562"},
		{"indicator--3D1C9B1E-7A41-4B55-CD0E-0F6A3F0C2A11", "", "", "does not end in a UUID of RFC 9562"},
		{"Indicator--" + u, "", "", "does not begin with the name of a type"},
		{"a_b--" + u, "", "", "does not begin with the name of a type"},
		{"ab--" + u, "", "", "does not begin with the name of a type"},
		{"9ab--" + u, "", "", "does not begin with the name of a type"},
		{strings.Repeat("a", 251) + "--" + u, "", "", "does not begin with the name of a type"},
		{"--" + u, "", "", "does not begin with the name of a type"},
		{"a--b--" + u, "", "", "does not end in a UUID"},
	} {
		typ, uuid, err := ParseID(tc.id)
		var e *Error
		if errors.As(err, &e) != (tc.reason != "") || e != nil && !strings.HasSuffix(e.Reason, " "+tc.reason) || typ != tc.typ || uuid != tc.uuid {
			t.Errorf("ParseID(%q) = %q, %q, %v, want %q, %q, %q", tc.id, typ, uuid, err, tc.typ, tc.uuid, tc.reason)
		}
	}
}

// Two writings of what contributes give one id, and what does not contribute
// changes nothing.
//
// Source: stix-2.1 §2.9, §6.
func TestSCOID(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, a, b string
		same       bool
	}{
		{"only value", `{"type":"url","value":"https://a.example/"}`, `{"id":"x","defanged":true,"value":"https:\/\/a.example\u002f","type":"url"}`, true},
		{"another value", `{"type":"url","value":"https://a.example/"}`, `{"type":"url","value":"https://a.example"}`, false},
		{"type is not hashed but told", `{"type":"ipv4-addr","value":"192.0.2.1"}`, `{"type":"domain-name","value":"192.0.2.1"}`, false},
		{"MD5 before SHA-256", `{"type":"file","hashes":{"SHA-256":"aa","MD5":"bb"}}`, `{"type":"file","hashes":{"MD5":"bb","SHA-1":"cc"}}`, true},
		{"SHA-1 before SHA-512", `{"type":"file","hashes":{"SHA-512":"aa","SHA-1":"bb"}}`, `{"type":"file","hashes":{"SHA-1":"bb","SHA-256":"cc"}}`, true},
		{"SHA-256 before SHA-512", `{"type":"file","hashes":{"SHA-512":"aa","SHA-256":"bb"}}`, `{"type":"file","hashes":{"SHA-256":"bb"}}`, true},
		{"SHA-512 before others", `{"type":"file","hashes":{"SSDEEP":"x","SHA-512":"bb"}}`, `{"type":"file","hashes":{"SHA-512":"bb","TLSH":"y"}}`, true},
		{"the first of others", `{"type":"file","hashes":{"TLSH":"x","SSDEEP":"y"}}`, `{"type":"file","hashes":{"TLSH":"x"}}`, true},
		{"name beside hash", `{"type":"file","hashes":{"MD5":"bb"},"name":"a"}`, `{"type":"file","hashes":{"MD5":"bb"},"name":"b"}`, false},
		{"size does not count", `{"type":"file","name":"a","size":1}`, `{"type":"file","name":"a","size":2}`, true},
		{"ports", `{"type":"network-traffic","protocols":["tcp"],"dst_port":443}`, `{"protocols":["tcp"],"dst_port":4.43e2,"type":"network-traffic"}`, true},
		{"order of a list", `{"type":"network-traffic","protocols":["ipv4","tcp"]}`, `{"type":"network-traffic","protocols":["tcp","ipv4"]}`, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a, err := SCOID([]byte(tc.a))
			if err != nil {
				t.Fatal(err)
			}
			b, err := SCOID([]byte(tc.b))
			if err != nil {
				t.Fatal(err)
			}
			if (a == b) != tc.same {
				t.Errorf("SCOID = %s and %s, want same: %v", a, b, tc.same)
			}
			if UUIDVersion(a) != 5 {
				t.Errorf("UUIDVersion(%s) = %d, want 5", a, UUIDVersion(a))
			}
		})
	}
}

func TestSCOIDRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{`{"type":"process","pid":1}`, `{"type":"file","size":1}`, `{"type":"file","hashes":{}}`, `{"type":"indicator","name":"a"}`, `{}`} {
		if got, err := SCOID([]byte(in)); !errors.Is(err, ErrNoID) {
			t.Errorf("SCOID(%s) = %s, %v, want ErrNoID", in, got, err)
		}
	}
	var e *Error
	if got, err := SCOID([]byte(`{"type":"url","value":"a","value":"b"}`)); !errors.As(err, &e) {
		t.Errorf("SCOID of a duplicate = %s, %v, want an *Error", got, err)
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, id := range []string{
		NewID("indicator", []byte("ab"), "c"), NewID("indicator", []byte("a"), "bc"), NewID("indicator", nil, "abc"), NewID("note", []byte("ab"), "c"),
		NewID("process", []byte("ab"), "c"), NewID("process", []byte("a"), "bc"),
	} {
		typ, uuid, err := ParseID(id)
		if err != nil {
			t.Error(err)
		}
		want := 5
		if ClassOf(typ) == ClassSCO {
			want = 4
		}
		if got := UUIDVersion(id); got != want {
			t.Errorf("UUIDVersion(%s) = %d, want %d", id, got, want)
		}
		if seen[id] {
			t.Errorf("%s twice", id)
		}
		seen[id], _ = true, uuid
	}
	if a, b := NewID("indicator", []byte("ab"), "c"), NewID("indicator", []byte("ab"), "c"); a != b {
		t.Errorf("NewID = %s, then %s", a, b)
	}
	// Ids must not change from one release to the next.
	if got, want := NewID("indicator", []byte("ab"), "c"), "indicator--e73a377d-e17a-5460-a559-aeaafb2db152"; got != want {
		t.Errorf("NewID = %s, want %s", got, want)
	}
}

func TestRandomID(t *testing.T) {
	t.Parallel()
	id, err := RandomID("bundle", bytes.NewReader(bytes.Repeat([]byte{0xff}, 16)))
	if want := "bundle--ffffffff-ffff-4fff-bfff-ffffffffffff"; err != nil || id != want {
		t.Errorf("RandomID = %s, %v, want %s", id, err, want)
	}
	if id, err := RandomID("bundle", strings.NewReader("short")); err == nil {
		t.Errorf("RandomID of too little = %s", id)
	}
}
