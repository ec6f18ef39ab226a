package severity

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json/v2"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"casus/internal/fault"
)

// Kind is how a model works.
type Kind string

// The kinds.
const (
	WeightedMean Kind = "weighted-mean" // a score
	Lookup       Kind = "lookup"        // a table of two questions
	Rule         Kind = "rule"          // met or not
)

// Model is a severity model as it stands in its file.
type Model struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Title   string `json:"title"`
	// Source is a key of doc/sources/index.tsv.
	Source string `json:"source"`
	Kind   Kind   `json:"kind"`
	// ActorBlind says that nothing about who did it is asked.
	ActorBlind bool       `json:"actor_blind,omitempty"`
	Questions  []Question `json:"questions"`
	// Top is the greatest score, Factor the question whose value multiplies the sum
	// of the others, and Bands what scores are called; of a weighted mean.
	Top    float64 `json:"top,omitempty"`
	Factor string  `json:"factor,omitempty"`
	Bands  []Band  `json:"bands,omitempty"`
	// Levels are what a lookup or a rule may come to, the slightest first. Table has
	// a row for each option of the first question and a column for each of the
	// second.
	Levels []string   `json:"levels,omitempty"`
	Table  [][]string `json:"table,omitempty"`
	Rule   *Clause    `json:"rule,omitempty"`

	digest string
}

// Question is one question and what may be answered.
type Question struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Weight  float64  `json:"weight,omitempty"` // 0 for none
	Options []Option `json:"options"`
}

// Option is one answer.
type Option struct {
	ID    string  `json:"id"`
	Title string  `json:"title"`
	Value float64 `json:"value,omitempty"`
}

// Band is what scores from a value on are called.
type Band struct {
	Name string  `json:"name"`
	From float64 `json:"from"`
}

// Clause is a condition: any or all of others, or that a question is answered so.
type Clause struct {
	Any      []Clause `json:"any,omitempty"`
	All      []Clause `json:"all,omitempty"`
	Question string   `json:"question,omitempty"`
	Is       []string `json:"is,omitempty"`
}

// name is what a clause is called in reasons: the questions it rests on.
func (c Clause) name() string {
	if c.Question != "" {
		return c.Question
	}
	var parts []string
	for _, p := range slices.Concat(c.Any, c.All) {
		parts = append(parts, p.name())
	}
	if len(c.All) > 0 {
		return strings.Join(parts, " and ")
	}
	return strings.Join(parts, " or ")
}

// Limits of a model's file.
const (
	MaxModelBytes = 1 << 20
	MaxQuestions  = 64
	MaxOptions    = 64
	maxClauses    = 256
)

//go:embed models/*.json
var files embed.FS

// Names returns the ids of the models that come with Casus, in order.
func Names() []string {
	names, err := fs.Glob(files, "models/*.json")
	if err != nil {
		return nil // the pattern is constant and good
	}
	for k, n := range names {
		names[k] = strings.TrimSuffix(strings.TrimPrefix(n, "models/"), ".json")
	}
	return names
}

// Builtin returns a model that comes with Casus; NotFound when there is none of that
// id.
func Builtin(id string) (*Model, error) {
	if !slices.Contains(Names(), id) {
		return nil, fault.WithHint(fault.Errorf(fault.NotFound, "severity: there is no model %.60q", id), "there are %s", strings.Join(Names(), ", "))
	}
	b, err := files.ReadFile("models/" + id + ".json")
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "severity: %s: %w", id, err)
	}
	return Parse(b)
}

// Parse reads a model's file. What is wrong with it is an Invalid fault that names
// the place.
func Parse(b []byte) (*Model, error) {
	if len(b) > MaxModelBytes {
		return nil, fault.Errorf(fault.Invalid, "severity: model of %d bytes, at most %d", len(b), MaxModelBytes)
	}
	m := &Model{}
	if err := json.Unmarshal(b, m, json.RejectUnknownMembers(true)); err != nil {
		return nil, fault.Errorf(fault.Invalid, "severity: model: %w", err)
	}
	if err := m.lint(); err != nil {
		return nil, err
	}
	d := sha256.Sum256(b)
	m.digest = "sha256:" + hex.EncodeToString(d[:])
	return m, nil
}

func (m *Model) bad(format string, args ...any) error {
	return fault.Errorf(fault.Invalid, "severity: model "+strconv.Quote(m.ID)+": "+format, args...)
}

// lint says what is wrong with a model.
func (m *Model) lint() error {
	if m.ID == "" || m.Version == "" || m.Title == "" || m.Source == "" {
		return m.bad("want an id, a version, a title and a source")
	}
	if n := len(m.Questions); n == 0 || n > MaxQuestions {
		return m.bad("%d questions, want 1 to %d", n, MaxQuestions)
	}
	seen := map[string]bool{}
	for _, q := range m.Questions {
		if q.ID == "" || q.Title == "" || seen[q.ID] {
			return m.bad("question %q: want an id of its own and a title", q.ID)
		}
		seen[q.ID] = true
		if n := len(q.Options); n < 2 || n > MaxOptions {
			return m.bad("question %q: %d options, want 2 to %d", q.ID, n, MaxOptions)
		}
		options := map[string]bool{}
		for _, o := range q.Options {
			if o.ID == "" || o.Title == "" || options[o.ID] {
				return m.bad("question %q: option %q: want an id of its own and a title", q.ID, o.ID)
			}
			options[o.ID] = true
		}
	}
	switch m.Kind {
	case WeightedMean:
		return m.lintMean()
	case Lookup:
		return m.lintTable()
	case Rule:
		return m.lintRule()
	}
	return m.bad("kind %q, want weighted-mean, lookup or rule", string(m.Kind))
}

