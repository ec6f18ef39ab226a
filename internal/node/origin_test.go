package node

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"casus/internal/core/alliance"
	"casus/internal/edge/cli"
	"casus/internal/event"
	"casus/internal/fault"
)

// TestByName: who is to sign in on this machine does so under the name that passkeys
// and an issuer know, whatever address was opened.
func TestByName(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"127.0.0.1:8080": "http://localhost:8080", "[::1]:8080": "http://localhost:8080", "127.0.0.2:8080": "", "192.0.2.1:8080": "", "127.0.0.1": "", "": "",
	} {
		if got := byName(addr); got != want {
			t.Errorf("byName(%q) = %q, want %q", addr, got, want)
		}
	}
	none, err := Open(t.Context(), Config{Clock: tick(), passwordCost: cheapPasswords()})
	if err != nil {
		t.Fatal(err)
	}
	defer closeNode(t, none)
	n := peopled(t)
	for _, tt := range []struct {
		n              *Node
		origin, method string
		host, at       string
		wantCode       int
		wantTo         string
	}{
		{n: n, origin: "http://localhost:8080", method: "GET", host: "127.0.0.1:8080", at: "/sign-in?to=%2Freports%3Fq%3Da", wantCode: 303, wantTo: "http://localhost:8080/sign-in?to=%2Freports%3Fq%3Da"},
		{n: n, origin: "http://localhost:8080", method: "GET", host: "[::1]:8080", at: "/sign-in", wantCode: 303, wantTo: "http://localhost:8080/sign-in?"},
		{n: n, origin: "http://localhost:8080", method: "GET", host: "localhost:8080", at: "/sign-in", wantCode: 200},
		{n: n, origin: "http://localhost:8080", method: "POST", host: "127.0.0.1:8080", at: "/sign-in", wantCode: 200},
		{n: n, origin: "http://localhost:8080", method: "GET", host: "127.0.0.1:8080", at: "/reports", wantCode: 200},
		{n: n, origin: "http://localhost:8080", method: "GET", host: "evil.example:8080", at: "/sign-in", wantCode: 200}, // refused further in
		{n: n, origin: "", method: "GET", host: "127.0.0.2:8080", at: "/sign-in", wantCode: 200},
		{n: none, origin: "http://localhost:8080", method: "GET", host: "127.0.0.1:8080", at: "/sign-in", wantCode: 200},
	} {
		h := tt.n.toName(tt.origin, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		if w := send(t, h, tt.method, tt.at, "", "Host", tt.host); w.Code != tt.wantCode || w.Header().Get("Location") != tt.wantTo {
			t.Errorf("%s %s%s: %d to %q, want %d to %q", tt.method, tt.host, tt.at, w.Code, w.Header().Get("Location"), tt.wantCode, tt.wantTo)
		}
	}
}

// TestIssuerWithoutTLS: no issuer is taken whose word anybody on the way could change.
func TestIssuerWithoutTLS(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	c.passwordCost = cheapPasswords()
	n := fresh(t, c)
	defer closeNode(t, n)
	addPerson(t, n, t.Context(), alliance.Administrator)
	for _, o := range []cli.ServeOptions{
		{Listen: "127.0.0.1:0", OIDCIssuer: "http://idp.example", OIDCClient: "casus"},
		{Listen: "127.0.0.2:0", OIDCIssuer: "http://idp.example", OIDCClient: "casus"},
		{Listen: "127.0.0.1:0", Name: "casus.example", OIDCIssuer: "http://idp.example", OIDCClient: "casus"},
	} {
		if err := n.Serve(t.Context(), o, nil, func(cli.Serving) { t.Errorf("%+v: it listens", o) }); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: Serve = %v, want Invalid", o, err)
		}
	}
	for issuer, want := range map[string]bool{"http://idp.example": false, "http://localhost:3000": true, "https://idp.example": true} {
		o := cli.ServeOptions{Listen: "127.0.0.1:0", OIDCIssuer: issuer, OIDCClient: "casus"}
		if want {
			s, stop := served(t, n, o)
			stop()
			if !strings.HasPrefix(s.URL, "http://localhost:") {
				t.Errorf("serving %s, want localhost by name once there are people", s.URL)
			}
		}
		err := n.people.LinkOIDC(t.Context(), n.by(t.Context()), "administrator", event.Subject{Issuer: issuer, Subject: "1"})
		if (err == nil) != want {
			t.Errorf("an account at %s is linked: %v, want %v", issuer, err, want)
		}
	}
}

// TestSerialNumber draws random bytes that come one by one.
func TestSerialNumber(t *testing.T) {
	t.Parallel()
	c := onDisk(t)
	c.Random = iotest.OneByteReader(rand.Reader)
	n := fresh(t, c)
	defer closeNode(t, n)
	cert, err := n.ownCert("casus.example")
	if err != nil {
		t.Fatal(err)
	}
	if last := cert.Leaf.SerialNumber.FillBytes(make([]byte, 16))[8:]; string(last) == string(make([]byte, 8)) {
		t.Errorf("the number of the certificate is %x: not all of it was drawn", cert.Leaf.SerialNumber)
	}
}
