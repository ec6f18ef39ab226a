package pattern_test

import (
	"fmt"

	"casus/stix/pattern"
)

func ExampleParse() {
	p, err := pattern.Parse("[ file:hashes.'MD5'=='d41d8cd98f00b204e9800998ecf8427e' ]")
	fmt.Println(p, err)
	_, err = pattern.Parse("[file:name MATCHES /a/]")
	fmt.Println(err)
	// Output:
	// [file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e'] <nil>
	// pattern: line 1, column 20 (byte 19): "/", want a string, '…'; put the text in apostrophes
}

func ExampleEquivalent() {
	a, _ := pattern.Parse("[ipv4-addr:value = '192.0.2.1'] OR [url:value = 'http://a.example/']")
	b, _ := pattern.Parse("[url:value = 'http://a.example/'] OR ([ipv4-addr:value = '192.0.2.1/32'])")
	fmt.Println(pattern.Equivalent(a, b))
	// Output: true <nil>
}
