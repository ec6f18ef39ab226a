package match

import (
	"bytes"
	"encoding/json/jsontext"
	"fmt"
	"strconv"
)

// kind is the type of a JSON value.
type kind uint8

const (
	null kind = iota
	boolean
	integer
	float
	text
	list
	dictionary
)

// value is a JSON value, read once and not changed again.
type value struct {
	kind  kind
	b     bool
	n     int64
	f     float64
	s     string
	names []string // of a dictionary, beside items
	items []value
}

// member returns what stands under a name in a dictionary, nil if nothing does.
func (v *value) member(name string) *value {
	if v.kind != dictionary {
		return nil
	}
	for i, n := range v.names {
		if n == name {
			return &v.items[i]
		}
	}
	return nil
}

// str returns the text under a name, "" if there is none.
func (v *value) str(name string) string {
	if m := v.member(name); m != nil && m.kind == text {
		return m.s
	}
	return ""
}

// maxNesting is how deep lists and dictionaries of an object may nest.
const maxNesting = 100

// parse reads one JSON value. Names that stand twice and text that is no UTF-8
// are refused.
func parse(raw []byte) (v value, err error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw))
	if v, err = decode(d, 0); err != nil {
		return v, err
	}
	if _, err := d.ReadToken(); err == nil {
		return v, fmt.Errorf("more than one JSON value")
	}
	return v, nil
}

func decode(d *jsontext.Decoder, depth int) (v value, err error) {
	if depth > maxNesting {
		return v, fmt.Errorf("more than %d levels of JSON", maxNesting)
	}
	t, err := d.ReadToken()
	if err != nil {
		return v, err
	}
	switch t.Kind() {
	case 't', 'f':
		return value{kind: boolean, b: t.Bool()}, nil
	case '"':
		return value{kind: text, s: t.String()}, nil
	case '0':
		return number(t.String())
	case '{':
		v.kind = dictionary
		for d.PeekKind() != '}' {
			name, err := d.ReadToken()
			if err != nil {
				return v, err
			}
			v.names = append(v.names, name.String())
			item, err := decode(d, depth+1)
			if err != nil {
				return v, err
			}
			v.items = append(v.items, item)
		}
		_, err = d.ReadToken()
	case '[':
		v.kind = list
		for d.PeekKind() != ']' {
			item, err := decode(d, depth+1)
			if err != nil {
				return v, err
			}
			v.items = append(v.items, item)
		}
		_, err = d.ReadToken()
	default: // null
	}
	return v, err
}

func number(s string) (value, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return value{kind: integer, n: n, f: float64(n)}, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return value{}, fmt.Errorf("number %s: no double can hold it", s)
	}
	return value{kind: float, f: f}, nil
}
