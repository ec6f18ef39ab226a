package web

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/core/report"
	"casus/internal/people"
	"casus/tlp"
)

// frame is what every page has around its content. Handlers call mark for
// everything they put on the page, so that the strips at top and bottom bear
// the highest marking.
type frame struct {
	lang  lang
	theme string
	keys  bool
	now   time.Time

	assets *assets
	url    *url.URL

	role     alliance.Role
	highest  tlp.Label
	exercise bool

	// Title is the page's own; the product's name is added.
	Title string
	// Section is the entry of the main menu the page stands under.
	Section string
	// JSON is the address of the same data in the API; empty where there is
	// none.
	JSON string
	// Query fills the search box.
	Query string
	// Node is the node's name.
	Node string
	// Bare is set on a page for who is not let in: it leads nowhere.
	Bare bool
	// Operator says that the page is for the local operator, since there is
	// nobody to sign in as.
	Operator bool
	// Oversees leads to the trail of who read what.
	Oversees bool
	// Who is who is signed in, empty when nobody is.
	Who string
}

// newFrame reads language, theme and keys from the query, which is kept in a
// cookie, then the cookie, then what the browser asks for.
func (s *server) newFrame(w http.ResponseWriter, r *http.Request) *frame {
	f := &frame{
		lang: english, theme: "system", keys: true, now: s.opt.Clock().UTC(),
		assets: s.assets, url: r.URL, highest: tlp.Clear, exercise: s.opt.Exercise, Node: s.opt.NodeName,
	}
	if c := people.CallerOf(r.Context()); c.Person != "" {
		f.Who = string(c.Person)
		f.role = c.Role
	}
	f.Operator = s.opt.Door != nil && s.opt.Door.Empty()
	f.Oversees = s.opt.Audits != nil && s.opt.Audits.Oversees(r.Context())
	q := r.URL.Query()
	if l, ok := languageOf(setting(w, r, q, "lang")); ok {
		f.lang = l
	} else if strings.HasPrefix(strings.ToLower(strings.TrimSpace(r.Header.Get("Accept-Language"))), "fr") {
		f.lang = french
	}
	if t := setting(w, r, q, "theme"); slices.Contains(themes, t) {
		f.theme = t
	}
	if c, err := r.Cookie("keys"); err == nil && c.Value == "off" {
		f.keys = false
	}
	return f
}

var themes = []string{"system", "dark", "light"}

// setting returns a setting of the face from the query or its cookie; one from
// the query that is among the known values is kept.
func setting(w http.ResponseWriter, r *http.Request, q url.Values, name string) string {
	if v := q.Get(name); v != "" {
		if _, ok := languageOf(v); ok || slices.Contains(themes, v) {
			http.SetCookie(w, &http.Cookie{Name: name, Value: v, Path: "/", MaxAge: 365 * 24 * 3600, SameSite: http.SameSiteStrictMode})
		}
		return v
	}
	if c, err := r.Cookie(name); err == nil {
		return c.Value
	}
	return ""
}

// blankFrame is the frame of a page that shows nothing received, such as one
// that says something is not there.
func (s *server) blankFrame(c *call) *frame {
	f := *c.f
	f.highest, f.exercise, f.JSON, f.Section = tlp.Clear, s.opt.Exercise, "", ""
	return &f
}

// mark raises the page's marking to label. A label that cannot be read counts
// as RED, and so does an empty one.
func (f *frame) mark(label string) {
	l, _ := tlp.Parse(label)
	f.highest = tlp.Most(f.highest, l)
}

// markCited raises the page's marking to that of reports and objects which the
// page names without showing them.
func (c *call) markCited(ids map[string]bool) error {
	delete(ids, "")
	if len(ids) == 0 || c.f.highest == tlp.Red && c.f.exercise {
		return nil
	}
	list := slices.Sorted(maps.Keys(ids))
	highest := c.opt.Highest
	if highest == nil {
		highest = c.highestByReading
	}
	m, err := highest(c.ctx(), list)
	if err != nil {
		return err
	}
	c.f.highest = tlp.Most(c.f.highest, m.TLP)
	c.f.exercise = c.f.exercise || m.Exercise
	return nil
}

