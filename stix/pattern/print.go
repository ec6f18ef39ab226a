package pattern

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// String returns the pattern in canonical form: single spaces, = and != for
// their other spellings, names in quotes only if they must be, numbers, bytes
// and strings with the fewest signs, and parentheses only where the tree needs
// them. [Parse] reads it back to the same tree.
func (p *Pattern) String() string {
	var w writer
	if p.Expr != nil {
		w.expr(p.Expr, FollowedBy)
	}
	return w.b.String()
}

// String returns the comparison in canonical form.
func (c *Comparison) String() string {
	var w writer
	w.comparison(c)
	return w.b.String()
}

// String returns the path in canonical form.
func (p Path) String() string {
	var w writer
	w.path(p)
	return w.b.String()
}

// String returns the constant in canonical form.
func (c Constant) String() string {
	var w writer
	w.constant(c)
	return w.b.String()
}

// String returns the keyword, "" for none.
func (o Op) String() string {
	switch o {
	case And:
		return "AND"
	case Or:
		return "OR"
	case FollowedBy:
		return "FOLLOWEDBY"
	}
	return ""
}

// String returns the operator as it is written, "" for none.
func (o Operator) String() string {
	switch o {
	case Equal:
		return "="
	case NotEqual:
		return "!="
	case Less:
		return "<"
	case LessOrEqual:
		return "<="
	case Greater:
		return ">"
	case GreaterOrEqual:
		return ">="
	case In:
		return "IN"
	case Like:
		return "LIKE"
	case Matches:
		return "MATCHES"
	case IsSubset:
		return "ISSUBSET"
	case IsSuperset:
		return "ISSUPERSET"
	case Exists:
		return "EXISTS"
	}
	return ""
}

// String returns the qualifier in canonical form, "" for none.
func (q Qualifier) String() string {
	switch q.Kind {
	case Repeats:
		return "REPEATS " + strconv.Itoa(q.Times) + " TIMES"
	case Within:
		return "WITHIN " + number(q.Seconds) + " SECONDS"
	case StartStop:
		return "START t'" + q.Start + "' STOP t'" + q.Stop + "'"
	}
	return ""
}

// writer writes the canonical form.
type writer struct{ b strings.Builder }

// expr writes an expression; one that binds less than most needs parentheses.
func (w *writer) expr(e Expr, most Op) {
	switch e := e.(type) {
	case *Observation:
		w.b.WriteString("[")
		w.cond(e.Cond, Or)
		w.b.WriteString("]")
	case *Joined:
		if e.Op > most {
			w.b.WriteString("(")
			defer w.b.WriteString(")")
		}
		for i, part := range e.Parts {
			if i > 0 {
				w.b.WriteString(" " + e.Op.String() + " ")
			}
			w.expr(part, e.Op)
		}
	case *Qualified:
		w.qualified(e)
	}
}

// qualified writes an expression with its qualifiers. What was qualified
// before stands in parentheses where a kind of qualifier comes again.
func (w *writer) qualified(e *Qualified) {
	var chain []Qualifier
	var seen [StartStop + 1]bool
	inner := Expr(e)
	for {
		q, ok := inner.(*Qualified)
		if !ok || seen[q.By.Kind] {
			break
		}
		seen[q.By.Kind] = true
		chain = append(chain, q.By)
		inner = q.Expr
	}
	_, plain := inner.(*Observation)
	if !plain {
		w.b.WriteString("(")
	}
	w.expr(inner, FollowedBy)
	if !plain {
		w.b.WriteString(")")
	}
	for _, q := range slices.Backward(chain) {
		w.b.WriteString(" " + q.String())
	}
}

func (w *writer) cond(c Cond, most Op) {
	switch c := c.(type) {
	case *Comparison:
		w.comparison(c)
	case *Both:
		if c.Op > most {
			w.b.WriteString("(")
			defer w.b.WriteString(")")
		}
		for i, part := range c.Parts {
			if i > 0 {
				w.b.WriteString(" " + c.Op.String() + " ")
			}
			w.cond(part, c.Op)
		}
	}
}

func (w *writer) comparison(c *Comparison) {
	if c.Op == Exists {
		w.b.WriteString("EXISTS ")
		w.path(c.Path)
		return
	}
	w.path(c.Path)
	if c.Not {
		w.b.WriteString(" NOT")
	}
	w.b.WriteString(" " + c.Op.String() + " ")
	if c.Op == In {
		w.b.WriteString("(")
	}
	for i, v := range c.Values {
		if i > 0 {
			w.b.WriteString(", ")
		}
		w.constant(v)
	}
	if c.Op == In {
		w.b.WriteString(")")
	}
}

func (w *writer) path(p Path) {
	w.b.WriteString(p.Type)
	for i, s := range p.Steps {
		switch s.Kind {
		case Name:
			if i == 0 {
				w.b.WriteString(":")
			} else {
				w.b.WriteString(".")
			}
			if plainName(s.Name) {
				w.b.WriteString(s.Name)
			} else {
				w.quoted(s.Name)
			}
		case Index:
			w.b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		case Every:
			w.b.WriteString("[*]")
		}
	}
}

// plainName tells whether a name needs no quotes.
func plainName(s string) bool {
	if s == "" || isDigit(s[0]) || isKeyword(s) {
		return false
	}
	for i := range len(s) {
		if !isLetter(s[i]) && !isDigit(s[i]) {
			return false
		}
	}
	return true
}

func (w *writer) quoted(s string) {
	w.b.WriteString("'" + strings.ReplaceAll(strings.ReplaceAll(s, `\`, `\\`), "'", `\'`) + "'")
}

func (w *writer) constant(c Constant) {
	switch c.Kind {
	case String:
		w.quoted(c.Text)
	case Integer:
		w.b.WriteString(strconv.FormatInt(c.Int, 10))
	case Float:
		w.b.WriteString(number(c.Float))
		if s := number(c.Float); !strings.Contains(s, ".") {
			w.b.WriteString(".0")
		}
	case Boolean:
		w.b.WriteString(strconv.FormatBool(c.Bool))
	case Hex:
		w.b.WriteString("h'" + hex.EncodeToString(c.Bytes) + "'")
	case Binary:
		w.b.WriteString("b'" + base64.StdEncoding.EncodeToString(c.Bytes) + "'")
	case Timestamp:
		w.b.WriteString("t'" + c.Text + "'")
	}
}

// number writes a number without an exponent, which the grammar does not know.
func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