func (m *Model) lintMean() error {
	if m.Levels != nil || m.Table != nil || m.Rule != nil {
		return m.bad("a weighted mean has no levels, table or rule")
	}
	if !(m.Top > 0 && m.Top <= 1e6) {
		return m.bad("top is %v, want more than 0, at most 1,000,000", m.Top)
	}
	if m.Factor != "" && !slices.Contains(m.asks(), m.Factor) {
		return m.bad("factor %q is no question", m.Factor)
	}
	if m.Factor != "" && len(m.Questions) < 2 {
		return m.bad("the factor has nothing to multiply")
	}
	for _, q := range m.Questions {
		lo, hi := q.bounds(nil)
		if !(lo >= 0 && hi > lo && hi <= 1e6) {
			return m.bad("question %q: values from %v to %v, want them from 0 on and not all alike", q.ID, lo, hi)
		}
		if (q.ID == m.Factor) != (q.Weight == 0) || !(q.Weight >= 0 && q.Weight <= 1e6) {
			return m.bad("question %q: weight is %v, want more than 0, and none for the factor", q.ID, q.Weight)
		}
	}
	for k, b := range m.Bands {
		if b.Name == "" || k == 0 && b.From != 0 || k > 0 && b.From <= m.Bands[k-1].From || b.From >= m.Top {
			return m.bad("band %d, %q from %v: want a name, the first from 0, then ascending below %v", k+1, b.Name, b.From, m.Top)
		}
	}
	return nil
}

func (m *Model) lintLevels() error {
	if m.Top != 0 || m.Factor != "" || m.Bands != nil {
		return m.bad("only a weighted mean has a top, a factor and bands")
	}
	sorted := slices.Sorted(slices.Values(m.Levels))
	if len(m.Levels) < 2 || slices.Contains(m.Levels, "") || len(slices.Compact(sorted)) != len(m.Levels) {
		return m.bad("levels %q: want two or more, each with a name of its own", m.Levels)
	}
	return nil
}

func (m *Model) lintTable() error {
	if err := m.lintLevels(); err != nil {
		return err
	}
	if m.Rule != nil || len(m.Questions) != 2 {
		return m.bad("a lookup has two questions and no rule")
	}
	if len(m.Table) != len(m.Questions[0].Options) {
		return m.bad("the table has %d rows, the first question %d options", len(m.Table), len(m.Questions[0].Options))
	}
	for r, row := range m.Table {
		if len(row) != len(m.Questions[1].Options) {
			return m.bad("row %d has %d cells, the second question %d options", r+1, len(row), len(m.Questions[1].Options))
		}
		for c, cell := range row {
			if !slices.Contains(m.Levels, cell) {
				return m.bad("row %d, cell %d: %q is no level", r+1, c+1, cell)
			}
			at := slices.Index(m.Levels, cell)
			if c > 0 && at < slices.Index(m.Levels, row[c-1]) || r > 0 && at < slices.Index(m.Levels, m.Table[r-1][c]) {
				return m.bad("row %d, cell %d: %q is slighter than what is beside or above it", r+1, c+1, cell)
			}
		}
	}
	return nil
}

func (m *Model) lintRule() error {
	if err := m.lintLevels(); err != nil {
		return err
	}
	if m.Table != nil || len(m.Levels) != 2 || m.Rule == nil {
		return m.bad("a rule has two levels, clauses and no table")
	}
	asked := map[string]bool{}
	left := maxClauses
	if err := m.lintClause(*m.Rule, asked, &left); err != nil {
		return err
	}
	for _, q := range m.Questions {
		if !asked[q.ID] {
			return m.bad("question %q decides nothing", q.ID)
		}
	}
	return nil
}

func (m *Model) lintClause(c Clause, asked map[string]bool, left *int) error {
	if *left--; *left < 0 {
		return m.bad("more than %d clauses", maxClauses)
	}
	ways := 0
	for _, is := range []bool{len(c.Any) > 0, len(c.All) > 0, c.Question != ""} {
		if is {
			ways++
		}
	}
	if ways != 1 || (c.Question == "") != (len(c.Is) == 0) {
		return m.bad("clause %q: want one of any, all, or a question with is", c.name())
	}
	for _, part := range slices.Concat(c.Any, c.All) {
		if err := m.lintClause(part, asked, left); err != nil {
			return err
		}
	}
	if c.Question == "" {
		return nil
	}
	asked[c.Question] = true
	return m.fits(Answers{c.Question: c.Is})
}

func (m *Model) scale() string {
	if m.Kind == WeightedMean {
		return "0-" + strconv.FormatFloat(m.Top, 'f', -1, 64)
	}
	return "levels"
}

func (m *Model) levelNames() []string {
	if m.Kind != WeightedMean {
		return m.Levels
	}
	out := make([]string, 0, len(m.Bands))
	for _, b := range m.Bands {
		out = append(out, b.Name)
	}
	return out
}
