package marking

import (
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"casus/internal/fault"
)

//go:embed rules/*.cedar
var ruleFiles embed.FS

//go:embed rules/schema.cedarschema
var ruleSchema []byte

// Action is what somebody wants to do with a thing. The zero value is no action
// and always denied.
type Action string

// The actions. [LookUp] and [Act] need leave to read besides.
const (
	Read   Action = "read"    // see it, or anything that rests on it
	LookUp Action = "look-up" // ask somebody outside about its values
	Act    Action = "act"     // use its values so that the target may notice
)

// actions are the actions that rules may speak of.
var actions = []Action{Read, LookUp, Act}

// Most that one policy may have.
const (
	maxRules = 512
	maxDepth = 64 // of brackets in a rule file
)

// NoPermit stands among the rules of a [Decision] for the absence of any permit.
const NoPermit = "no-permit"

// Rule is one clause of a policy.
type Rule struct {
	// ID names the clause, for example "tlp-amber".
	ID string
	// Says is the clause in words.
	Says string
	// Forbids is set for a limit, clear for a permit.
	Forbids bool
	// Actions are what it speaks of.
	Actions []Action
	// File is where it stands.
	File string
	// Text is the clause as it is evaluated.
	Text string
}

// Policy is a set of rules that decides over readers. It is immutable and may be
// used by several at once.
//
// Source: casus decision 0018.
type Policy struct {
	digest string
	rules  []Rule
	sliced map[Action]cedar.PolicyMap
	// named are the texts that the rules compare with, sorted: the lattice must
	// try them besides its own.
	named []string
}

// BuiltIn returns the rules that ship with the program.
func BuiltIn() (*Policy, error) {
	files, err := readAll(ruleFiles, "rules")
	if err != nil {
		return nil, err
	}
	return Load(files...)
}

// Load reads rules. Every clause must have an id and a text, name its actions,
// and pass strict validation against the schema: what could err when it is
// asked, or speaks of what is not there, is an Invalid fault. No files make a
// policy that denies everything.
func Load(files ...File) (*Policy, error) {
	v, err := validator()
	if err != nil {
		return nil, err
	}
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	p := &Policy{sliced: map[Action]cedar.PolicyMap{}}
	for _, a := range actions {
		p.sliced[a] = cedar.PolicyMap{}
	}
	for i, f := range files {
		if i > 0 && files[i-1].Name == f.Name {
			return nil, fault.Errorf(fault.Invalid, "marking: rules %s: two files have the name", f.Name)
		}
		if err := p.load(f, v); err != nil {
			return nil, err
		}
	}
	p.digest = digestOf(files)
	return p, nil
}

