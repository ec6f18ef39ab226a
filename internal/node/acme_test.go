package node

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json/v2"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"casus/internal/core/alliance"
	"casus/internal/edge/cli"
	"casus/internal/fault"
)

// authority is an authority of ACME for one name at a time: it gives a certificate
// for a name to who proves by tls-alpn-01 that he answers for it at the address.
type authority struct {
	*httptest.Server
	t    *testing.T
	key  *ecdsa.PrivateKey
	cert *x509.Certificate

	mu      sync.Mutex // guards the fields below
	address string
	nonces  int
	orders  int
	name    string
	proved  bool
	account crypto.PublicKey
	given   []byte
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of the test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a := &authority{t: t, key: key}
	if a.cert, err = x509.ParseCertificate(a.sign(own, own, &key.PublicKey)); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /directory", func(w http.ResponseWriter, _ *http.Request) {
		a.write(w, http.StatusOK, map[string]string{"newNonce": a.URL + "/nonce", "newAccount": a.URL + "/account", "newOrder": a.URL + "/order"})
	})
	mux.HandleFunc("HEAD /nonce", func(w http.ResponseWriter, _ *http.Request) { a.write(w, http.StatusOK, nil) })
	mux.HandleFunc("POST /account", a.newAccount)
	mux.HandleFunc("POST /order", a.newOrder)
	mux.HandleFunc("POST /order/1", func(w http.ResponseWriter, _ *http.Request) { a.tellOrder(w, http.StatusOK) })
	mux.HandleFunc("POST /authorization", a.tellAuthorization)
	mux.HandleFunc("POST /challenge", a.prove)
	mux.HandleFunc("POST /finalize", a.finalize)
	mux.HandleFunc("POST /certificate", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		for _, der := range [][]byte{a.given, a.cert.Raw} {
			_ = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: der})
		}
	})
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.nonces++
		w.Header().Set("Replay-Nonce", fmt.Sprint("nonce", a.nonces))
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(a.Close)
	return a
}

func (a *authority) sign(c, parent *x509.Certificate, pub crypto.PublicKey) []byte {
	a.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, a.key)
	if err != nil {
		a.t.Error(err)
	}
	return der
}

func (a *authority) write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if v != nil {
		_ = json.MarshalWrite(w, v)
	}
}

// read reads the parts of a signed request. Whose signature it bears is not looked
// at: the account is proved by the challenge.
func (a *authority) read(r *http.Request, header, payload any) {
	var signed struct {
		Protected string `json:"protected"`
		Payload   string `json:"payload"`
		Signature string `json:"signature"`
	}
	if err := json.UnmarshalRead(r.Body, &signed); err != nil {
		a.t.Error(err)
	}
	for text, into := range map[string]any{signed.Protected: header, signed.Payload: payload} {
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err == nil && into != nil {
			err = json.Unmarshal(raw, into)
		}
		if err != nil {
			a.t.Error(err)
		}
	}
}

func (a *authority) newAccount(w http.ResponseWriter, r *http.Request) {
	var header struct {
		Key struct {
			X string `json:"x"`
			Y string `json:"y"`
		} `json:"jwk"`
	}
	a.read(r, &header, nil)
	point := []byte{4} // the two coordinates follow
	for _, text := range []string{header.Key.X, header.Key.Y} {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			a.t.Error(err)
		}
		point = append(point, b...)
	}
	account, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		a.t.Error(err)
	}
	a.account = account
	w.Header().Set("Location", a.URL+"/account/1")
	a.write(w, http.StatusCreated, map[string]string{"status": "valid"})
}

func (a *authority) newOrder(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Identifiers []struct {
			Value string `json:"value"`
		} `json:"identifiers"`
	}
	a.read(r, nil, &order)
	a.orders++
	a.name, a.proved, a.given = order.Identifiers[0].Value, false, nil
	w.Header().Set("Location", a.URL+"/order/1")
	a.tellOrder(w, http.StatusCreated)
}

func (a *authority) tellOrder(w http.ResponseWriter, status int) {
	o := map[string]any{"status": "pending", "authorizations": []string{a.URL + "/authorization"}, "finalize": a.URL + "/finalize"}
	switch {
	case a.given != nil:
		o["status"], o["certificate"] = "valid", a.URL+"/certificate"
	case a.proved:
		o["status"] = "ready"
	}
	a.write(w, status, o)
}

func (a *authority) challenge() map[string]string {
	status := "pending"
	if a.proved {
		status = "valid"
	}
	return map[string]string{"type": "tls-alpn-01", "url": a.URL + "/challenge", "token": "token-of-the-test", "status": status}
}

func (a *authority) tellAuthorization(w http.ResponseWriter, _ *http.Request) {
	c := a.challenge()
	a.write(w, http.StatusOK, map[string]any{"status": c["status"], "identifier": map[string]string{"type": "dns", "value": a.name}, "challenges": []any{c}})
}