// highestByReading reads each of ids; many, or one that cannot be read, make
// the page RED rather than slow or too widely marked.
func (c *call) highestByReading(ctx context.Context, ids []string) (Marking, error) {
	const many = 200
	if len(ids) > many {
		return Marking{TLP: tlp.Red}, nil
	}
	most := Marking{TLP: tlp.Clear}
	for _, id := range ids {
		var label string
		if strings.HasPrefix(id, "RPT-") {
			d, err := c.r.Report(ctx, id)
			if err == nil {
				label, most.Exercise = d.TLP, most.Exercise || d.Exercise
			}
		} else if o, err := c.r.Object(ctx, id); err == nil {
			label = o.TLP
		}
		l, _ := tlp.Parse(label) // what cannot be read is RED
		most.TLP = tlp.Most(most.TLP, l)
	}
	return most, nil
}

// The methods below are what templates call.

// Acting names the role of who is signed in.
func (f *frame) Acting() string { return f.Role(f.role) }

// Lang is the page's language as an HTML language tag.
func (f *frame) Lang() string { return string(f.lang) }

// Theme is "system", "dark" or "light".
func (f *frame) Theme() string { return f.theme }

// Keys says whether single-key commands are on.
func (f *frame) Keys() bool { return f.keys }

// Exercise says whether something on the page belongs to an exercise.
func (f *frame) Exercise() bool { return f.exercise }

// Asset returns the address of an embedded file.
func (f *frame) Asset(name string) string { return f.assets.path(name) }

// T returns the words of a catalogue key, with {0}, {1} … replaced by args.
func (f *frame) T(key string, args ...any) string { return f.lang.words(key, args...) }

// Count returns the words for n things: the key's ".one" or ".other" form with
// {0} replaced by n.
func (f *frame) Count(key string, n int) string { return f.lang.count(key, n) }

// Number writes n with the language's group marks.
func (f *frame) Number(n int) string { return f.lang.number(n) }

// With returns the page's own address with one parameter changed.
func (f *frame) With(name, value string) string {
	q := f.url.Query()
	q.Del("token") // one that is wrong is not to be repeated
	q.Set(name, value)
	return f.url.Path + "?" + q.Encode()
}

// NextTheme is the theme the switch leads to.
func (f *frame) NextTheme() string {
	return themes[(slices.Index(themes, f.theme)+1)%len(themes)]
}

// Drawn is when the page was drawn.
func (f *frame) Drawn() Stamp {
	return Stamp{ISO: f.now.Format(time.RFC3339), Text: f.now.Format("15:04:05Z"), Full: f.lang.instant(f.now)}
}

// Badge is a marking as it is drawn.
type Badge struct{ Class, Text string }

// Highest is the marking of the page.
func (f *frame) Highest() Badge { return badge(f.highest) }

// Marking returns a label as it is drawn; what cannot be read is RED.
func (f *frame) Marking(label string) Badge {
	l, _ := tlp.Parse(label)
	return badge(l)
}

func badge(l tlp.Label) Badge {
	class := "red"
	switch l {
	case tlp.Clear:
		class = "clear"
	case tlp.Green:
		class = "green"
	case tlp.Amber:
		class = "amber"
	case tlp.AmberStrict:
		class = "strict"
	case tlp.Red:
	}
	return Badge{Class: class, Text: l.String()}
}

// Stamp is an instant or a span as it is drawn: machine form, short form, and
// the whole for who asks.
type Stamp struct{ ISO, Text, Full string }

// When draws an instant: the time of day when it is today, else the date.
func (f *frame) When(at string) Stamp {
	t, ok := instant(at)
	if !ok {
		return noInstant(at)
	}
	return Stamp{ISO: t.Format(time.RFC3339), Text: f.lang.when(t, f.now), Full: f.lang.instant(t)}
}

// At draws an instant whole: date and time.
func (f *frame) At(at string) Stamp {
	t, ok := instant(at)
	if !ok {
		return noInstant(at)
	}
	s := f.lang.instant(t)
	return Stamp{ISO: t.Format(time.RFC3339), Text: s, Full: s}
}

// Span draws first and last seen as "14 Nov – today".
func (f *frame) Span(first, last string) Stamp {
	a, okA := instant(first)
	b, okB := instant(last)
	switch {
	case !okA && !okB:
		return Stamp{Text: "–"}
	case !okA:
		a = b
	case !okB:
		b = a
	}
	from, to := f.lang.day(a, f.now), f.lang.day(b, f.now)
	full := f.lang.instant(a) + " – " + f.lang.instant(b)
	if from == to {
		return Stamp{Text: from, Full: full}
	}
	return Stamp{Text: from + " – " + to, Full: full}
}

