package misp_test

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"casus/misp"
	"casus/stix"
)

func ExampleNewReader() {
	file := strings.NewReader(`{"response":[{"Event":{"info":"Waterhole","date":"2026-03-04","Tag":[{"name":"tlp:green"}],
		"Attribute":[{"type":"domain","value":"evil.example","to_ids":"1"}]}}]}`)
	r := misp.NewReader(file, misp.Limits{})
	for {
		ev, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		label, _ := ev.TLP()
		fmt.Println(ev.Info, label, len(ev.Attributes))
	}
	// Output: Waterhole TLP:GREEN 1
}

func ExampleNewReader_fault() {
	r := misp.NewReader(strings.NewReader("{\"Event\": {\n\"info\": \"x\",\n\"Tag\": [{\"name\": \"a\"},]}}"), misp.Limits{})
	_, err := r.Next()
	fmt.Println(err)
	// Output: misp: line 3, byte 47 (/Event/Tag/1): the JSON stops here: unexpected ']' behind ','
}

func ExampleConvert() {
	ev, err := misp.Parse([]byte(`{"Event":{"uuid":"8b5f4bf2-26b2-4a5c-8b2a-0d2a3f7f5d10","info":"Waterhole","timestamp":"1772000000",
		"Attribute":[{"type":"domain","value":"evil.example","uuid":"0a7f9a57-6f5c-4f7e-8d38-5f0c29a1d2b3"}]}}`), misp.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	misp.Convert(ev, misp.ConvertOptions{}, func(obj []byte) bool {
		o, err := stix.Parse(obj, stix.Limits{})
		if err != nil {
			fmt.Println(err)
			return false
		}
		fmt.Println(o.ID())
		return true
	})
	// Output:
	// domain-name--69228563-c8d2-54ae-aeca-5f4134cb59aa
	// observed-data--0a7f9a57-6f5c-4f7e-8d38-5f0c29a1d2b3
	// report--8b5f4bf2-26b2-4a5c-8b2a-0d2a3f7f5d10
}
