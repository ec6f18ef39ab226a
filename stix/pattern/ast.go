package pattern

// Limits of what [Parse] reads.
const (
	// MaxBytes is how long a pattern may be: real ones hold whole attachments
	// in Base64.
	MaxBytes = 4 << 20
	// MaxTokens is how many words, signs and constants a pattern may have.
	MaxTokens = 200_000
	// MaxDepth is how deep parentheses may nest.
	MaxDepth = 64
	// MaxTimes is the greatest number of REPEATS … TIMES: the most that one
	// observed-data may count, as one of them cannot ask for more.
	MaxTimes = 999_999_999
)

// Version is a version of the language.
type Version uint8

// The versions of the language. The zero value is the current one.
const (
	V21 Version = iota // STIX 2.1
	V20                // STIX 2.0: START and STOP also take plain strings
)

// Pattern is a pattern that was read. Its zero value is none: it matches nothing
// and is written "".
type Pattern struct {
	// Expr is the root of the tree.
	Expr Expr
}

// Expr is an expression over observations: an [*Observation], a [*Joined] or a
// [*Qualified].
type Expr interface{ expr() }

// Observation is an observation expression, [ … ]: one observation must fulfil
// the condition, with one object from which all its paths start.
type Observation struct {
	Cond Cond
}

// Joined joins two or more expressions. Each must be true of different
// observations.
type Joined struct {
	Op    Op     // And, Or or FollowedBy
	Parts []Expr // two or more; none is a Joined with the same operator
}

// Qualified is an expression with one qualifier behind it.
type Qualified struct {
	Expr Expr
	By   Qualifier
}

// QualifierKind tells the qualifiers apart.
type QualifierKind uint8

// The qualifiers. The zero value is none of them.
const (
	Repeats   QualifierKind = iota + 1 // REPEATS n TIMES
	Within                             // WITHIN n SECONDS
	StartStop                          // START t STOP t
)

// Qualifier restricts the observations of the expression before it.
type Qualifier struct {
	Kind QualifierKind
	// Times is how many different observations Repeats asks for, 1 to MaxTimes.
	Times int
	// Seconds is the window of Within, in seconds. The grammar allows 0, the
	// standard does not.
	Seconds float64
	// Start and Stop are the timestamps of StartStop as they were written,
	// without quotes: from Start on, before Stop.
	Start, Stop string
	// At is where the qualifier begins.
	At Position
}

// Op is an operator between expressions or between conditions.
type Op uint8

// The operators, from the one that binds most. The zero value is none of them;
// FollowedBy stands between observations only.
const (
	And Op = iota + 1
	Or
	FollowedBy
)

// Cond is a condition on one object of an observation: a [*Comparison] or a
// [*Both].
type Cond interface{ cond() }

// Both joins two or more conditions on the same object with AND or OR.
type Both struct {
	Op    Op     // And or Or
	Parts []Cond // two or more; none is a Both with the same operator
}

// Operator is an operator of a comparison.
type Operator uint8

// The operators of comparisons. The zero value is none of them.
const (
	Equal          Operator = iota + 1 // =, also written ==
	NotEqual                           // !=, also written <>
	Less                               // <
	LessOrEqual                        // <=
	Greater                            // >
	GreaterOrEqual                     // >=
	In                                 // IN ( … )
	Like                               // LIKE '…'
	Matches                            // MATCHES '…'
	IsSubset                           // ISSUBSET '…'
	IsSuperset                         // ISSUPERSET '…'
	Exists                             // EXISTS path
)

// Comparison compares what a path leads to with constants.
type Comparison struct {
	Path Path
	Not  bool // NOT stands before the operator
	Op   Operator
	// Values are the constants: any number for In, none for Exists, else one.
	Values []Constant
	// At is where the comparison begins.
	At Position
}

// Path leads from an object of a type to a value.
type Path struct {
	Type  string // type of the object, such as "file"
	Steps []Step // one or more; the first is a name
}

// Step is one step of a path.
type Step struct {
	Kind  StepKind
	Name  string // for Name
	Index int    // for Index; below zero it leads nowhere
}

// StepKind tells the steps of a path apart.
type StepKind uint8

// The steps of a path. The zero value is none of them.
const (
	Name  StepKind = iota + 1 // .name: a property, or a key of a dictionary
	Index                     // [n]: an item of a list
	Every                     // [*]: any item of a list
)

// Kind is the type of a constant.
type Kind uint8

// The types of constants. The zero value is none of them.
const (
	String    Kind = iota + 1 // '…'
	Integer                   // 42
	Float                     // 1.5
	Boolean                   // true, false
	Hex                       // h'…'
	Binary                    // b'…'
	Timestamp                 // t'…'
)

// Constant is a constant of a comparison.
type Constant struct {
	Kind  Kind
	Text  string  // of a String, escapes undone; of a Timestamp, as it was written
	Int   int64   // of an Integer
	Float float64 // of a Float
	Bool  bool    // of a Boolean
	Bytes []byte  // of Hex and Binary
}

func (*Observation) expr() {}
func (*Joined) expr()      {}
func (*Qualified) expr()   {}
func (*Comparison) cond()  {}
func (*Both) cond()        {}

// Comparisons calls yield for each comparison of the pattern in the order in
// which they were written, until it returns false.
func (p *Pattern) Comparisons(yield func(*Comparison) bool) {
	eachExpr(p.Expr, yield)
}

func eachExpr(e Expr, yield func(*Comparison) bool) bool {
	switch e := e.(type) {
	case *Observation:
		return eachCond(e.Cond, yield)
	case *Qualified:
		return eachExpr(e.Expr, yield)
	case *Joined:
		for _, part := range e.Parts {
			if !eachExpr(part, yield) {
				return false
			}
		}
	}
	return true
}

func eachCond(c Cond, yield func(*Comparison) bool) bool {
	switch c := c.(type) {
	case *Comparison:
		return yield(c)
	case *Both:
		for _, part := range c.Parts {
			if !eachCond(part, yield) {
				return false
			}
		}
	}
	return true
}
