package house

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// A family is a set of packages with the same rights.
type family struct {
	// name is a path from the module root; the family holds it and what lies
	// below it.
	name string
	// may lists the families it may import besides itself.
	may []string
	// apart says that the packages right below name may not import one another.
	apart bool
	// order, when set, lists the packages right below name: each may import
	// those before it.
	order []string
}

// coreOrder says which core package may build upon which.
var coreOrder = []string{
	"exact", "cursor", "alliance", "privacy", "marking", "report", "observable", "incident", "severity", "campaign", "attrib",
	"pressure", "accord", "consult", "respond", "assist", "pledge", "cbm", "exercise", "deter", "routing",
}

// families is the table of ranks: who may import whom.
func families() []family {
	public := []string{"tlp", "stix"}
	below := []string{"tlp", "stix", "internal/fault"}
	core := append(slices.Clone(below), "internal/core")
	event := append(slices.Clone(core), "misp", "taxii", "cacao")
	engine := append(slices.Clone(event), "internal/event", "internal/fence")
	view := slices.Concat(engine, []string{"internal/eventlog", "internal/kv", "internal/trust", "internal/record"})
	process := append(slices.Clone(view), "internal/view", "internal/people", "internal/audit", "internal/outbox")
	edge := append(slices.Clone(process), "internal/process", "internal/demo")
	all := append(slices.Clone(edge), "internal/edge")
	top := append(slices.Clone(all), "internal/node", "internal/bench", "internal/sim")
	return []family{
		{name: "tlp"},
		{name: "stix", may: []string{"tlp"}},
		{name: "misp", may: public},
		{name: "taxii", may: public},
		{name: "cacao", may: public},
		{name: "internal/fault"},
		{name: "internal/fence"},
		{name: "internal/core", may: below, order: coreOrder},
		{name: "internal/event", may: event},
		{name: "internal/eventlog", may: engine},
		{name: "internal/kv", may: engine},
		{name: "internal/trust", may: engine},
		{name: "internal/record", may: engine},
		{name: "internal/view", may: view},
		{name: "internal/people", may: view},
		{name: "internal/audit", may: view},
		{name: "internal/outbox", may: view},
		{name: "internal/process", may: process},
		{name: "internal/edge", may: edge, apart: true},
		{name: "internal/node", may: append(slices.Clone(all), "internal/bench")},
		{name: "internal/bench", may: core},
		{name: "internal/demo", may: core},
		{name: "internal/sim", may: append(slices.Clone(all), "internal/node")},
		{name: "internal/house"},
		{name: "cmd/casus", may: top},
	}
}

// familyOf returns the family of a package path from the module root.
func familyOf(fams []family, pkg string) (family, bool) {
	for _, f := range fams {
		if pkg == f.name || strings.HasPrefix(pkg, f.name+"/") {
			return f, true
		}
	}
	return family{}, false
}

// child returns the path element of pkg right below name, "" for name itself.
func child(name, pkg string) string {
	rest, _ := strings.CutPrefix(strings.TrimPrefix(pkg, name), "/")
	first, _, _ := strings.Cut(rest, "/")
	return first
}

// checkRanks complains of imports that do not point downwards. Tests may import
// what they need, but for the public packages, whose tests stand alone too.
func checkRanks(files []*goFile) []string {
	fams := families()
	var out []string
	for _, f := range files {
		from, ok := familyOf(fams, f.Dir)
		if !ok {
			if f.Dir != "." {
				out = append(out, fmt.Sprintf("%s: folder %s has no rank; give it one in ranks_test.go", f.Path, f.Dir))
			}
			continue
		}
		if f.Test {
			continue
		}
		for _, imp := range f.imports() {
			pkg, ours := strings.CutPrefix(imp, module+"/")
			if !ours {
				continue
			}
			if why := mayImport(fams, from, f.Dir, pkg); why != "" {
				out = append(out, fmt.Sprintf("%s: imports %s: %s", f.Path, pkg, why))
			}
		}
	}
	return out
}

// mayImport returns why a package of family from may not import pkg, "" if it may.
func mayImport(fams []family, from family, dir, pkg string) string {
	to, ok := familyOf(fams, pkg)
	if !ok {
		return "it has no rank"
	}
	if from.name != to.name {
		if !slices.Contains(from.may, to.name) {
			return fmt.Sprintf("%s may not import %s", from.name, to.name)
		}
		return ""
	}
	a, b := child(from.name, dir), child(to.name, pkg)
	switch {
	case a == b:
	case from.apart:
		return fmt.Sprintf("%s and %s stay apart", path.Join(from.name, a), path.Join(from.name, b))
	case from.order != nil:
		i, j := slices.Index(from.order, a), slices.Index(from.order, b)
		if i < 0 || j < 0 || j > i {
			return fmt.Sprintf("%s does not come before %s", path.Join(from.name, b), path.Join(from.name, a))
		}
	}
	return ""
}

func TestRanks(t *testing.T) {
	t.Parallel()
	report(t, checkRanks(tree(t)))
}

func TestRanksComplains(t *testing.T) {
	t.Parallel()
	got := checkRanks(fixture(t, map[string]string{
		"internal/core/marking/a.go":    "package marking\nimport _ \"casus/internal/event\"\n",
		"internal/core/exact/a.go":      "package exact\nimport _ \"casus/internal/core/marking\"\n",
		"internal/core/observable/a.go": "package observable\nimport _ \"casus/internal/core/marking\"\n",
		"internal/edge/web/a.go":        "package web\nimport (\n_ \"casus/internal/edge/api\"\n_ \"casus/internal/edge/web/part\"\n)\n",
		"internal/util/a.go":            "package util\n",
		"tlp/a.go":                      "package tlp\nimport _ \"casus/stix\"\n",
		"stix/a_test.go":                "package stix\nimport _ \"casus/internal/node\"\n",
	}))
	wantComplaint(t, got,
		"internal/core may not import internal/event",
		"internal/core/marking does not come before internal/core/exact",
		"internal/edge/web and internal/edge/api stay apart",
		"folder internal/util has no rank",
		"tlp may not import stix",
	)
}
