package node

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json/jsontext"
	"encoding/json/v2"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"casus/internal/core/alliance"
	"casus/internal/core/marking"
	"casus/internal/core/report"
	"casus/internal/edge/taxiiserver"
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

// The marks of what must leave no trace.
const canaryName, canaryTitle, canaryText = "canaryname-7f31c2", "canarytitle-90ab41", "canarycontent-55ee07"

func canary(more string) string { return indicator(1, january, canaryText, more) }

// labelledCanary is a bundle that bears the label of a level.
func labelledCanary(t *testing.T, level string) string {
	t.Helper()
	return string(bundle("x", "", canary(`,"x_label":`+quoted(t, xmlLabel(level)))).body)
}

type member struct{ name, body string }

func zipOf(t *testing.T, members ...member) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.Create(m.name)
		if err == nil {
			_, err = w.Write([]byte(m.body))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipOf(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	if _, err := g.Write([]byte(text)); err != nil || g.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

// inUTF16 returns text in UTF-16 with its mark.
func inUTF16(text string, order binary.AppendByteOrder) string {
	out := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, u)
	}
	return string(out)
}

// mailOf is a mail whose body, or a part of it, is as header and body say.
func mailOf(header, body string) string {
	return "From: a@north.example\r\nTo: b@south.example\r\nSubject: " + canaryText + "\r\n" + header + "\r\n\r\n" + body + "\r\n"
}

// quotedPrintable breaks lines where that splits every name.
func quotedPrintable(text string) string {
	var out strings.Builder
	for i, c := range []byte(strings.ReplaceAll(text, "=", "\x00")) {
		if i%7 == 6 {
			out.WriteString("=\r\n")
		}
		if c == 0 {
			out.WriteString("=3D")
			continue
		}
		out.WriteByte(c)
	}
	return out.String()
}

const (
	quotedHeader = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable"
	base64Header = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64"
	partsHeader  = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=zz"
)

func attach(name, body string) string {
	return "--zz\r\n\r\n198.51.100.1\r\n--zz\r\nContent-Disposition: attachment; filename=" + name + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(body)) + "\r\n--zz--"
}

type handedIn struct {
	body  string
	class marking.Level
}

// plainlyAbove says so without a code around it.
func plainlyAbove(t *testing.T) map[string]handedIn {
	t.Helper()
	labelled, secret := labelledCanary(t, "SECRET"), xmlLabel("SECRET")
	far := strings.Repeat(strings.Repeat(" ", 99)+"\n", 11_000)
	return map[string]handedIn{
		"said by who hands it in":      {canary(""), "alliance/CONFIDENTIAL"},
		"by an equivalent":             {canary(""), "arkania/SECRET"},
		"by a ladder nobody knows":     {canary(""), "elsewhere/LOW"},
		"by what is no classification": {canary(""), "secret"},
		"a label in an object":         {labelled, ""},
		"a lower one besides":          {labelled, "alliance/RESTRICTED"},
		"in a mail":                    {mailOf("X-Any: x", secret), ""},
		"in the header of a mail":      {mailOf(base64Header+"\r\nX-Label: "+secret, ""), ""},
		"in a table":                   {"value,description\n198.51.100.1," + secret + canaryText + "\n", ""},
		"in text":                      {canaryText + xmlLabel("TOP SECRET"), ""},
		"of another policy":            {canaryText + strings.ReplaceAll(secret, "ALLIANCE", "ELSEWHERE"), ""},
		"that cannot be read":          {canaryText + strings.ReplaceAll(secret, "Classification>", "Level>"), ""},
		"across two windows":           {canaryText + far[:1<<20-len(canaryText)-100] + secret + far, ""},
	}
}

// encodedAbove says so in what is packed or encoded.
func encodedAbove(t *testing.T) map[string]handedIn {
	t.Helper()
	labelled := labelledCanary(t, "SECRET")
	text := "198.51.100.1 " + canaryText + xmlLabel("SECRET")
	based := base64.StdEncoding.EncodeToString([]byte(text))
	return map[string]handedIn{
		"in a zip":                                {zipOf(t, member{canaryName + ".json", labelled}), ""},
		"in a zip, behind what is set aside":      {zipOf(t, member{"a.zip", zipOf(t, member{"x", "x"})}, member{"b.json", labelled}), ""},
		"in a gz":                                 {gzipOf(t, labelled), ""},
		"in UTF-16, little end first":             {inUTF16(text, binary.LittleEndian), ""},
		"in UTF-16, big end first":                {inUTF16(text, binary.BigEndian), ""},
		"in UTF-16 in a zip":                      {zipOf(t, member{"a.txt", inUTF16(text, binary.LittleEndian)}), ""},
		"in a quoted-printable mail":              {mailOf(quotedHeader, quotedPrintable(text)), ""},
		"in a mail in base64":                     {mailOf(base64Header, based), ""},
		"in a mail in a character set":            {mailOf(base64Header+"\r\nContent-Type: text/plain; charset=utf-16", base64.StdEncoding.EncodeToString([]byte(inUTF16(text, binary.BigEndian)))), ""},
		"attached to a mail":                      {mailOf(partsHeader, attach("a.json", labelled)), ""},
		"packed and attached to a mail":           {mailOf(partsHeader, attach("a.zip", zipOf(t, member{"a.json", labelled}))), ""},
		"in a mail attached to a mail":            {mailOf(partsHeader, attach("a.eml", mailOf(base64Header, based))), ""},
		"that cannot be read, quoted-printable":   {mailOf(quotedHeader, quotedPrintable(strings.ReplaceAll(text, "Classification>", "Level>"))), ""},
		"that cannot be read, in a mail as it is": {mailOf("X-Any: x", strings.ReplaceAll(text, "Classification>", "Level>")), ""},
	}
}

