package stix

import (
	"fmt"
	"math"
	"testing"
)

// Source: rfc8785 appendix B.
func TestCanonicalNumbers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		bits uint64
		want string
	}{
		{0x0000000000000000, "0"},
		{0x8000000000000000, "0"},
		{0x0000000000000001, "5e-324"},
		{0x8000000000000001, "-5e-324"},
		{0x7fefffffffffffff, "1.7976931348623157e+308"},
		{0xffefffffffffffff, "-1.7976931348623157e+308"},
		{0x4340000000000000, "9007199254740992"},
		{0xc340000000000000, "-9007199254740992"},
		{0x4430000000000000, "295147905179352830000"},
		{0x44b52d02c7e14af5, "9.999999999999997e+22"},
		{0x44b52d02c7e14af6, "1e+23"},
		{0x44b52d02c7e14af7, "1.0000000000000001e+23"},
		{0x444b1ae4d6e2ef4e, "999999999999999700000"},
		{0x444b1ae4d6e2ef4f, "999999999999999900000"},
		{0x444b1ae4d6e2ef50, "1e+21"},
		{0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
		{0x3eb0c6f7a0b5ed8d, "0.000001"},
		{0x41b3de4355555553, "333333333.3333332"},
		{0x41b3de4355555554, "333333333.33333325"},
		{0x41b3de4355555555, "333333333.3333333"},
		{0x41b3de4355555556, "333333333.3333334"},
		{0x41b3de4355555557, "333333333.33333343"},
		{0xbecbf647612f3696, "-0.0000033333333333333333"},
		{0x43143ff3c1cb0959, "1424953923781206.2"},
	} {
		f := math.Float64frombits(tc.bits)
		if got := string(appendFloat(nil, f)); got != tc.want {
			t.Errorf("appendFloat(%x) = %s, want %s", tc.bits, got, tc.want)
		}
		in := fmt.Sprintf("%.30e", f)
		if got, err := Canonical([]byte(in)); err != nil || string(got) != tc.want {
			t.Errorf("Canonical(%s) = %s, %v, want %s", in, got, err, tc.want)
		}
	}
}

// Source: rfc8785 §3.2.
func TestCanonical(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"white space", " { \"b\" : [ 1 , true , null , { } , [ ] ] ,\r\n\t\"a\" : \"x y\" } ", `{"a":"x y","b":[1,true,null,{},[]]}`},
		{"order by code units", `{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`, "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}"},
		{"prefix first", `{"ab":1,"a":2,"":3,"abcdefghi":4,"abcdefgh":5,"abcdefgz":6}`, `{"":3,"a":2,"ab":1,"abcdefgh":5,"abcdefghi":4,"abcdefgz":6}`},
		{"inner objects", `{"z":{"b":1,"a":{"d":1,"c":2}},"y":[{"b":1,"a":2}]}`, `{"y":[{"a":2,"b":1}],"z":{"a":{"c":2,"d":1},"b":1}}`},
		{"escapes", `"\u0000\u001F\u0008\f\n\r\t\"\\\/\u007f\u00e9\u2028\ud83d\ude00<>&"`, "\"\\u0000\\u001f\\b\\f\\n\\r\\t\\\"\\\\/\u007fé\u2028😀<>&\""},
		{"no normalisation", `["\u0041\u030a","\u00c5"]`, "[\"A\u030a\",\"\u00c5\"]"},
		{"numbers", `[1E30,4.50,2e-3,0.000000000000000000000000001,-0,-0.0,1e0,100,333333333.33333329,1e-400]`, `[1e+30,4.5,0.002,1e-27,0,0,1,100,333333333.3333333,0]`},
		{"large integers", `[9007199254740993,1000000000000000000000,123456789012345,1234567890123456]`, `[9007199254740992,1e+21,123456789012345,1234567890123456]`},
		{"many names", object(manyMembers(40)), ""},
		{"scalar", ` "x" `, `"x"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Canonical([]byte(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			if tc.want != "" && string(got) != tc.want {
				t.Errorf("Canonical(%s) = %s, want %s", tc.in, got, tc.want)
			}
			again, err := Canonical(got)
			if err != nil || string(again) != string(got) {
				t.Errorf("Canonical(%s) = %s, %v, want the same", got, again, err)
			}
		})
	}
}

func TestCanonicalRefuses(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"", "{", `{"a":1,"\u0061":2}`, "\"\xff\"", `"\ud800"`, "1e999", "[1,]", "1 2", "tru"} {
		if got, err := Canonical([]byte(in)); err == nil {
			t.Errorf("Canonical(%q) = %s, want an error", in, got)
		}
	}
}
