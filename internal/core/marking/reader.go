package marking

import (
	"slices"
	"strings"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/fault"
)

// Reader is who asks, with everything the rules may look at. The zero value
// reads nothing. Readers without a person who are otherwise equal are one class:
// they read the same, but for what TLP:RED names a person for.
type Reader struct {
	// Person is empty when a class is asked about; TLP:RED is then withheld.
	Person alliance.Key
	Org    alliance.Org
	Role   alliance.Role
	// Community says that the organisation is of the community of TLP:GREEN.
	Community bool
	// ServedBy are the organisations that list Org as a client.
	ServedBy []alliance.Org
	Groups   []alliance.Group
	// Cleared are all classifications that the clearances reach, see
	// [Ladders.Cleared].
	Cleared []Level
	Caveats []string
	// Until is when this may no longer hold; zero means for good.
	Until time.Time
}

// ReaderOf returns the reader that k is when acting in role at now, as d and the
// ladders have it. It returns the refusal of [alliance.Directory.Act] when k may
// not act so, or a Denied fault when k's organisation is not there.
func ReaderOf(d *alliance.Directory, ls *Ladders, k alliance.Key, role alliance.Role, now time.Time) (Reader, error) {
	acting, err := d.Act(k, role, now)
	if err != nil {
		return Reader{}, err
	}
	p, _ := d.Person(k)
	org, ok := d.Organisation(p.Org)
	if !ok {
		return Reader{}, fault.Errorf(fault.Denied, "marking: %s: organisation %s is not there", k, p.Org)
	}
	r := Reader{
		Person: k, Org: p.Org, Role: role, Community: org.Community,
		ServedBy: d.ServedBy(p.Org), Groups: d.GroupsOf(p.Org), Until: acting.Until,
	}
	var held []Level
	for _, c := range p.Clearances {
		if r.until(c.Span, now) {
			held = append(held, Level(c.Ladder+"/"+c.Level))
		}
	}
	r.Cleared = ls.Cleared(held...)
	for _, a := range p.Access {
		if r.until(a.Span, now) && a.Caveat != unreadableCaveat {
			r.Caveats = append(r.Caveats, a.Caveat)
		}
	}
	slices.Sort(r.Caveats)
	r.Caveats = slices.Compact(r.Caveats)
	return r, nil
}

// until reports whether s holds at now, and brings Until forward to its next turn.
func (r *Reader) until(s alliance.Span, now time.Time) bool {
	if t := s.Turns(now); !t.IsZero() && (r.Until.IsZero() || t.Before(r.Until)) {
		r.Until = t
	}
	return s.Holds(now)
}

// pastReader is the error of deciding for a reader that is no longer what it was.
const pastReader = "marking: reader: what it rests on has ended; look it up again"

// past reports whether what r rests on has ended.
func (r *Reader) past(now time.Time) bool { return !r.Until.IsZero() && !now.Before(r.Until) }

// Class returns the class of r: r without its person.
func (r Reader) Class() Reader {
	r.Person = ""
	return r
}

// Key returns a text that is the same for readers who read the same: equal keys
// may share what [Policy.Readable] returned, while it is valid.
func (r Reader) Key() string {
	var b strings.Builder
	community := "out"
	if r.Community {
		community = "in"
	}
	for _, s := range []string{string(r.Person), string(r.Org), r.Role.String(), community} {
		b.WriteString(s)
		b.WriteByte('\n')
	}
	keyList(&b, r.ServedBy)
	keyList(&b, r.Groups)
	keyList(&b, r.Cleared)
	keyList(&b, r.Caveats)
	return b.String()
}

func keyList[T ~string](b *strings.Builder, list []T) {
	for _, x := range list {
		b.WriteString(string(x))
		b.WriteByte('\t')
	}
	b.WriteByte('\n')
}
