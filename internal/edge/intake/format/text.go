package format

import (
	"bufio"
	"html"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"casus/internal/core/observable"
	"casus/stix"
	"casus/tlp"
)

// list reads a list of one value a line. A line may go on with a number or a
// remark.
type list struct {
	lines *lineReader
}

func newList(r *bufio.Reader) *list { return &list{lines: &lineReader{r: decoded(r)}} }

// fill implements source.
func (l *list) fill(s *stream) error {
	line, at, err := l.lines.next()
	if err != nil {
		return lineError(s, at, err)
	}
	place := "line " + strconv.Itoa(at)
	text := strings.TrimSpace(string(line))
	switch {
	case text == "" || isComment(text):
		return nil
	case !utf8.Valid(line):
		s.problem(stix.Problem{Place: place, Reason: "the line is not UTF-8 (byte " + strconv.Itoa(firstInvalid(line)+1) + " of the line)", Remedy: "save the list as UTF-8, or as UTF-16 with a byte order mark", Raw: line})
		return nil
	}
	first, _, _ := cutSpace(text)
	for _, candidate := range []string{first, text} {
		for _, k := range observable.Parse(candidate) {
			t, ok := s.thing(k, candidate)
			if !ok || len(t.refs) == 0 {
				continue
			}
			for _, o := range t.objects {
				s.emit(place, o, nil)
			}
			return nil
		}
	}
	s.problem(stix.Problem{Place: place, Reason: strconv.Quote(cut(text, 80)) + " is not a value of a known form", Remedy: "correct the line, or begin it with # if it is a remark", Raw: line})
	return nil
}

// readText reads prose.
func readText(s *stream, b []byte) error {
	text := string(decodeAll(b, encodingOf(b)))
	if !utf8.ValidString(text) {
		text = s.dropInvalidLines(text)
	}
	if looksLikeHTML(text) {
		text = plainHTML(text)
	}
	label := labelIn(text)
	title := firstLine(text)
	if title == "" {
		title = s.file.name
	}
	s.note(title, time.Time{}, label)
	s.document("text", title, text, time.Time{}, nil, label, nil)
	return nil
}

// dropInvalidLines sets aside every line that is not UTF-8 and returns the rest.
func (s *stream) dropInvalidLines(text string) string {
	var out strings.Builder
	bad := 0
	for i := 1; text != ""; i++ {
		line, rest, _ := strings.Cut(text, "\n")
		text = rest
		if utf8.ValidString(line) {
			out.WriteString(line)
			out.WriteByte('\n')
			continue
		}
		if bad++; bad <= hopeless {
			s.problem(stix.Problem{
				Place: "line " + strconv.Itoa(i), Reason: "the line is not UTF-8 (byte " + strconv.Itoa(firstInvalid([]byte(line))+1) + " of the line)",
				Remedy: "save the text as UTF-8", Raw: []byte(line),
			})
		}
	}
	if bad > hopeless {
		s.problem(stix.Problem{Place: "text", Reason: strconv.Itoa(bad-hopeless) + " more lines are not UTF-8", Remedy: "save the text as UTF-8"})
	}
	return out.String()
}

// firstLine returns the first line that says something.
func firstLine(text string) string {
	for l := range strings.Lines(text) {
		if t := strings.Trim(l, " \t\r\n#=*-_"); t != "" {
			return cut(t, 200)
		}
	}
	return ""
}

var labelForm = regexp.MustCompile(`(?i)\bTLP\s*[:=]\s*"?(AMBER\s*\+\s*STRICT|RED|AMBER|GREEN|CLEAR|WHITE)\b`)

// labelIn returns the most restrictive label of TLP named in the first 4 KiB or
// the last 1 KiB of a text, where headings and footers are; nil if none is.
func labelIn(text string) *tlp.Label {
	head := cut(text, 4096)
	parts := []string{head}
	if len(text) > len(head) {
		parts = append(parts, text[max(len(head), len(text)-1024):])
	}
	var found *tlp.Label
	for _, p := range parts {
		for _, m := range labelForm.FindAllStringSubmatch(p, -1) {
			l, ok := tlp.Parse(strings.Join(strings.Fields(m[1]), ""))
			if !ok {
				continue
			}
			if found != nil {
				l = tlp.Most(l, *found)
			}
			found = &l
		}
	}
	return found
}

func looksLikeHTML(text string) bool {
	t := strings.ToLower(cut(strings.TrimSpace(text), 200))
	return strings.HasPrefix(t, "<!doctype html") || strings.HasPrefix(t, "<html")
}

var (
	hiddenHTML = regexp.MustCompile(`(?is)<(script|style)\b.*?</(script|style)\s*>|<!--.*?-->`)
	linkHTML   = regexp.MustCompile(`(?i)\bhref\s*=\s*["']?([^"'\s>]+)`)
	tagHTML    = regexp.MustCompile(`<[^<>]*>`)
	blankHTML  = regexp.MustCompile(`[ \t\r\f]*\n[ \t\r\f\n]*`)
)

// plainHTML returns the words of an HTML page and behind them where its links
// lead: what a link says and where it goes may differ.
func plainHTML(text string) string {
	text = hiddenHTML.ReplaceAllString(text, " ")
	var links strings.Builder
	for _, m := range linkHTML.FindAllStringSubmatch(text, 1000) {
		if u := html.UnescapeString(m[1]); strings.HasPrefix(u, "http") || strings.HasPrefix(u, "mailto:") {
			links.WriteString("\n" + strings.TrimPrefix(u, "mailto:"))
		}
	}
	text = html.UnescapeString(tagHTML.ReplaceAllString(text, " "))
	return strings.TrimSpace(blankHTML.ReplaceAllString(text, "\n")) + links.String() + "\n"
}
