package observable

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestBytesRoundTrip(t *testing.T) {
	t.Parallel()
	seen := map[string]Key{}
	for _, tc := range normalCases {
		if tc.want == (Key{}) {
			continue
		}
		b := tc.want.Bytes()
		if len(b) < 2 {
			t.Errorf("%v.Bytes() = %x, want more", tc.want, b)
			continue
		}
		if other, ok := seen[string(b)]; ok && other != tc.want {
			t.Errorf("%v and %v have the same bytes", other, tc.want)
		}
		seen[string(b)] = tc.want
		if got, ok := ParseBytes(b); got != tc.want || !ok {
			t.Errorf("ParseBytes(%x) = %v, %v, want %v", b, got, ok, tc.want)
		}
	}
}

func TestBytesExact(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		key  Key
		want string
	}{
		{Key{IPv4, "192.0.2.1"}, "01c0000201"},
		{Key{IPv6, "2001:db8::1"}, "0220010db8000000000000000000000001"},
		{Key{CIDR, "192.0.2.0/24"}, "03c000020018"},
		{Key{CIDR, "2001:db8::/32"}, "0420010db800000000000000000000000020"},
		{Key{Domain, "www.a.example"}, fmt.Sprintf("05%x", "example\x01a\x01www")},
		{Key{MAC, "aa:bb:cc:dd:ee:ff"}, "18aabbccddeeff"},
		{Key{ASN, "AS65546"}, "190001000a"},
		{Key{Port, "443"}, "2401bb"},
		{Key{Mutex, "x"}, "1b78"},
		{Key{MD5, "nothing"}, ""},
		{Key{IPv4, "evil"}, ""},
		{Key{}, ""},
	} {
		if got := fmt.Sprintf("%x", tc.key.Bytes()); got != tc.want {
			t.Errorf("%v.Bytes() = %s, want %s", tc.key, got, tc.want)
		}
	}
}

func TestLongText(t *testing.T) {
	t.Parallel()
	whole := Key{Mutex, strings.Repeat("a", MaxBodyBytes)}
	if got, ok := ParseBytes(whole.Bytes()); !ok || got != whole {
		t.Errorf("a text of %d bytes is not kept whole", MaxBodyBytes)
	}
	a, b := Key{Mutex, whole.Normal + "a"}, Key{Mutex, whole.Normal + "b"}
	if len(a.Bytes()) != 1+shortBytes || bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Errorf("long texts: %d bytes, want %d and different", len(a.Bytes()), 1+shortBytes)
	}
	if _, ok := ParseBytes(a.Bytes()); ok {
		t.Error("a text that was cut is given back")
	}
}

func TestCodesAreFixed(t *testing.T) {
	t.Parallel()
	// Codes are in data on disk: this list only grows.
	want := "ipv4 ipv6 cidr cidr domain url email md5 sha1 sha224 sha256 sha384 sha512 sha3-224 sha3-256 sha3-384 sha3-512 ssdeep tlsh " +
		"imphash hash filename path mac asn regkey mutex useragent cve technique wallet ja3 ja3s jarm serial port software vendor account " +
		"command subject messageid dn service"
	var got []string
	for _, k := range kinds[1:] {
		got = append(got, string(k.typ))
	}
	if g := strings.Join(got, " "); g != want {
		t.Errorf("codes = %s\nwant %s", g, want)
	}
	if len(kinds) > 64 {
		t.Error("typeSet holds no more than 63 types")
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	in := func(k Key, from, to []byte) bool {
		b := append(k.Bytes(), 0xff, 0xff) // as in a longer key
		return bytes.Compare(b, from) >= 0 && bytes.Compare(b, to) < 0
	}
	for _, tc := range []struct {
		cidr, key Key
		address   bool
		nested    bool
	}{
		{Key{CIDR, "192.0.2.0/24"}, Key{IPv4, "192.0.2.0"}, true, false},
		{Key{CIDR, "192.0.2.0/24"}, Key{IPv4, "192.0.2.255"}, true, false},
		{Key{CIDR, "192.0.2.0/24"}, Key{IPv4, "192.0.3.0"}, false, false},
		{Key{CIDR, "192.0.2.0/24"}, Key{IPv4, "192.0.1.255"}, false, false},
		{Key{CIDR, "192.0.2.0/24"}, Key{CIDR, "192.0.2.128/25"}, false, true},
		{Key{CIDR, "192.0.2.0/24"}, Key{CIDR, "192.0.2.0/24"}, false, true},
		{Key{CIDR, "192.0.2.0/24"}, Key{CIDR, "192.0.2.0/23"}, false, false},
		{Key{CIDR, "0.0.0.0/0"}, Key{IPv4, "255.255.255.255"}, true, false},
		{Key{CIDR, "0.0.0.0/0"}, Key{IPv6, "::"}, false, false},
		{Key{CIDR, "::/0"}, Key{IPv6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}, true, false},
		{Key{CIDR, "::/0"}, Key{IPv4, "192.0.2.1"}, false, false},
		{Key{CIDR, "::/0"}, Key{CIDR, "2001:db8::/32"}, false, true},
		{Key{CIDR, "2001:db8::/32"}, Key{IPv6, "2001:db8:ffff::1"}, true, false},
		{Key{CIDR, "2001:db8::/32"}, Key{IPv6, "2001:db9::"}, false, false},
	} {
		from, to := Range(tc.cidr)
		if got := in(tc.key, from, to); got != tc.address {
			t.Errorf("Range(%v) holds %v = %v, want %v", tc.cidr, tc.key, got, tc.address)
		}
		from, to = NestedRange(tc.cidr)
		if got := in(tc.key, from, to); got != tc.nested {
			t.Errorf("NestedRange(%v) holds %v = %v, want %v", tc.cidr, tc.key, got, tc.nested)
		}
	}
	if from, to := Range(Key{Domain, "evil.example"}); from != nil || to != nil {
		t.Error("Range of a domain is not nil")
	}
}

func TestContaining(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in    Key
		count int
		at    map[int]string
	}{
		{Key{IPv4, "192.0.2.129"}, 32, map[int]string{0: "192.0.2.128/31", 7: "192.0.2.0/24", 31: "0.0.0.0/0"}},
		{Key{CIDR, "192.0.2.0/24"}, 24, map[int]string{0: "192.0.2.0/23"}},
		{Key{IPv6, "2001:db8::1"}, 128, map[int]string{0: "2001:db8::/127", 127: "::/0"}},
		{Key{CIDR, "2001:db8::/32"}, 32, map[int]string{0: "2001:db8::/31"}},
		{Key{Domain, "evil.example"}, 0, nil},
	} {
		i := 0
		Containing(tc.in, func(b []byte) bool {
			k, ok := ParseBytes(b)
			if want := tc.at[i]; !ok || want != "" && k != (Key{CIDR, want}) {
				t.Errorf("Containing(%v) %d = %v, %v, want %s", tc.in, i, k, ok, want)
			}
			i++
			return true
		})
		if i != tc.count {
			t.Errorf("Containing(%v) yields %d ranges, want %d", tc.in, i, tc.count)
		}
	}
}
