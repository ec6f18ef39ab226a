package misp

import (
	"encoding/json/jsontext"
	"encoding/json/v2"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Text is a JSON string. Numbers and booleans are read as the text they are
// written with, null as the empty text: servers of different ages write ids,
// levels and values in either way.
type Text string

var errNotScalar = errors.New("want a string, number or boolean")

// UnmarshalJSONFrom reads a scalar.
func (t *Text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := scalar(dec)
	if err == nil {
		*t = Text(s)
	}
	return err
}

// scalar reads a scalar as text; null is "".
func scalar(dec *jsontext.Decoder) (string, error) {
	switch k := dec.PeekKind(); k {
	case '{', '[':
		return "", &json.SemanticError{JSONKind: k, Err: errNotScalar}
	default:
		tok, err := dec.ReadToken()
		if err != nil || tok.Kind() == 'n' {
			return "", err
		}
		return tok.String(), nil
	}
}

// Int is a whole number, also when written as a string. Null, the empty string
// and what is no number are 0.
type Int int64

// UnmarshalJSONFrom reads a scalar.
func (i *Int) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := scalar(dec)
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		n = 0
	}
	*i = Int(n)
	return nil
}

// Flag is a boolean, also when written as 0, 1, "0", "1", "true" or "false".
// Null is false.
type Flag bool

// UnmarshalJSONFrom reads a scalar.
func (f *Flag) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := scalar(dec)
	if err != nil {
		return err
	}
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "1", "true", "yes":
		*f = true
	default:
		*f = false
	}
	return nil
}

// Time is an instant in UTC: seconds since 1970 as a number or string, or an
// RFC 3339 text. The zero value means not known; so do 0, null, "" and what
// cannot be read as a time.
type Time struct{ time.Time }

// latest is the last second a timestamp of STIX can hold.
const latest = 253402300799

// UnmarshalJSONFrom reads a scalar.
func (t *Time) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := scalar(dec)
	if err != nil {
		return err
	}
	*t = Time{}
	s = strings.TrimSpace(s)
	if v, ok := seconds(s); ok {
		t.Time = v
		return nil
	}
	// first_seen and last_seen are ISO 8601, with microseconds and a zone as
	// +00:00 or +0000.
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"} {
		if v, err := time.Parse(layout, s); err == nil && v.Year() >= 1 && v.UTC().Year() <= 9999 {
			t.Time = v.UTC()
			return nil
		}
	}
	return nil
}

// seconds reads s as seconds since 1970; zero and times out of range are not
// known and give the zero time.
func seconds(s string) (time.Time, bool) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return time.Time{}, false
	}
	if math.IsNaN(n) || n <= 0 || n > latest {
		return time.Time{}, true
	}
	whole, frac := math.Modf(n)
	return time.Unix(int64(whole), int64(math.Round(frac*1e6))*1000).UTC(), true
}

// List is a list of T. A single T stands for a list of one; null, false, "" and
// an empty object stand for an empty list; an object whose names are all numbers
// stands for the list of its values, as PHP writes a list with a hole in it.
type List[T any] []T

// UnmarshalJSONFrom reads a list in any of the accepted forms.
func (l *List[T]) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	*l = nil
	switch dec.PeekKind() {
	case '[':
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		for dec.PeekKind() != ']' {
			if err := l.one(dec); err != nil {
				return err
			}
		}
		_, err := dec.ReadToken()
		return err
	case '{':
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		return l.object(raw.Clone(), dec)
	case '"':
		// A list of texts may be a single text.
		if _, ok := any(l).(*List[Text]); ok {
			return l.one(dec)
		}
	default: // none
	}
	return dec.SkipValue()
}

func (l *List[T]) one(dec *jsontext.Decoder) error {
	var v T
	if err := json.UnmarshalDecode(dec, &v); err != nil {
		return err
	}
	*l = append(*l, v)
	return nil
}

// object reads raw as one T or as a numbered list.
func (l *List[T]) object(raw jsontext.Value, outer *jsontext.Decoder) error {
	dec := jsontext.NewDecoder(strings.NewReader(string(raw)), outer.Options())
	numbered, n := true, 0
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if _, err := strconv.Atoi(name.String()); err != nil {
			numbered = false
			break
		}
		n++
		if err := dec.SkipValue(); err != nil {
			return err
		}
	}
	if numbered && n == 0 {
		return nil
	}
	dec = jsontext.NewDecoder(strings.NewReader(string(raw)), outer.Options())
	if !numbered {
		return l.one(dec)
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		if _, err := dec.ReadToken(); err != nil {
			return err
		}
		if err := l.one(dec); err != nil {
			return err
		}
	}
	return nil
}
