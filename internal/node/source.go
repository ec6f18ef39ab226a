package node

import (
	"cmp"
	"context"
	"maps"
	"strings"
	"time"
	"unicode"

	"casus/internal/core/alliance"
	"casus/internal/core/privacy"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/internal/people"
)

// maxSourceName bounds a name as it is given, in bytes, maxSource one that is led by
// an organisation.
const (
	maxSourceName = 128
	maxSource     = maxSourceName + 60
)

// ledBy returns the organisation that leads the name of a source, as in
// AAA/mfa/feed; "" when none does.
func ledBy(name string) alliance.Org {
	member, rest, _ := strings.Cut(name, "/")
	unit, source, ok := strings.Cut(rest, "/")
	if org := alliance.Org(member + "/" + unit); ok && source != "" && org.Validate() == nil {
		return org
	}
	return ""
}

// sourceFor returns what the source is called that somebody of org calls name. Each
// organisation has its own sources: those of home, the node's own, go by the bare
// name, those of the others are led by theirs, whatever there is already. So nobody
// hands in under another's source, and no answer tells which sources there are.
//
// Source: casus decision 0034.
func sourceFor(org, home alliance.Org, name string) (string, error) {
	if name == "" {
		name = report.LocalSource
	}
	if org == "" { // the local operator
		return name, nil
	}
	own := strings.TrimPrefix(name, string(org)+"/")
	switch {
	case ledBy(own) != "":
		return "", fault.WithHint(fault.Errorf(fault.Denied, "node: source %.80q: it is led by another organisation than yours", name),
			"hand in under a name without organisation: it is led by yours")
	case len(own) > maxSourceName:
		return "", fault.Errorf(fault.Invalid, "node: source name %.40q: want at most %d bytes", own, maxSourceName)
	case org == home:
		return own, nil
	}
	return string(org) + "/" + own, nil
}

// leads returns the organisation whose source it is.
func (n *Node) leads(name string) alliance.Org {
	return cmp.Or(ledBy(name), n.home())
}

// answersFor reports whether who asks is data-protection officer of the organisation
// whose source it is.
func (n *Node) answersFor(ctx context.Context, name string) bool {
	return n.may(ctx, erases) == nil && people.CallerOf(ctx).Org == n.leads(name)
}

// maySet returns nil when who asks may set src. It looks at the name and at what is
// set, and not at whether anything came in.
//
// Source: casus decision 0039.
func (n *Node) maySet(ctx context.Context, src report.Source) error {
	if n.people.Empty() {
		return nil
	}
	was := n.view.Settings(src.Name)
	err := n.may(ctx, manages)
	switch {
	case err == nil && privacy.Shortens(was.Retention, src.Retention):
		return fault.WithHint(fault.Errorf(fault.Denied, "node: source %.80q: retention %s is shorter than what is set, and erases", src.Name, src.Retention),
			"the data-protection officer of %s sets it; all else can be set without", n.leads(src.Name))
	case err == nil || !n.answersFor(ctx, src.Name):
		return err
	case !sameReading(was, src):
		return fault.WithHint(fault.Errorf(fault.Denied, "node: source %.80q: a data-protection officer sets purpose, legal basis and retention alone", src.Name),
			"an administrator sets the rest")
	}
	return nil
}

// sameReading reports whether two settings of a source differ in nothing but in what
// is said of data protection.
func sameReading(a, b report.Source) bool {
	tlpOf := func(s report.Source) string {
		if s.TLP == nil {
			return ""
		}
		return s.TLP.String()
	}
	return tlpOf(a) == tlpOf(b) && a.Zone == b.Zone && cmp.Or(a.Trust, "F") == cmp.Or(b.Trust, "F") && maps.Equal(a.Map, b.Map)
}

// checkSource says what is wrong with the settings of a source.
func checkSource(src report.Source) error {
	switch {
	case src.Name == "" || len(src.Name) > maxSource || ledBy(src.Name) == "" && len(src.Name) > maxSourceName || strings.ContainsFunc(src.Name, unicode.IsControl):
		return fault.Errorf(fault.Invalid, "node: source name %.40q: want 1 to %d bytes without control characters", src.Name, maxSourceName)
	case src.Trust != "" && (len(src.Trust) != 1 || src.Trust[0] < 'A' || src.Trust[0] > 'F'):
		return fault.WithHint(fault.Errorf(fault.Invalid, "node: source %s: trust %.10q", src.Name, src.Trust), "use A (reliable) to F (cannot be judged)")
	}
	if err := report.CheckMap(src.Map); err != nil {
		return err
	}
	if src.Zone != "" {
		if _, err := time.LoadLocation(src.Zone); err != nil || src.Zone == "Local" {
			return fault.WithHint(fault.Errorf(fault.Invalid, "node: source %s: time zone %.40q is not known", src.Name, src.Zone), "use an IANA name such as Europe/Paris, or UTC")
		}
	}
	return src.Check()
}

// checkRequest says what is wrong with how a report is asked to be taken in.
func checkRequest(req report.Request) error {
	if strings.ContainsFunc(req.Source, unicode.IsControl) {
		return fault.Errorf(fault.Invalid, "node: source name %.40q: want one without control characters", req.Source)
	}
	return report.CheckMap(req.Map)
}
