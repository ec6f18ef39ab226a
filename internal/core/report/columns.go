package report

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"casus/internal/fault"
)

// Fields returns the names a column of a table can be mapped to, sorted.
func Fields() []string {
	return []string{
		"asn", "comment", "cve", "detect", "domain", "email", "filename", "first_seen", "hostname", "ignore", "imphash", "ip", "ja3", "ja3s",
		"jarm", "last_seen", "mac", "md5", "mutex", "name", "reference", "regkey", "sha1", "sha256", "sha512", "ssdeep", "tags", "tlp", "tlsh",
		"type", "url", "user_agent", "value", "wallet",
	}
}

// CheckMap refuses a column map to fields that do not exist, as a [fault.Invalid]
// error whose hint lists those that do. The nil map is fine.
func CheckMap(m map[string]string) error {
	for _, column := range slices.Sorted(maps.Keys(m)) {
		if f := m[column]; !slices.Contains(Fields(), f) {
			return fault.WithHint(
				fault.Errorf(fault.Invalid, "report: column map: %s is mapped to %s, which is no field", quoted(column), quoted(f)),
				"use one of %s", strings.Join(Fields(), ", "))
		}
	}
	return nil
}

// quoted quotes the start of s.
func quoted(s string) string { return strconv.Quote(strings.ToValidUTF8(s[:min(len(s), 60)], "")) }
