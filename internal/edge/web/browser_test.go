package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// screens is every page of the story.
var screens = []struct{ name, path string }{
	{"reports", "/reports"},
	{"reports-filtered", "/reports?q=nothing+of+the+kind"},
	{"new", "/reports/new"},
	{"report", "/reports/RPT-7K2M-9XQ4?new=16&known=1"},
	{"report-plain", "/reports/RPT-5DM1-9XQ4"},
	{"search", "/search?q=203.0.113.44"},
	{"search-empty", "/search"},
	{"object", "/objects/" + indicatorID},
	{"graph", "/objects/" + indicatorID + "/graph"},
	{"why", "/objects/" + indicatorID + "/why?reader=MAR/csirt"},
	{"share", "/reports/RPT-7K2M-9XQ4/share?to=ALD/csirt&tlp=TLP:AMBER"},
	{"sources", "/sources?name=CERT+Aldera"},
	{"audit", "/audit"},
	{"audit-some", "/audit?object=" + indicatorID + "&kind=read"},
	{"audit-entry", "/audit/AUD-3F9K-2MWC"},
	{"notfound", "/objects/none"},
}

// browser starts Chromium; without CASUS_CI=1 the test is skipped by name,
// with it a missing browser is a failure.
func browser(t *testing.T) context.Context {
	t.Helper()
	if os.Getenv("CASUS_CI") != "1" {
		t.Skip("needs Chromium: set CASUS_CI=1")
	}
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Fatal("CASUS_CI=1 and no Chromium on this machine")
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// complaints collects what the browser's console says of a page: policy
// violations and uncaught errors.
type complaints struct {
	mu   sync.Mutex // guards list
	list []string
}

func (c *complaints) listen(t *testing.T, ctx context.Context) {
	t.Helper()
	err := chromedp.Listen(ctx, func(ev any) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch e := ev.(type) {
		case *cdplog.EventEntryAdded:
			// A page that says "not here" answers 404, which is no complaint.
			if !strings.Contains(e.Entry.Text, "status of 404") {
				c.list = append(c.list, e.Entry.Text)
			}
		case *runtime.EventExceptionThrown:
			c.list = append(c.list, e.ExceptionDetails.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.list
	c.list = nil
	return l
}

// axeRun reports what axe-core finds against WCAG 2.2 AA, a line each.
const axeRun = `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}).then(r => r.violations.map(v =>
	v.id + ": " + v.nodes.slice(0, 4).map(n => n.target.join(" ") + " (" + n.any.map(a => a.message).join("; ") + ")").join(" | ")).join("\n"))`

// frameCut says whether a marking of the frame is not whole inside the window's
// width, not on one line, not at the right, or overlaps what stands beside it.
const frameCut = `[...document.querySelectorAll(".marking .tlp")].some(m => {
	const b = m.getBoundingClientRect();
	const beside = [...m.parentElement.querySelectorAll(".exw,.rel a,.rel button")].map(e => e.getBoundingClientRect()).filter(e => e.width);
	if (beside.some((a, i) => beside.slice(i + 1).concat(b).some(c => a.left < c.right && c.left < a.right && a.top + 4 < c.bottom && c.top + 4 < a.bottom))) return true;
	return b.left < 0 || b.right > document.documentElement.clientWidth || b.height > 30 || b.width < 60 || document.documentElement.clientWidth - b.right > 40;
})`

// viewport is one size of window.
type viewport struct {
	name string
	w, h int64
}

func (v viewport) set() chromedp.Action[chromedp.Void] {
	if v.name == "phone" {
		return chromedp.EmulateViewport(v.w, v.h, chromedp.EmulateMobile, chromedp.EmulateTouch)
	}
	return chromedp.EmulateViewport(v.w, v.h)
}

// TestBrowserScreens opens every screen in both themes at two widths and looks
// for policy violations, script errors and sideways scrolling; with axe-core
// given by CASUS_AXE, also for findings of that. CASUS_SHOTS names a folder for
// pictures.
func TestBrowserScreens(t *testing.T) {
	ctx := browser(t)
	s := httptest.NewServer(newPages(t, story(), Options{NodeName: "Alliance duty desk"}))
	defer s.Close()
	axe := axeSource(t)
	var c complaints
	c.listen(t, ctx)
	for _, size := range []viewport{{"desktop", 1440, 900}, {"phone", 390, 844}} {
		for _, theme := range []string{"light", "dark"} {
			for _, x := range screens {
				name := x.name + "-" + size.name + "-" + theme
				sep := "?"
				if strings.Contains(x.path, "?") {
					sep = "&"
				}
				err := chromedp.Do(ctx, size.set(), chromedp.Navigate(s.URL+x.path+sep+"theme="+theme), chromedp.WaitReady(chromedp.CSS("footer.marking")))
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				check(t, ctx, name, size, axe, &c)
			}
		}
	}
}

// noPeople is the door of a node on which there is nobody yet.
type noPeople struct{ Door }

// Empty implements Door.
func (noPeople) Empty() bool { return true }

// TestBrowserFrench opens every screen in French, whose words are longer, at
// the narrow width and looks for sideways scrolling.
func TestBrowserFrench(t *testing.T) {
	ctx := browser(t)
	s := httptest.NewServer(newPages(t, story(), Options{NodeName: "Alliance duty desk", Door: noPeople{}}))
	defer s.Close()
	var c complaints
	c.listen(t, ctx)
	for _, size := range []viewport{{"phone", 360, 740}, {"desktop", 1024, 768}} {
		for _, x := range screens {
			sep := "?"
			if strings.Contains(x.path, "?") {
				sep = "&"
			}
			err := chromedp.Do(ctx, size.set(), chromedp.Navigate(s.URL+x.path+sep+"lang=fr"), chromedp.WaitReady(chromedp.CSS("footer.marking")))
			if err != nil {
				t.Fatalf("%s: %v", x.name, err)
			}
			check(t, ctx, x.name+"-"+size.name+"-fr", size, "", &c)
		}
	}
}

// TestBrowserPrint prints a report; CASUS_SHOTS names a folder for the sheets.
func TestBrowserPrint(t *testing.T) {
	ctx := browser(t)
	s := httptest.NewServer(newPages(t, story(), Options{}))
	defer s.Close()
	if err := chromedp.Do(ctx, chromedp.Navigate(s.URL+"/reports/RPT-7K2M-9XQ4?theme=dark"), chromedp.WaitReady(chromedp.CSS("footer.marking"))); err != nil {
		t.Fatal(err)
	}
	sheets, err := chromedp.Run(ctx, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize()))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(sheets, []byte("%PDF-")) {
		t.Errorf("printing gave %d bytes that are no PDF", len(sheets))
	}
	if dir := os.Getenv("CASUS_SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "report.pdf"), sheets, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// check looks at the page that is open.
func check(t *testing.T, ctx context.Context, name string, size viewport, axe string, c *complaints) {
	t.Helper()
	shoot(t, ctx, name, size)
	wide, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > innerWidth"))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if wide {
		t.Errorf("%s: the page scrolls sideways", name)
	}
	if cut, err := chromedp.Run(ctx, chromedp.Evaluate[bool](frameCut)); err != nil || cut {
		t.Errorf("%s: the marking is cut off: %t, %v", name, cut, err)
	}
	if l := c.take(); len(l) > 0 {
		t.Errorf("%s: console: %q", name, l)
	}
	if axe == "" {
		return
	}
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](axe)); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	found, err := chromedp.Run(ctx, chromedp.Evaluate[string](axeRun, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: axe: %v", name, err)
	}
	if found != "" {
		t.Errorf("%s: axe: %s", name, found)
	}
	c.take() // axe puts styles of its own into the page, which the policy refuses
}

func shoot(t *testing.T, ctx context.Context, name string, size viewport) {
	t.Helper()
	dir := os.Getenv("CASUS_SHOTS")
	if dir == "" {
		return
	}
	take := chromedp.CaptureScreenshot()
	if size.name == "phone" {
		take = chromedp.FullScreenshot(100)
	}
	shot, err := chromedp.Run(ctx, take)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), shot, 0o600); err != nil {
		t.Fatal(err)
	}
}

// axeSource reads axe-core from the folder CASUS_AXE names; it is no part of
// the project.
func axeSource(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CASUS_AXE")
	if dir == "" {
		t.Log("axe-core not run: CASUS_AXE names no folder with axe.min.js")
		return ""
	}
	b, err := os.ReadFile(filepath.Join(dir, "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + ";undefined"
}

// TestBrowserIntake pastes a report, hands it in and lands on its page; keys
// and the theme switch work on the way.
func TestBrowserIntake(t *testing.T) {
	ctx := browser(t)
	f := story()
	s := httptest.NewServer(newPages(t, f, Options{}))
	defer s.Close()
	var c complaints
	c.listen(t, ctx)
	css := func(q string) chromedp.CSS { return chromedp.CSS(q) }
	err := chromedp.Do(ctx,
		chromedp.Navigate(s.URL+"/reports"),
		chromedp.WaitReady(css("footer.marking")),
		chromedp.KeyEvent("n"),
		chromedp.WaitVisible(css("#text")),
		chromedp.SendKeys(css("#source"), "CERT Aldera"),
		chromedp.Click(css(`input[name=tlp][value="TLP:AMBER"]`)),
		chromedp.SetValue(css("#text"), "seen 203.0.113[.]44\nand again"),
		chromedp.Click(css("#intake .sbar .pri")),
		chromedp.WaitVisible(css("#h-who")),
		chromedp.Click(css("#theme")),
		chromedp.KeyEvent("?"),
		chromedp.WaitVisible(css("#help")),
	)
	if err != nil {
		t.Fatal(err)
	}
	title, err := chromedp.Run(ctx, chromedp.Text(css("h1")))
	if err != nil {
		t.Fatal(err)
	}
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil {
		t.Fatal(err)
	}
	theme, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.documentElement.dataset.theme"))
	if err != nil {
		t.Fatal(err)
	}
	if want := s.URL + "/reports/RPT-7K2M-9XQ4?known=1&new=16"; at != want || !strings.Contains(title, "Grid wiper") {
		t.Errorf("after handing in: at %q with title %q, want %q", at, title, want)
	}
	if theme != "dark" {
		t.Errorf("theme after one click = %q, want dark", theme)
	}
	if len(f.imported) != 1 {
		t.Fatalf("imported %d reports, want 1", len(f.imported))
	}
	got := f.imported[0]
	if got.Req.Source != "CERT Aldera" || fmt.Sprint(got.Req.TLP) != "TLP:AMBER" || !strings.Contains(got.Body, "203.0.113[.]44") {
		t.Errorf("imported %+v", got)
	}
	if l := c.take(); len(l) > 0 {
		t.Errorf("console: %q", l)
	}
}

// TestBrowserProgress hands a report in, sees how far it is while it is read, and
// lands on the page of what became of it, whose keys work.
func TestBrowserProgress(t *testing.T) {
	ctx := browser(t)
	f := story()
	f.hold = make(chan struct{})
	s := httptest.NewServer(newPages(t, f, Options{}))
	defer s.Close()
	var c complaints
	c.listen(t, ctx)
	css := func(q string) chromedp.CSS { return chromedp.CSS(q) }
	hand := func(text string) {
		t.Helper()
		err := chromedp.Do(ctx,
			chromedp.Navigate(s.URL+"/reports/new"),
			chromedp.WaitVisible(css("#text")),
			chromedp.SetValue(css("#text"), text),
			chromedp.Click(css("#intake .sbar .pri")),
			chromedp.WaitVisible(css("#going-bar[value='50']")),
		)
		if err != nil {
			t.Fatal(err)
		}
	}
	hand("seen 203.0.113.44,")
	words, err := chromedp.Run(ctx, chromedp.Text(css("#going-text")))
	if err != nil || words != "1,204 objects · 3 set aside" {
		t.Errorf("while it is read: %q, %v", words, err)
	}
	check(t, ctx, "new-going", viewport{"desktop", 1440, 900}, axeSource(t), &c)
	f.hold <- struct{}{}
	if err := chromedp.Do(ctx, chromedp.WaitVisible(css("#h-who"))); err != nil {
		t.Fatal(err)
	}
	hand("unreadable")
	f.hold <- struct{}{}
	if err := chromedp.Do(ctx, chromedp.WaitVisible(css("#h-files")), chromedp.KeyEvent("?"), chromedp.WaitVisible(css("#help"))); err != nil {
		t.Fatal(err)
	}
	if l := c.take(); len(l) > 0 {
		t.Errorf("console: %q", l)
	}
}