// digestOf returns the digest of the schema and of the names and bytes of files.
func digestOf(files []File) string {
	h := sha256.New()
	part := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	part(ruleSchema)
	for _, f := range files {
		part([]byte(f.Name))
		part(f.Text)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

func validator() (*validate.Validator, error) {
	s := new(schema.Schema)
	s.SetFilename("schema.cedarschema")
	if err := s.UnmarshalCedar(ruleSchema); err != nil {
		return nil, fault.Errorf(fault.Internal, "marking: schema: %w", err)
	}
	resolved, err := s.Resolve()
	if err != nil {
		return nil, fault.Errorf(fault.Internal, "marking: schema: %w", err)
	}
	return validate.New(resolved, validate.WithStrict()), nil
}

func (p *Policy) load(f File, v *validate.Validator) error {
	if len(f.Text) > MaxFileBytes {
		return fault.Errorf(fault.Invalid, "marking: rules %s: %d bytes, want at most %d", f.Name, len(f.Text), MaxFileBytes)
	}
	if nesting(f.Text) > maxDepth || len(branch.FindAllIndex(f.Text, maxRules+1)) > maxRules {
		return fault.Errorf(fault.Invalid, "marking: rules %s: brackets nest deeper than %d, or more than %d branches", f.Name, maxDepth, maxRules)
	}
	list, err := cedar.NewPolicyListFromBytes(f.Name, f.Text)
	if err != nil {
		return fault.Errorf(fault.Invalid, "marking: rules: %w", err)
	}
	if len(p.rules)+len(list) > maxRules {
		return fault.Errorf(fault.Invalid, "marking: rules %s: more than %d rules", f.Name, maxRules)
	}
	for _, one := range list {
		if err := p.add(f.Name, one, v); err != nil {
			return err
		}
	}
	return nil
}

// nesting returns how deep brackets of any kind nest, for the parser recurses on
// them. Those in texts and comments count too, which only makes it larger.
func nesting(text []byte) int {
	depth, most := 0, 0
	for _, c := range text {
		switch c {
		case '(', '[', '{':
			depth++
			most = max(most, depth)
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
	}
	return most
}

// branch finds what else the parser recurses on.
var branch = regexp.MustCompile(`\belse\b`)

var ruleID = regexp.MustCompile(`^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$`)

// add takes one clause in.
func (p *Policy) add(file string, one *cedar.Policy, v *validate.Validator) error {
	notes := one.Annotations()
	r := Rule{
		ID: string(notes["id"]), Says: string(notes["says"]), Forbids: one.Effect() == cedar.Forbid,
		File: file, Text: string(one.MarshalCedar()),
	}
	at := func(format string, args ...any) error {
		return fault.Errorf(fault.Invalid, "marking: rules %s:%d: "+format, append([]any{file, one.Position().Line}, args...)...)
	}
	switch {
	case !ruleID.MatchString(r.ID) || len(r.ID) > 60 || r.ID == NoPermit:
		return at("@id(%q): want a name in small letters and hyphens", r.ID)
	case slices.ContainsFunc(p.rules, func(o Rule) bool { return o.ID == r.ID }):
		return at("@id(%q) stands twice", r.ID)
	case strings.TrimSpace(r.Says) == "":
		return at("%s: no @says: want the rule in words", r.ID)
	}
	node := (*ast.Policy)(one.AST())
	var ok bool
	if r.Actions, ok = actionsOf(node.Action); !ok {
		return at("%s: want action == Action::\"...\" or action in [...], with actions of %v", r.ID, actions)
	}
	if !open(node.Principal) || !open(node.Resource) {
		return at("%s: want the bare words principal and resource: rules tell readers and markings apart by what they are", r.ID)
	}
	if err := v.Policy(r.ID, node); err != nil {
		return at("%s: %w", r.ID, err)
	}
	words, ok := look(node)
	if !ok {
		return at("%s: time may stand in \"context.now < resource.notBefore\" alone: a sight would not know until when it holds", r.ID)
	}
	p.named = tidyText(append(p.named, words...))
	p.rules = append(p.rules, r)
	for _, a := range r.Actions {
		p.sliced[a][types.PolicyID(r.ID)] = one
	}
	return nil
}

// open reports whether a scope leaves the principal or the resource open.
func open(scope any) bool {
	_, ok := scope.(ast.ScopeTypeAll)
	return ok
}

// look returns the texts that a clause compares with; ok is false when it asks
// for the time in any other way than whether an embargo has ended.
func look(node *ast.Policy) (words []string, ok bool) {
	times, embargoes := 0, 0
	embargo := ast.NodeTypeLessThan{Left: accessTo("context", "now"), Right: accessTo("resource", "notBefore")}
	for _, c := range node.Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			switch n := n.(type) {
			case ast.NodeValue:
				words = append(words, textsIn(n.Value)...)
			case ast.NodeTypeLike:
				words = append(words, textsLike(n.Value)...)
			case ast.NodeTypeVariable:
				if n.Name == "context" {
					times++
				}
			case ast.NodeTypeLessThan:
				if n == embargo {
					embargoes++
				}
			}
			return true
		})
	}
	return words, times == embargoes
}

// textsIn returns the texts of a value: one, or those of a set.
func textsIn(v types.Value) []string {
	switch v := v.(type) {
	case types.String:
		return []string{string(v)}
	case types.Set:
		var out []string
		for e := range v.All() {
			out = append(out, textsIn(e)...)
		}
		return out
	}
	return nil
}

// textsLike returns texts that match a pattern.
func textsLike(p types.Pattern) []string {
	var out []string
	for _, any := range []string{"", "x", "X"} {
		if text, err := strconv.Unquote(strings.ReplaceAll(string(p.MarshalCedar()), "*", any)); err == nil {
			out = append(out, text)
		}
	}
	return out
}

func accessTo(variable, attribute types.String) ast.IsNode {
	return ast.NodeTypeAccess{Arg: ast.NodeTypeVariable{Name: variable}, Value: attribute}
}

// actionsOf returns the actions that a scope names one by one; ok is false for a
// scope that leaves them open.
func actionsOf(scope ast.IsActionScopeNode) (list []Action, ok bool) {
	var uids []types.EntityUID
	switch s := scope.(type) {
	case ast.ScopeTypeEq:
		uids = []types.EntityUID{s.Entity}
	case ast.ScopeTypeInSet:
		uids = s.Entities
	default:
		return nil, false
	}
	for _, u := range uids {
		a := Action(u.ID)
		if u.Type != "Action" || !slices.Contains(actions, a) {
			return nil, false
		}
		list = append(list, a)
	}
	return list, len(list) > 0
}

// Digest returns "sha256:" and a digest in hexadecimal of everything that the
// policy was read from.
func (p *Policy) Digest() string { return p.digest }

// Rules returns the clauses in the order of files and lines.
func (p *Policy) Rules() []Rule { return slices.Clone(p.rules) }

// Says returns the clause in words, for [NoPermit] too; "" when there is none.
func (p *Policy) Says(id string) string {
	if id == NoPermit {
		return "nothing opens it to the reader"
	}
	for _, r := range p.rules {
		if r.ID == id {
			return r.Says
		}
	}
	return ""
}
