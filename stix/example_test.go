package stix_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"casus/stix"
)

// A fault inside one object sets that object aside; the others are read.
func ExampleReader() {
	const bundle = `{"type": "bundle", "id": "bundle--5b1f2a60-98f3-4f2c-8a51-1d0f3a9c7e22", "objects": [
	{"type": "domain-name", "id": "domain-name--0d4b1c5e-55a2-4a39-9d83-3a1f5d6f0b11", "value": "tide-table.example"},
	{"type": "url", "id": "url--7a0f52c3-8f15-4a4e-8a6e-2b9c1c3d4e55", "value": "https://a.example/", "value": "https://b.example/"},
	{"type": "ipv4-addr", "id": "ipv4-addr--1c2d3e4f-0a1b-4c2d-9e3f-4a5b6c7d8e9f", "value": "198.51.100.77"}]}`

	r := stix.NewReader(strings.NewReader(bundle), "bundle.json", stix.Limits{})
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		if p := item.Problem; p != nil {
			fmt.Printf("set aside, %s: %s (%s)\n", p.Place, p.Reason, p.Remedy)
			continue
		}
		fmt.Println(item.Object.Type(), item.Object.String("value"))
	}
	// Output:
	// domain-name tide-table.example
	// set aside, byte 301, object 2: the name "value" appears twice in one object (remove one of the two; which one was meant cannot be known)
	// ipv4-addr 198.51.100.77
}