func instant(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, s)
	return t.UTC(), err == nil
}

// noInstant draws what stands where a time could: nothing, or the digest that
// is the version of an object without times.
func noInstant(s string) Stamp {
	switch {
	case s == "":
		return Stamp{Text: "–"}
	case isDigest(s):
		return Stamp{Text: shortDigest(s), Full: s}
	}
	return Stamp{Text: s}
}

// Value is an indicator as it is drawn: Shown cannot be clicked or resolved by
// accident, Plain is what the copy button gives.
type Value struct {
	Shown, Plain string
	// Search is where to find it again.
	Search string
	// Title is the whole where Shown is short.
	Title string
	// CopyLabel and CopiedLabel are the button's words before and after.
	CopyLabel, CopiedLabel string
}

// Value draws an indicator.
func (f *frame) Value(v string) Value {
	shown, whole := defang(v), ""
	if isDigest(v) {
		shown, whole = shortDigest(v), v
	}
	return Value{
		Shown: shown, Title: whole, Plain: withoutControls(v), Search: at("/search", "q", v),
		CopyLabel: f.T("copy", shown), CopiedLabel: f.T("copied", shown),
	}
}

// Shown writes a title or a name: what is an indicator in it defanged, the ids
// of objects short.
func (f *frame) Shown(s string) string { return shortIDs(defang(s)) }

// Digest draws a hash short.
func (f *frame) Digest(h string) Value { return f.Value(h) }

// isDigest says whether v is written as an MD5 or a longer hash.
func isDigest(v string) bool { return len(v) >= 32 && isHex(v) }

func shortDigest(v string) string { return v[:8] + "…" + v[len(v)-4:] }

// Kind names the type of an object or of a value.
func (f *frame) Kind(t string) string {
	if w, ok := f.lang.lookup("type." + t); ok {
		return w
	}
	object, property, ok := strings.Cut(t, ":")
	if !ok {
		return strings.ReplaceAll(t, "-", " ")
	}
	if hash, ok := strings.CutPrefix(property, "hashes."); ok {
		return f.Kind(object) + ", " + strings.Trim(hash, "'")
	}
	switch {
	case t == "file:name":
		return f.T("type.filename")
	case property == "value", property == "name", property == "key":
		return f.Kind(object)
	}
	return f.Kind(object) + ", " + strings.ReplaceAll(property, "_", " ")
}

// Format names how a report was written.
func (f *frame) Format(x report.Format) string {
	if w, ok := f.lang.lookup("format." + string(x)); ok {
		return w
	}
	return string(x)
}

// Size writes a number of bytes.
func (f *frame) Size(n int64) string { return f.lang.size(n) }

// Report is the address of a report, Object of an object.
func (f *frame) Report(id string) string { return reportPath(id) }

// Object is the address of an object.
func (f *frame) Object(id string) string { return objectPath(id) }

// Thing is the address of what a search hit names.
func (f *frame) Thing(id string) string {
	if strings.HasPrefix(id, "RPT-") {
		return reportPath(id)
	}
	return objectPath(id)
}

// Some returns the first n of list and how many more there are.
func (f *frame) Some(list []string, n int) Short {
	if len(list) <= n {
		return Short{First: list}
	}
	return Short{First: list[:n], More: len(list) - n, All: strings.Join(list, ", ")}
}

// Part says which of all things stand on a page: "101 to 200 of 1,840".
func (f *frame) Part(first, n, all int) string {
	return f.T("part", f.Number(first), f.Number(first+n-1), f.Number(all))
}

// Short is a list cut short.
type Short struct {
	First []string
	More  int
	All   string
}

// Size64 writes a number of bytes held in an int.
func (f *frame) Size64(n int) string { return f.lang.size(int64(n)) }

// By is who else saw a match.
type By struct {
	Sources Short
	Reports string // "3 reports"
	Link    string // where those are listed
}

// By draws who else saw a match.
func (f *frame) By(m report.Match) By {
	const named = 2
	b := By{Sources: f.Some(m.Sources, named), Reports: f.Count("n.reports", m.Count), Link: at("/search", "q", m.Normal)}
	if m.Count == 1 && len(m.Reports) == 1 {
		b.Reports, b.Link = m.Reports[0], reportPath(m.Reports[0])
	}
	return b
}
