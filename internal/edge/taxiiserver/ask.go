package taxiiserver

import (
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"casus/internal/core/report"
)

// acceptable reports whether one of the media types asked for is [MediaType]. A
// request that asks for none takes anything.
//
// Source: rfc9110 §12.5.1; taxii-2.1 §1.6.
func acceptable(headers []string) bool {
	if len(headers) == 0 {
		return true
	}
	best, good := -1, false // how exact the best match was
	for _, header := range headers {
		for one := range strings.SplitSeq(header, ",") {
			exact := -1
			typ, params, err := mime.ParseMediaType(one)
			if err != nil {
				continue
			}
			version, hasVersion := params["version"]
			switch {
			case typ == "*/*":
				exact = 0
			case typ == "application/*":
				exact = 1
			case typ == "application/taxii+json" && !hasVersion:
				exact = 2
			case typ == "application/taxii+json" && version == "2.1":
				exact = 3
			}
			q := 1.0
			if text, ok := params["q"]; ok {
				if q, err = strconv.ParseFloat(text, 64); err != nil {
					continue
				}
			}
			if exact > best {
				best, good = exact, q > 0
			} else if exact == best && exact >= 0 {
				good = good || q > 0
			}
		}
	}
	return good
}

// spoken reports whether a Content-Type is [MediaType]. Without a version it is the
// newest.
func spoken(header string) bool {
	typ, params, err := mime.ParseMediaType(header)
	version, ok := params["version"]
	return err == nil && typ == "application/taxii+json" && (!ok || version == "2.1")
}

// maxWanted bounds the values of one match.
const maxWanted = 1000

var specForm = regexp.MustCompile(`^[0-9]{1,3}\.[0-9]{1,3}$`)

// asked is what the query of a request says.
type asked struct {
	report.Ask
	next    string
	matched bool // it has a match
}

// readQuery reads the query of a request whose resource knows the named matches.
//
// Source: taxii-2.1 §3.4, §3.5.
func readQuery(raw string, matches ...string) (*asked, error) {
	q, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "encode it with percent signs", "the query cannot be read")
	}
	a := new(asked)
	for name, values := range q {
		if len(values) > 1 {
			return nil, refuse(http.StatusBadRequest, "give every parameter once; several values are parted by commas", "%.60q is given %d times", name, len(values))
		}
		value := values[0]
		switch {
		case name == "added_after":
			if a.After, err = instant(value); err != nil {
				return nil, err
			}
		case name == "limit":
			n, err := strconv.ParseUint(value, 10, 63)
			if err != nil || n == 0 {
				return nil, refuse(http.StatusBadRequest, "use a whole number above 0", "limit is %.40q", value)
			}
			a.Limit = int(min(n, MaxPageObjects)) //nolint:gosec // small
		case name == "next":
			if a.next = value; value == "" {
				return nil, refuse(http.StatusBadRequest, "leave it out for the first page", "next is empty")
			}
		case strings.HasPrefix(name, "match["):
			field, closed := strings.CutSuffix(strings.TrimPrefix(name, "match["), "]")
			if !closed || !slices.Contains(matches, field) {
				return nil, refuse(http.StatusBadRequest, "this address knows match["+strings.Join(matches, "], match[")+"]", "%.60q is not known here", name)
			}
			if err := a.match(field, value); err != nil {
				return nil, err
			}
		}
	}
	return a, nil
}

// match takes up one match. A version that is no instant is one that nothing has.
func (a *asked) match(field, value string) error {
	a.matched = true
	list := strings.Split(value, ",")
	if len(list) > maxWanted {
		return refuse(http.StatusBadRequest, "ask several times", "match[%s] has %d values, more than %d", field, len(list), maxWanted)
	}
	for _, v := range list {
		switch {
		case v == "":
			return refuse(http.StatusBadRequest, "name what is wanted, or leave the match out", "match[%s] has an empty value", field)
		case field == "spec_version" && !specForm.MatchString(v):
			return refuse(http.StatusBadRequest, "use 2.0 or 2.1", "match[spec_version] is %.40q", v)
		}
	}
	slices.Sort(list)
	list = slices.Compact(list)
	switch field {
	case "id":
		a.IDs = list
	case "type":
		a.Types = list
	case "version":
		a.Versions = list
	case "spec_version":
		a.Specs = list
	}
	return nil
}

// instant reads an instant as TAXII writes it: RFC 3339 in UTC.
//
// Source: taxii-2.1 §2 (timestamp).
func instant(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !strings.HasSuffix(text, "Z") {
		return t, refuse(http.StatusBadRequest, "write instants in UTC, as in 2026-01-02T03:04:05.000000Z", "%.60q is no instant", text)
	}
	return t, nil
}

// same reports whether two questions want the same.
func same(a, b *report.Ask) bool {
	return slices.Equal(a.IDs, b.IDs) && slices.Equal(a.Types, b.Types) && slices.Equal(a.Versions, b.Versions) && slices.Equal(a.Specs, b.Specs)
}

// question returns what a request asks of its resource: what its query says, or what
// its cursor holds.
func (c *call) question(matches ...string) (report.Ask, error) {
	a, err := readQuery(c.r.URL.RawQuery, matches...)
	if err != nil {
		return report.Ask{}, err
	}
	ask := a.Ask
	if a.next != "" {
		if ask, err = c.s.reads.Resume(c.ctx(), c.c, c.what, a.next); err != nil {
			return ask, err
		}
		if a.matched && !same(&a.Ask, &ask) {
			return ask, refuse(http.StatusBadRequest, "ask with next alone, or begin anew", "next goes on with another match than stands beside it")
		}
		ask.Limit = a.Limit
	}
	if ask.Limit == 0 {
		ask.Limit = c.s.PageObjects
	}
	ask.Bytes = c.s.PageBytes
	return ask, nil
}
