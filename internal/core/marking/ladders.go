package marking

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json/v2"
	"io/fs"
	"slices"
	"strings"

	"casus/internal/fault"
)

//go:embed ladders/*.json
var ladderFiles embed.FS

// File is one file of rules or of a ladder. Its name says where an error is and
// is not part of the digest of a ladder.
type File struct {
	Name string
	Text []byte
}

// MaxFileBytes is the largest file of rules or of a ladder that is read.
const MaxFileBytes = 256 << 10

// Equivalent says that a level of one ladder amounts to one of another: who is
// cleared for either is cleared for the other and what lies below it.
type Equivalent struct {
	Level  string `json:"level"`
	Ladder string `json:"ladder"`
	As     string `json:"as"`
}

// Ladder is one classification system: levels from the lowest to the highest.
// The lowest needs no clearance. It is data with a version, named by the digest
// of the bytes it was read from.
//
// Source: casus decision 0019.
type Ladder struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	Title   string `json:"title"`
	// Policy is the name of the security policy in labels, URI its identifier.
	Policy string   `json:"policy"`
	URI    string   `json:"uri,omitzero"`
	Levels []string `json:"levels"`
	// Equivalents link levels to those of other ladders, in both directions, and
	// do not chain: what A and C have in common through B is for them to say.
	Equivalents []Equivalent `json:"equivalents,omitzero"`

	digest string
}

// Digest returns "sha256:" and the digest of the file in hexadecimal.
func (l *Ladder) Digest() string { return l.digest }

// rank returns the place of a level, from 0; -1 when it is none of the ladder's.
func (l *Ladder) rank(level string) int { return slices.Index(l.Levels, level) }

// ParseLadder reads a ladder. Unknown members, duplicate names and levels that
// are none are Invalid faults.
func ParseLadder(f File) (*Ladder, error) {
	if len(f.Text) > MaxFileBytes {
		return nil, fault.Errorf(fault.Invalid, "marking: ladder %s: %d bytes, want at most %d", f.Name, len(f.Text), MaxFileBytes)
	}
	l := new(Ladder)
	if err := json.Unmarshal(f.Text, l, json.RejectUnknownMembers(true)); err != nil {
		return nil, fault.Errorf(fault.Invalid, "marking: ladder %s: %w", f.Name, err)
	}
	if err := l.lint(); err != nil {
		return nil, fault.Errorf(fault.Invalid, "marking: ladder %s: %w", f.Name, err)
	}
	sum := sha256.Sum256(f.Text)
	l.digest = "sha256:" + hex.EncodeToString(sum[:])
	return l, nil
}

// lint returns what is wrong with l by itself.
func (l *Ladder) lint() error {
	switch {
	case !ladderName(l.Name) || l.Name == noLevel.Ladder():
		return fault.Errorf(fault.Invalid, "name %.40q: want 1 to 32 small letters, digits or hyphens", l.Name)
	case l.Version < 1:
		return fault.Errorf(fault.Invalid, "version %d: want 1 or more", l.Version)
	case l.Title == "" || l.Policy == "" || strings.TrimSpace(l.Policy) != l.Policy:
		return fault.Errorf(fault.Invalid, "no title or no policy")
	case l.URI != "" && !strings.HasPrefix(l.URI, "urn:oid:"):
		return fault.Errorf(fault.Invalid, "uri %.60q: want urn:oid:", l.URI)
	case len(l.Levels) < 2 || len(l.Levels) > 16:
		return fault.Errorf(fault.Invalid, "%d levels, want 2 to 16", len(l.Levels))
	}
	for i, level := range l.Levels {
		if !levelName(level) || slices.Contains(l.Levels[:i], level) {
			return fault.Errorf(fault.Invalid, "level %.60q: want capitals, digits, spaces or hyphens, and each once", level)
		}
	}
	return nil
}

// Ladders is a set of ladders that fit together.
type Ladders struct {
	list []*Ladder
	// cleared maps a level to the levels that who is cleared for it may read.
	cleared map[Level][]Level
	open    []Level // the lowest of each ladder, and what amounts to it
}

// BuiltInLadders returns the ladders that ship with the program: one of the
// alliance and one national, both fictional.
func BuiltInLadders() (*Ladders, error) {
	files, err := readAll(ladderFiles, "ladders")
	if err != nil {
		return nil, err
	}
	return NewLadders(files...)
}

func readAll(from fs.ReadDirFS, dir string) ([]File, error) {
	entries, err := from.ReadDir(dir)
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "marking: %s: %w", dir, err)
	}
	var files []File
	for _, e := range entries {
		text, err := fs.ReadFile(from, dir+"/"+e.Name())
		if err != nil {
			return nil, fault.Errorf(fault.Internal, "marking: %s: %w", e.Name(), err)
		}
		files = append(files, File{Name: e.Name(), Text: text})
	}
	return files, nil
}