// underCeiling is a node on disk with a ceiling, which its views have read.
func underCeiling(t *testing.T) (Config, *Node) {
	t.Helper()
	c := onDisk(t)
	if err := Init(c, report.Ceiling{Level: "alliance/RESTRICTED", Reason: "accredited"}); err != nil {
		t.Fatal(err)
	}
	n := reopen(t, c)
	if err := n.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c, n
}

// TestCeiling hands in what is classified above the ceiling, in every form that
// says so: it is refused, the refusal names the ceiling and nothing else, and
// nothing of it is in any file, neither bytes nor name nor title.
func TestCeiling(t *testing.T) {
	t.Parallel()
	c, n := underCeiling(t)
	for _, list := range []map[string]handedIn{plainlyAbove(t), encodedAbove(t)} {
		for what, tt := range list {
			req := report.Request{Source: "north", Name: canaryName, Title: canaryTitle}
			if tt.class != "" {
				req.Classes = []marking.Level{tt.class}
			}
			_, err := n.Import(t.Context(), req, strings.NewReader(tt.body), nil)
			refusedUnread(t, what, err, canaryName, canaryTitle, canaryText)
			_, err = n.MatchBody(t.Context(), req, strings.NewReader(tt.body))
			refusedUnread(t, what+", matched", err, canaryName, canaryTitle, canaryText)
		}
	}
	path := filepath.Join(t.TempDir(), "file.json")
	if err := os.WriteFile(path, []byte(labelledCanary(t, "SECRET")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := n.ImportPaths(t.Context(), report.Request{Title: canaryTitle}, []string{path}, nil); fault.KindOf(err) != fault.Denied || strings.Contains(err.Error(), canaryText) {
		t.Errorf("a file of this machine: %v, want Denied", err)
	}
	posted := taxiiPost(t, n, []byte(labelledCanary(t, "SECRET")))
	if posted.Code != http.StatusForbidden || strings.Contains(posted.Body.String(), canaryText) || strings.Contains(posted.Body.String(), "SECRET") {
		t.Errorf("by TAXII: %d %s, want 403", posted.Code, posted.Body)
	}
	closeNode(t, n)
	wantGone(t, c.Dir, canaryName, canaryTitle, canaryText)
}

// taxiiPost posts objects to a collection of their own.
func taxiiPost(t *testing.T, n *Node, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	made, err := n.SetCollection(t.Context(), report.Collection{Title: "in", Source: "in", Readable: true, Writable: true})
	if err != nil {
		t.Fatal(err)
	}
	var b struct {
		Objects []jsontext.Value `json:"objects"`
	}
	if err := json.Unmarshal(body, &b); err != nil {
		t.Fatal(err)
	}
	envelope, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	x := exchangeOf(t, n, newClock(n.cfg.Clock()), taxiiserver.Options{})
	return x.send("POST", "/taxii2/casus/collections/"+made.ID+"/objects/", string(envelope))
}

// TestCeilingAdmits takes in what lies under the ceiling, plainly and encoded, and
// sets the ceiling.
func TestCeilingAdmits(t *testing.T) {
	t.Parallel()
	_, n := underCeiling(t)
	defer closeNode(t, n)
	res := take(t, n, hand{report.Request{Source: "north", Name: "a", Classes: []marking.Level{"arkania/RESERVED"}}, []byte(canary(`,"x_label":` + quoted(t, xmlLabel("RESTRICTED"))))})
	if res.New != 1 {
		t.Errorf("under the ceiling: %+v", res)
	}
	if w := taxiiPost(t, n, []byte(labelledCanary(t, "RESTRICTED"))); w.Code != http.StatusAccepted {
		t.Errorf("by TAXII: %d %s, want 202", w.Code, w.Body)
	}
	low := "198.51.100.1 " + xmlLabel("RESTRICTED")
	for what, body := range map[string]string{
		"quoted-printable": mailOf(quotedHeader, quotedPrintable(low)),
		"UTF-16":           inUTF16(low, binary.LittleEndian),
	} {
		if _, err := n.Import(t.Context(), report.Request{Source: "north", Name: what}, strings.NewReader(body), nil); err != nil {
			t.Errorf("under the ceiling, %s: %v", what, err)
		}
	}
	if err := n.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := n.view.Ceiling(); got.Level != "alliance/RESTRICTED" || got.Reason != "accredited" {
		t.Errorf("Ceiling = %+v after a rebuild", got)
	}
	if err := n.SetCeiling(t.Context(), report.Ceiling{Level: "alliance/NONSENSE", Reason: "x"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a ceiling that is no level: %v", err)
	}
	if err := n.SetCeiling(t.Context(), report.Ceiling{Reason: "lower"}); err != nil {
		t.Fatal(err)
	}
	_, err := n.Import(t.Context(), report.Request{Classes: []marking.Level{"alliance/RESTRICTED"}}, strings.NewReader(canary("")), nil)
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
