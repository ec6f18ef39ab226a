package stix

import (
	"errors"
	"testing"
	"time"
)

func TestCompareTimes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want int
	}{
		{"2031-01-01T00:00:00Z", "2031-01-01T00:00:00.000Z", 0},
		{"2031-01-01T00:00:00.1Z", "2031-01-01T00:00:00.100000000000Z", 0},
		{"2031-01-01T00:00:00.12Z", "2031-01-01T00:00:00.2Z", -1},
		{"2031-01-01T00:00:00Z", "2031-01-01T00:00:00.0000000000001Z", -1},
		{"2031-01-01T00:00:00.123456789123Z", "2031-01-01T00:00:00.123456789122Z", 1},
		{"2031-01-01T00:00:00.999Z", "2031-01-01T00:00:01Z", -1},
		{"2030-12-31T23:59:60Z", "2031-01-01T00:00:00Z", -1},
		{"", "2031-01-01T00:00:00Z", -1},
		{"x", "x", 0},
	} {
		if got := CompareTimes(tc.a, tc.b); got != tc.want {
			t.Errorf("CompareTimes(%s, %s) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
		if got := CompareTimes(tc.b, tc.a); got != -tc.want {
			t.Errorf("CompareTimes(%s, %s) = %d, want %d", tc.b, tc.a, got, -tc.want)
		}
	}
}

func TestParseTime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   string
		want string // "" if refused
	}{
		{"2031-02-03T04:05:06Z", "2031-02-03T04:05:06.000Z"},
		{"2031-02-03T04:05:06.7Z", "2031-02-03T04:05:06.700Z"},
		{"2031-02-03T04:05:06.1234567899999Z", "2031-02-03T04:05:06.123456Z"},
		{"2030-12-31T23:59:60Z", "2031-01-01T00:00:00.000Z"},
		{"2031-02-03T04:05:06", ""},
		{"2031-02-03T04:05:06+00:00", ""},
		{"2031-02-03t04:05:06Z", ""},
		{"2031-02-03 04:05:06Z", ""},
		{"2031-02-03T04:05:06.Z", ""},
		{"2031-02-03T04:05:06.1,2Z", ""},
		{"2031-02-03T04:05:06,12Z", ""},
		{"2031-02-30T04:05:06Z", ""},
		{"2031-02-03T24:05:06Z", ""},
		{"2031-2-3T04:05:06Z", ""},
		{"", ""},
	} {
		got, ok := ParseTime(tc.in)
		if ok != (tc.want != "") || ok && FormatTime(got) != tc.want {
			t.Errorf("ParseTime(%s) = %s, %v, want %q", tc.in, FormatTime(got), ok, tc.want)
		}
	}
}

// Source: stix-2.1 §3.6.
func TestNewVersion(t *testing.T) {
	t.Parallel()
	now := time.Date(2031, 6, 7, 8, 9, 10, 11_000_000, time.UTC)
	const head = `{"type":"campaign","spec_version":"2.1","id":"campaign--3d1c9b1e-7a41-4b55-9d0e-0f6a3f0c2a11","created":"2031-01-01T00:00:00.000Z",`
	for _, tc := range []struct {
		name, in string
		changes  []Member
		want     string
		err      error
	}{
		{"now", head + `"modified":"2031-01-01T00:00:00.000Z","name":"a"}`, []Member{Text("name", "b")}, head + `"modified":"2031-06-07T08:09:10.011Z","name":"b"}`, nil},
		{"clock behind", head + `"modified":"2032-01-01T00:00:00.123456789Z","name":"a"}`, []Member{Text("name", "b")}, head + `"modified":"2032-01-01T00:00:00.123457Z","name":"b"}`, nil},
		{"added and removed", head + `"modified":"2031-01-01T00:00:00.000Z", "name" : "a", "aliases":[ "x" ],"x_\u0061":1}`, []Member{Texts("labels", "l"), {Name: "name"}, Text("x_a", "y"), {Name: "absent"}}, head + `"modified":"2031-06-07T08:09:10.011Z","aliases":[ "x" ],"x_a":"y","labels":["l"]}`, nil},
		{"modified given", head + `"modified":"2031-01-01T00:00:00.000Z"}`, []Member{Text("modified", "2031-01-01T00:00:00.0000001Z")}, head + `"modified":"2031-01-01T00:00:00.0000001Z"}`, nil},
		{"modified given, equal", head + `"modified":"2031-01-01T00:00:00.000Z"}`, []Member{Text("modified", "2031-01-01T00:00:00Z")}, "", ErrNotLater},
		{"modified given, no time", head + `"modified":"2031-01-01T00:00:00.000Z"}`, []Member{Text("modified", "tomorrow")}, "", ErrNotLater},
		{"modified removed", head + `"modified":"2031-01-01T00:00:00.000Z"}`, []Member{{Name: "modified"}}, "", ErrNotLater},
		{"no modified", head + `"name":"a"}`, nil, head + `"name":"a","modified":"2031-06-07T08:09:10.011Z"}`, nil},
		{"id", head + `"name":"a"}`, []Member{Text("id", "x")}, "", ErrFixed},
		{"creator", head + `"name":"a"}`, []Member{Text("created_by_ref", "x")}, "", ErrFixed},
		{"revoked", head + `"revoked":true}`, nil, "", ErrRevoked},
		{"no created", `{"type":"campaign","id":"c"}`, nil, "", ErrNotVersionable},
		{"observable", `{"type":"url","id":"u","value":"x"}`, nil, "", ErrNotVersionable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o, err := Parse([]byte(tc.in), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			got, err := NewVersion(o, now, tc.changes...)
			if !errors.Is(err, tc.err) {
				t.Fatalf("NewVersion = %v, want %v", err, tc.err)
			}
			if tc.err == nil && string(got.Raw()) != tc.want {
				t.Errorf("NewVersion = %s, want %s", got.Raw(), tc.want)
			}
			if string(o.Raw()) != tc.in {
				t.Errorf("the old version became %s", o.Raw())
			}
		})
	}
}

func TestNewVersionTwice(t *testing.T) {
	t.Parallel()
	o, err := Parse([]byte(testIndicator), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := NewVersion(o, time.Time{}, Text("name", "a"), Text("name", "b")); err == nil {
		t.Errorf("NewVersion with a property twice = %s", got.Raw())
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	o, err := Parse([]byte(testIndicator), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Revoke(o, time.Date(2031, 6, 7, 8, 9, 10, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if !r.Revoked() || r.ID() != o.ID() || r.Created() != o.Created() || CompareTimes(r.Modified(), o.Modified()) <= 0 {
		t.Errorf("Revoke = %s", r.Raw())
	}
	if _, err := Revoke(r, time.Date(2031, 6, 8, 8, 9, 10, 0, time.UTC)); !errors.Is(err, ErrRevoked) {
		t.Errorf("Revoke again = %v, want %v", err, ErrRevoked)
	}
}
