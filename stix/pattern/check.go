package pattern

import (
	"fmt"
	"strings"
)

// Check says whether hashes that the pattern asks for can be hashes: as many
// hexadecimal digits as their algorithm has. The grammar lets others pass, and
// they match nothing that a careful source writes. The error is an [*Error] for
// the first that cannot.
//
// Source: stix-2.1 §10.6, §9.7.3.
func (p *Pattern) Check() error {
	var err error
	p.Comparisons(func(c *Comparison) bool {
		err = checkHashes(c)
		return err == nil
	})
	return err
}

// digits are the hexadecimal digits of the hashes of an algorithm, named in
// lower case and without hyphens, 0 for algorithms without a fixed form.
func digits(algorithm string) int {
	switch strings.ToLower(strings.ReplaceAll(algorithm, "-", "")) {
	case "md5":
		return 32
	case "sha1", "ripemd160":
		return 40
	case "sha224", "sha3224":
		return 56
	case "sha256", "sha3256":
		return 64
	case "sha384", "sha3384":
		return 96
	case "sha512", "sha3512", "whirlpool":
		return 128
	}
	return 0
}

func checkHashes(c *Comparison) error {
	n := len(c.Path.Steps)
	if n < 2 || c.Path.Steps[n-2].Name != "hashes" || c.Op != Equal && c.Op != In {
		return nil
	}
	name := c.Path.Steps[n-1].Name
	want := digits(name)
	for _, v := range c.Values {
		if want == 0 || v.Kind != String || len(v.Text) == want && strings.Trim(v.Text, "0123456789abcdefABCDEF") == "" {
			continue
		}
		return &Error{
			Position: c.At,
			Reason:   fmt.Sprintf("%q is no %s hash, want %d hexadecimal digits", short(v.Text), name, want),
			Remedy:   "correct the hash or its algorithm",
		}
	}
	return nil
}