// prove asks who answers at the address for the proof of the account.
func (a *authority) prove(w http.ResponseWriter, r *http.Request) {
	d := &tls.Dialer{Config: &tls.Config{ServerName: a.name, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true}} //nolint:gosec // it is the proof that is looked at
	conn, err := d.DialContext(r.Context(), "tcp", a.address)
	if err != nil {
		a.t.Errorf("the proof is not to be had: %v", err)
		a.write(w, http.StatusOK, a.challenge())
		return
	}
	defer func() { _ = conn.Close() }()
	thumb, err := acme.JWKThumbprint(a.account)
	if err != nil {
		a.t.Error(err)
	}
	sum := sha256.Sum256([]byte("token-of-the-test." + thumb))
	want, err := asn1.Marshal(sum[:])
	if err != nil {
		a.t.Error(err)
	}
	state := conn.(*tls.Conn).ConnectionState() //nolint:errcheck,forcetypeassert // tls.Dialer says so
	for _, x := range state.PeerCertificates[0].Extensions {
		if x.Id.String() == "1.3.6.1.5.5.7.1.31" && x.Critical && string(x.Value) == string(want) && state.NegotiatedProtocol == "acme-tls/1" {
			a.proved = state.PeerCertificates[0].VerifyHostname(a.name) == nil
		}
	}
	a.write(w, http.StatusOK, a.challenge())
}

func (a *authority) finalize(w http.ResponseWriter, r *http.Request) {
	var in struct {
		CSR string `json:"csr"`
	}
	a.read(r, nil, &in)
	raw, err := base64.RawURLEncoding.DecodeString(in.CSR)
	if err != nil {
		a.t.Error(err)
	}
	csr, err := x509.ParseCertificateRequest(raw)
	if err != nil || csr.CheckSignature() != nil || !a.proved || len(csr.DNSNames) != 1 || csr.DNSNames[0] != a.name {
		a.t.Errorf("asked to sign %v: %v", csr, err)
		a.write(w, http.StatusForbidden, map[string]string{"type": "urn:ietf:params:acme:error:unauthorized"})
		return
	}
	a.given = a.sign(&x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: csr.DNSNames, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.cert, csr.PublicKey)
	w.Header().Set("Location", a.URL+"/order/1")
	a.tellOrder(w, http.StatusOK)
}

// TestServeByACME gets a certificate from an authority, and keeps it.
func TestServeByACME(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	c := onDisk(t)
	c.passwordCost, c.Clock = cheapPasswords(), time.Now
	n := fresh(t, c)
	defer closeNode(t, n)
	addPerson(t, n, t.Context(), alliance.Administrator)
	o := cli.ServeOptions{Listen: "127.0.0.1:0", Name: "casus.example", ACME: true, ACMEDirectory: a.URL + "/directory"}
	for name, bad := range map[string]cli.ServeOptions{
		"a key too":              {Listen: o.Listen, Name: o.Name, ACME: true, Key: "key.pem"},
		"a directory, no ACME":   {Listen: o.Listen, Name: o.Name, ACMEDirectory: o.ACMEDirectory},
		"a directory by http":    {Listen: o.Listen, Name: o.Name, ACME: true, ACMEDirectory: "http://ca.example/directory"},
		"a directory, no scheme": {Listen: o.Listen, Name: o.Name, ACME: true, ACMEDirectory: "ca.example/directory"},
	} {
		if err := n.Serve(t.Context(), bad, nil, func(cli.Serving) { t.Errorf("%s: it listens", name) }); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: Serve = %v, want Invalid", name, err)
		}
	}
	trust := x509.NewCertPool()
	trust.AddCert(a.cert)
	for _, when := range []string{"first", "served again"} {
		s, stop := served(t, n, o)
		u, err := url.Parse(s.URL)
		if err != nil || u.Hostname() != "casus.example" || s.Fingerprint != "" {
			t.Fatalf("%s: serving %+v, want by name and without a fingerprint", when, s)
		}
		a.mu.Lock()
		a.address = "127.0.0.1:" + u.Port()
		a.mu.Unlock()
		dial := func(name string) error {
			d := &tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS13, ServerName: name, RootCAs: trust}}
			conn, err := d.DialContext(t.Context(), "tcp", "127.0.0.1:"+u.Port())
			if err == nil {
				_ = conn.Close()
			}
			return err
		}
		if err := dial("evil.example"); err == nil {
			t.Errorf("%s: a handshake under another name is taken", when)
		}
		for range 2 {
			if err := dial("casus.example"); err != nil {
				t.Errorf("%s: %v", when, err)
			}
		}
		stop()
	}
	if a.orders != 1 {
		t.Errorf("%d certificates were ordered, want one, kept from then on", a.orders)
	}
	files, err := filepath.Glob(filepath.Join(c.Dir, "acme", "*"))
	if err != nil || len(files) < 2 {
		t.Errorf("kept %v, %v, want the certificate and the account's key", files, err)
	}
	for _, f := range files {
		if st, err := os.Stat(f); err != nil || st.Mode().Perm()&0o077 != 0 || strings.Contains(f, "evil") {
			t.Errorf("%s: %v, %v, want it for its owner alone", f, st.Mode(), err)
		}
	}
}
