package node

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json/v2"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/fault"
	"casus/internal/people"
	"casus/tlp"
)

// xmlLabel is a confidentiality label of the alliance.
func xmlLabel(level string) string {
	return `<ConfidentialityLabel xmlns="urn:nato:stanag:4774:confidentialitymetadatalabel:1:0"><ConfidentialityInformation><PolicyIdentifier>ALLIANCE</PolicyIdentifier>` +
		`<Classification>` + level + `</Classification></ConfidentialityInformation></ConfidentialityLabel>`
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestCeiling hands in what is classified above the ceiling, in every form that
// says so: it is refused, the refusal names the ceiling and nothing else, and
// nothing of it is in any file, neither bytes nor name nor title.
func TestCeiling(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	if err := Init(c, report.Ceiling{Level: "alliance/RESTRICTED", Reason: "accredited"}); err != nil {
		t.Fatal(err)
	}
	n := reopen(t, c)
	const name, title, text = "canaryname-7f31c2", "canarytitle-90ab41", "canarycontent-55ee07"
	object := func(more string) string { return indicator(1, january, text, more) }
	labelled := string(bundle("x", "", object(`,"x_label":`+quoted(t, xmlLabel("SECRET")))).body)
	mail := "From: a@north.example\r\nTo: b@south.example\r\nSubject: " + text + "\r\n\r\n" + xmlLabel("SECRET") + "\r\n198.51.100.1\r\n"
	var zipped, gzipped bytes.Buffer
	z := zip.NewWriter(&zipped)
	w, err := z.Create(name + ".json")
	if err == nil {
		_, err = w.Write([]byte(labelled))
	}
	g := gzip.NewWriter(&gzipped)
	if err == nil {
		_, err = g.Write([]byte(labelled))
	}
	if err != nil || z.Close() != nil || g.Close() != nil {
		t.Fatal(err)
	}
	far := strings.Repeat(strings.Repeat(" ", 99)+"\n", 11_000) // the label lies across two windows
	for what, tt := range map[string]struct {
		body  string
		class marking.Level
	}{
		"said by who hands it in":      {object(""), "alliance/CONFIDENTIAL"},
		"by an equivalent":             {object(""), "arkania/SECRET"},
		"by a ladder nobody knows":     {object(""), "elsewhere/LOW"},
		"by what is no classification": {object(""), "secret"},
		"a label in an object":         {labelled, ""},
		"a lower one besides":          {labelled, "alliance/RESTRICTED"},
		"in a mail":                    {mail, ""},
		"in a table":                   {"value,description\n198.51.100.1," + xmlLabel("SECRET") + text + "\n", ""},
		"in text":                      {text + xmlLabel("TOP SECRET"), ""},
		"of another policy":            {text + strings.ReplaceAll(xmlLabel("SECRET"), "ALLIANCE", "ELSEWHERE"), ""},
		"that cannot be read":          {text + strings.ReplaceAll(xmlLabel("SECRET"), "Classification>", "Level>"), ""},
		"in a zip":                     {zipped.String(), ""},
		"in a gz":                      {gzipped.String(), ""},
		"far in":                       {text + far[:len(far)-len(text)-(len(far)-1<<20)-100] + xmlLabel("SECRET") + far, ""},
	} {
		req := report.Request{Source: "north", Name: name, Title: title}
		if tt.class != "" {
			req.Classes = []marking.Level{tt.class}
		}
		_, err := n.Import(t.Context(), req, strings.NewReader(tt.body), nil)
		refusedUnread(t, what, err, name, title, text)
		_, err = n.MatchBody(t.Context(), req, strings.NewReader(tt.body))
		refusedUnread(t, what+", matched", err, name, title, text)
	}
	path := filepath.Join(t.TempDir(), "file.json")
	if err := os.WriteFile(path, []byte(labelled), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := n.ImportPaths(t.Context(), report.Request{Title: title}, []string{path}, nil); fault.KindOf(err) != fault.Denied || strings.Contains(err.Error(), text) {
		t.Errorf("a file of this machine: %v, want Denied", err)
	}
	closeNode(t, n)
	wantGone(t, c.Dir, name, title, text)

	// What lies under the ceiling is taken in, and the ceiling stays.
	n = reopen(t, c)
	defer closeNode(t, n)
	res := take(t, n, hand{report.Request{Source: "north", Name: "a", Classes: []marking.Level{"arkania/RESERVED"}}, []byte(object(`,"x_label":` + quoted(t, xmlLabel("RESTRICTED"))))})
	if res.New != 1 {
		t.Errorf("under the ceiling: %+v", res)
	}
	if err := n.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := n.view.Ceiling(); got.Level != "alliance/RESTRICTED" || got.Reason != "accredited" {
		t.Errorf("Ceiling = %+v after a restart and a rebuild", got)
	}
	if err := n.SetCeiling(t.Context(), report.Ceiling{Level: "alliance/NONSENSE", Reason: "x"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a ceiling that is no level: %v", err)
	}
	if err := n.SetCeiling(t.Context(), report.Ceiling{Reason: "lower"}); err != nil {
		t.Fatal(err)
	}
	_, err = n.Import(t.Context(), report.Request{Classes: []marking.Level{"alliance/RESTRICTED"}}, strings.NewReader(object("")), nil)
	if fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "lowest level") {
		t.Errorf("above the lowest: %v, want Denied", err)
	}
}

func refusedUnread(t *testing.T, what string, err error, canaries ...string) {
	t.Helper()
	if err == nil || fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "alliance/RESTRICTED") {
		t.Errorf("%s: %v, want Denied with the ceiling", what, err)
		return
	}
	told := fmt.Sprint(err, fault.HintOf(err))
	for _, c := range append(canaries, "SECRET", "CONFIDENTIAL", "elsewhere") {
		if strings.Contains(told, c) {
			t.Errorf("%s: %q tells %q", what, told, c)
		}
	}
}

// TestClassified hands in classified things under the ceiling: who is cleared
// reads them, who is not finds nothing, and may not hand such things in.
func TestClassified(t *testing.T) {
	t.Parallel()
	n := peopled(t)
	admin := as(t, n, alliance.Administrator)
	if err := n.SetCeiling(admin, report.Ceiling{Level: "alliance/SECRET", Reason: "accredited"}); err != nil {
		t.Fatal(err)
	}
	cleared := []alliance.Clearance{{Ladder: "arkania", Level: "RESERVED"}}
	if _, err := n.EditPerson(admin, "analyst", people.Change{Clearances: &cleared}); err != nil {
		t.Fatal(err)
	}
	amber := tlp.Amber
	h := bundle("classified", "feed", indicator(1, january, "classified", `,"x_label":`+quoted(t, xmlLabel("RESTRICTED"))))
	h.req.TLP = &amber
	if _, err := h.in(as(t, n, alliance.DutyOfficer), n); fault.KindOf(err) != fault.Denied || !strings.Contains(err.Error(), "may not read") {
		t.Errorf("handed in without clearance: %v, want Denied", err)
	}
	res, err := h.in(as(t, n, alliance.Analyst), n)
	if err != nil || res.New != 1 {
		t.Fatalf("handed in = %+v, %v", res, err)
	}
	rep := res.Reports[0].ID
	if _, err := n.Report(as(t, n, alliance.Analyst), rep); err != nil {
		t.Errorf("who is cleared: %v", err)
	}
	if _, err := n.Report(as(t, n, alliance.DutyOfficer), rep); fault.KindOf(err) != fault.NotFound {
		t.Errorf("who is not: %v, want not found", err)
	}
	if err := n.SetCeiling(as(t, n, alliance.Analyst), report.Ceiling{Level: "alliance/SECRET", Reason: "x"}); fault.KindOf(err) != fault.Denied {
		t.Errorf("an analyst sets the ceiling: %v, want Denied", err)
	}
}