// NewLadders reads ladders and checks that they fit together: names, policies
// and identifiers are each used once, equivalents lead to levels that are there,
// and the order of levels is the same on both sides. No files make ladders
// without levels, under which everything classified is withheld.
func NewLadders(files ...File) (*Ladders, error) {
	ls := &Ladders{cleared: map[Level][]Level{}}
	for _, f := range files {
		l, err := ParseLadder(f)
		if err != nil {
			return nil, err
		}
		for _, o := range ls.list {
			if o.Name == l.Name || strings.EqualFold(o.Policy, l.Policy) || o.URI != "" && o.URI == l.URI {
				return nil, fault.Errorf(fault.Invalid, "marking: ladder %s: %s has the same name, policy or identifier", f.Name, o.Name)
			}
		}
		ls.list = append(ls.list, l)
	}
	slices.SortFunc(ls.list, func(a, b *Ladder) int { return strings.Compare(a.Name, b.Name) })
	for _, l := range ls.list {
		if err := ls.link(l); err != nil {
			return nil, err
		}
	}
	ls.fill()
	return ls, nil
}

// link checks the equivalents of l.
func (ls *Ladders) link(l *Ladder) error {
	seen := map[Equivalent]bool{}
	for i, e := range l.Equivalents {
		o := ls.ladder(e.Ladder)
		if o == nil || o == l || l.rank(e.Level) < 0 || o.rank(e.As) < 0 || seen[e] {
			return fault.Errorf(fault.Invalid, "marking: ladder %s: %s is no equivalent: %s of %s is not there, or stands twice", l.Name, e.Level, e.As, e.Ladder)
		}
		seen[e] = true
		for _, p := range l.Equivalents[:i] {
			if p.Ladder == e.Ladder && cmp.Compare(l.rank(p.Level), l.rank(e.Level)) != cmp.Compare(o.rank(p.As), o.rank(e.As)) {
				return fault.Errorf(fault.Invalid, "marking: ladder %s: %s and %s stand in another order in %s", l.Name, p.Level, e.Level, e.Ladder)
			}
		}
	}
	for _, o := range ls.list {
		if o != l && len(l.pairs(o)) > 0 && slices.ContainsFunc(o.Equivalents, func(e Equivalent) bool { return e.Ladder == l.Name }) {
			return fault.Errorf(fault.Invalid, "marking: ladder %s: its equivalents with %s stand in both files", l.Name, o.Name)
		}
	}
	return nil
}

func (ls *Ladders) ladder(name string) *Ladder {
	for _, l := range ls.list {
		if l.Name == name {
			return l
		}
	}
	return nil
}

// pairs returns the ranks in l and in o of l's own equivalents with o.
func (l *Ladder) pairs(o *Ladder) [][2]int {
	var out [][2]int
	for _, e := range l.Equivalents {
		if e.Ladder == o.Name {
			out = append(out, [2]int{l.rank(e.Level), o.rank(e.As)})
		}
	}
	return out
}

// fill works out what each clearance reaches.
func (ls *Ladders) fill() {
	for _, l := range ls.list {
		for r, name := range l.Levels {
			var reach []Level
			for _, o := range ls.list {
				top := -1
				if o == l {
					top = r
				} else {
					for _, p := range l.pairs(o) {
						if p[0] <= r {
							top = max(top, p[1])
						}
					}
					for _, p := range o.pairs(l) {
						if p[1] <= r {
							top = max(top, p[0])
						}
					}
				}
				for _, below := range o.Levels[:top+1] {
					reach = append(reach, Level(o.Name+"/"+below))
				}
			}
			slices.Sort(reach)
			ls.cleared[Level(l.Name+"/"+name)] = reach
		}
		ls.open = append(ls.open, Level(l.Name+"/"+l.Levels[0]))
	}
	slices.Sort(ls.open)
}

// All returns the ladders, sorted by name. They must not be changed.
func (ls *Ladders) All() []*Ladder { return ls.list }

// Cleared returns the classifications that somebody with the clearances may
// read, sorted. A clearance for a level that is not known reaches nothing. Nobody
// needs one for the lowest level of a ladder.
func (ls *Ladders) Cleared(clearances ...Level) []Level {
	out := slices.Clone(ls.open)
	for _, c := range clearances {
		out = append(out, ls.cleared[c]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Admit returns a Denied fault if anything in set is classified above the node's
// ceiling, or by a ladder or level that is not known here: such input is refused
// before it is read. The zero ceiling admits the lowest levels alone.
func (ls *Ladders) Admit(ceiling Level, set Set) error {
	under := ls.Cleared(ceiling)
	for _, c := range set.Classes {
		if !slices.Contains(under, c) {
			err := fault.Errorf(fault.Denied, "marking: %.80s is above what this node may hold", c)
			return fault.WithHint(err, "take it in on a node whose ceiling admits %.80s", c)
		}
	}
	return nil
}
