package node

import (
	"context"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"casus/internal/core/alliance"
	"casus/internal/edge/cli"
	"casus/internal/event"
)

// chromium starts a browser with a security key that it makes itself. Without
// CASUS_CI=1 the test is skipped by name, with it a missing browser is a failure.
func chromium(t *testing.T) context.Context {
	t.Helper()
	if os.Getenv("CASUS_CI") != "1" {
		t.Skip("needs Chromium: set CASUS_CI=1")
	}
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("CASUS_CI=1 and no Chromium on this machine: %v", err)
	}
	opts := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	opts = append(opts, chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	key := chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		if _, err := cdp.Call(ctx, tab, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		return err
	})
	if err := chromedp.Do(ctx, key); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// TestBrowserPasskey signs in by password, adds a passkey, signs out, and signs in
// by the passkey.
func TestBrowserPasskey(t *testing.T) {
	ctx := chromium(t)
	c := onDisk(t)
	c.passwordCost, c.Clock = cheapPasswords(), time.Now
	n := fresh(t, c)
	defer closeNode(t, n)
	addPerson(t, n, t.Context(), alliance.Administrator)
	s, stop := served(t, n, cli.ServeOptions{Listen: "127.0.0.1:0"})
	defer stop()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	top := "http://" + net.JoinHostPort("localhost", u.Port()) // passkeys belong to names
	css := func(q string) chromedp.CSS { return chromedp.CSS(q) }
	step := func(name string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			at, _ := chromedp.Run(ctx, chromedp.Location())
			text, _ := chromedp.Run(ctx, chromedp.Text(css("main")))
			t.Fatalf("%s: %v, at %s: %s", name, err, at, text)
		}
	}
	step("sign in", chromedp.Navigate(top+"/reports"), chromedp.WaitVisible(css("#login")),
		chromedp.SendKeys(css("#login"), "administrator"), chromedp.SendKeys(css("#password"), goodPassword),
		chromedp.Click(css("form .btn.pri")), chromedp.WaitVisible(css("#h-roles")))
	step("add a passkey", chromedp.WaitVisible(css("#passkey-new")),
		chromedp.Click(css("#passkey-new")), chromedp.WaitVisible(css(".note.ok")))
	p, err := n.people.Person("administrator")
	if err != nil || len(p.Credentials) != 2 || p.Credentials[1].Kind != event.Passkey {
		t.Fatalf("credentials = %+v, %v, want a passkey beside the password", p.Credentials, err)
	}
	step("sign out", chromedp.Click(css(`form[action="/sign-out"] button`)), chromedp.WaitVisible(css("#passkey-in")))
	if open := n.people.Sessions(time.Now(), "administrator"); len(open) > 0 {
		t.Errorf("%d sessions are open after sign-out", len(open))
	}
	step("sign in by passkey", chromedp.Click(css("#passkey-in")), chromedp.WaitVisible(css("#h-roles")))
	at, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil || !strings.HasSuffix(at, "/account") {
		t.Errorf("signed in by passkey at %s, %v, want the account of an administrator", at, err)
	}
	if open := n.people.Sessions(time.Now(), "administrator"); len(open) != 1 || open[0].Label != "Chrome" {
		t.Errorf("sessions = %+v, want one of this browser", open)
	}
}
