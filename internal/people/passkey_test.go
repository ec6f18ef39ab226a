package people

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json/v2"
	"fmt"
	"strings"
	"testing"

	"casus/internal/core/alliance"
	"casus/internal/event"
	"casus/internal/fault"
)

// authenticator is a security key in software: one key pair, ES256.
type authenticator struct {
	key    *ecdsa.PrivateKey
	id     []byte
	handle string
	count  uint32
	flags  byte
	origin string
	rp     string
}

const flagUP, flagUV, flagAT = 1, 4, 64

func newAuthenticator(t *testing.T) *authenticator {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &authenticator{key: key, id: []byte("credential of a test key"), flags: flagUP | flagUV, origin: "https://casus.example:8443", rp: "casus.example"}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// asked is what a browser is asked.
type asked struct {
	PublicKey struct {
		Challenge string `json:"challenge"`
		User      struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"user"`
		UV    string `json:"userVerification"`
		Allow []struct {
			ID string `json:"id"`
		} `json:"allowCredentials"`
	} `json:"publicKey"`
}

func read(t *testing.T, ask []byte) asked {
	t.Helper()
	var a asked
	if err := json.Unmarshal(ask, &a); err != nil {
		t.Fatalf("%s: %v", ask, err)
	}
	return a
}

func (a *authenticator) data(extra []byte) []byte {
	rp := sha256.Sum256([]byte(a.rp))
	flags := a.flags
	if extra != nil {
		flags |= flagAT
	}
	b := append(rp[:], flags)
	b = binary.BigEndian.AppendUint32(b, a.count)
	return append(b, extra...)
}

func (a *authenticator) client(kind, challenge string) []byte {
	return fmt.Appendf(nil, `{"type":%q,"challenge":%q,"origin":%q,"crossOrigin":false}`, kind, challenge, a.origin)
}

// create answers navigator.credentials.create.
func (a *authenticator) create(t *testing.T, ask []byte) []byte {
	t.Helper()
	q := read(t, ask)
	handle, err := base64.RawURLEncoding.DecodeString(q.PublicKey.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	a.handle = string(handle)
	point, err := a.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	extra := make([]byte, 16, 200) // AAGUID
	extra = binary.BigEndian.AppendUint16(extra, uint16(len(a.id)))
	extra = append(extra, a.id...)
	// COSE: {1: 2, 3: -7, -1: 1, -2: x, -3: y}
	extra = append(extra, 0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32)
	extra = append(extra, point[1:33]...)
	extra = append(append(extra, 0x22, 0x58, 32), point[33:]...)
	data := a.data(extra)
	// CBOR: {"fmt": "none", "attStmt": {}, "authData": data}
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(data)))
	object = append(object, data...)
	return fmt.Appendf(nil, `{"id":%q,"rawId":%q,"type":"public-key","response":{"clientDataJSON":%q,"attestationObject":%q,"transports":["usb"]}}`,
		b64(a.id), b64(a.id), b64(a.client("webauthn.create", q.PublicKey.Challenge)), b64(object))
}

// get answers navigator.credentials.get.
func (a *authenticator) get(t *testing.T, ask []byte) []byte {
	t.Helper()
	a.count++
	data, client := a.data(nil), a.client("webauthn.get", read(t, ask).PublicKey.Challenge)
	sum := sha256.Sum256(client)
	signed := sha256.Sum256(append(bytes.Clone(data), sum[:]...))
	sig, err := ecdsa.SignASN1(crand.Reader, a.key, signed[:])
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(nil, `{"id":%q,"rawId":%q,"type":"public-key","response":{"clientDataJSON":%q,"authenticatorData":%q,"signature":%q,"userHandle":%q}}`,
		b64(a.id), b64(a.id), b64(client), b64(data), b64(sig), b64([]byte(a.handle)))
}

// keyed is a world in which ada has a passkey.
func keyed(t *testing.T) (*world, *Passkeys, *authenticator) {
	t.Helper()
	w := newWorld(t)
	w.add("ada", alliance.Administrator)
	w.add("ben", alliance.Analyst)
	p, err := NewPasskeys(w.Store, "https://casus.example:8443")
	w.must(err)
	a := newAuthenticator(t)
	id, ask, err := p.BeginAdding(w.now, "ada")
	w.must(err)
	w.must(p.Add(t.Context(), w.by(), "ada", id, "my key", a.create(t, ask)))
	return w, p, a
}

func TestPasskeySignIn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		act  func(w *world, a *authenticator)
		bend func(answer []byte) []byte
		want fault.Kind // Internal stands for none
	}{
		{name: "signed"},
		{name: "another origin", act: func(_ *world, a *authenticator) { a.origin = "https://casus.example.evil" }, want: fault.Denied},
		{name: "another port", act: func(_ *world, a *authenticator) { a.origin = "https://casus.example" }, want: fault.Denied},
		{name: "another party", act: func(_ *world, a *authenticator) { a.rp = "evil" }, want: fault.Denied},
		{name: "user not verified", act: func(_ *world, a *authenticator) { a.flags = flagUP }, want: fault.Denied},
		{name: "handle of another", act: func(_ *world, a *authenticator) { a.handle = "ben" }, want: fault.Denied},
		{name: "no handle", act: func(_ *world, a *authenticator) { a.handle = "" }, want: fault.Denied},
		{name: "unknown key", act: func(_ *world, a *authenticator) { a.id = []byte("another credential") }, want: fault.Denied},
		{name: "another key pair", act: func(w *world, a *authenticator) { a.key = newAuthenticator(w.t).key }, want: fault.Denied},
		{name: "late", act: func(w *world, _ *authenticator) { w.now = w.now.Add(PasskeyLife) }, want: fault.Denied},
		{name: "person removed", act: func(w *world, _ *authenticator) {
			w.add("eve", alliance.Administrator)
			w.must(w.Remove(w.t.Context(), w.by(), "ada", ""))
		}, want: fault.Denied},
		{name: "no JSON", bend: func([]byte) []byte { return []byte("x") }, want: fault.Invalid},
		{name: "a name twice", bend: func(b []byte) []byte { return append([]byte(`{"id":"x",`), b[1:]...) }, want: fault.Invalid},
		{name: "too long", bend: func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), maxAnswerBytes)...) }, want: fault.Invalid},
		{name: "nothing in it", bend: func([]byte) []byte { return []byte("{}") }, want: fault.Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, p, a := keyed(t)
			id, ask, err := p.BeginSignIn(w.now)
			w.must(err)
			if strings.Contains(string(ask), "ada") || len(read(t, ask).PublicKey.Allow) > 0 || read(t, ask).PublicKey.UV != "required" {
				t.Errorf("asked %s, want nothing of who is here, and the user verified", ask)
			}
			if tt.act != nil {
				tt.act(w, a)
			}
			answer := a.get(t, ask)
			if tt.bend != nil {
				answer = tt.bend(answer)
			}
			k, err := p.SignIn(w.now, id, answer)
			if tt.want == fault.Internal {
				if k.Person != "ada" || err != nil {
					t.Fatalf("SignIn() = %q, %v, want ada", k.Person, err)
				}
			} else {
				kind(t, "SignIn", err, tt.want)
			}
			_, err = p.SignIn(w.now, id, answer)
			kind(t, "the same answer again", err, fault.Denied)
		})
	}
}

func TestPasskeyCopied(t *testing.T) {
	t.Parallel()
	w, p, a := keyed(t)
	a.count = 7
	signIn := func() error {
		id, ask, err := p.BeginSignIn(w.now)
		w.must(err)
		_, err = p.SignIn(w.now, id, a.get(t, ask))
		return err
	}
	w.must(signIn())
	a.count = 3 // a copy made before
	kind(t, "a counter that went back", signIn(), fault.Denied)
	a.count = 8
	w.must(signIn())
}

func TestPasskeyAdding(t *testing.T) {
	t.Parallel()
	w, p, a := keyed(t)
	ctx := t.Context()
	ada, err := w.Person("ada")
	w.must(err)
	if len(ada.Credentials) != 2 || ada.Credentials[1].Kind != event.Passkey || ada.Credentials[1].Label != "my key" {
		t.Errorf("credentials = %+v, want a password and a passkey", ada.Credentials)
	}
	id, ask, err := p.BeginAdding(w.now, "ben")
	w.must(err)
	answer := a.create(t, ask)
	kind(t, "added by another person", p.Add(ctx, w.by(), "ada", id, "", answer), fault.Denied)
	kind(t, "a key that another has", p.Add(ctx, w.by(), "ben", id, "", answer), fault.Conflict)
	kind(t, "the same answer again", p.Add(ctx, w.by(), "ben", id, "", answer), fault.Denied)
	fresh := newAuthenticator(t)
	fresh.id, fresh.flags = []byte("another"), flagUP
	id, ask, err = p.BeginAdding(w.now, "ben")
	w.must(err)
	kind(t, "user not verified", p.Add(ctx, w.by(), "ben", id, "", fresh.create(t, ask)), fault.Denied)
	for _, origin := range []string{"", "http://casus.example", "https://", "casus.example", "https://192.0.2.1"} {
		_, err := NewPasskeys(w.Store, origin)
		kind(t, "passkeys at "+origin, err, fault.Invalid)
	}
	if _, err := NewPasskeys(w.Store, "http://localhost:8090"); err != nil {
		t.Errorf("passkeys on this machine: %v", err)
	}
}

func TestPasskeyStepUp(t *testing.T) {
	t.Parallel()
	w, p, a := keyed(t)
	secret, _ := w.start("ada", 0, "")
	id, err := w.Session(w.now, secret)
	w.must(err)
	text := sha256.Sum256([]byte("a text"))
	c, err := w.StepUp(w.now, id, text)
	w.must(err)
	ask, err := p.StepUp("ada", c)
	w.must(err)
	if got := read(t, ask).PublicKey.Challenge; got != b64(c.Bytes) {
		t.Errorf("the passkey signs %s, want the challenge %s", got, b64(c.Bytes))
	}
	answer := a.get(t, ask)
	proof, err := p.AnswerStepUp(w.now, id, c.ID, text, answer)
	w.must(err)
	if stepBytes(proof.Nonce, text) != [32]byte(c.Bytes) || !bytes.Equal(proof.Assertion, answer) {
		t.Errorf("proof = %+v, want nonce and answer that belong to the text", proof)
	}
	_, err = p.AnswerStepUp(w.now, id, c.ID, text, answer)
	kind(t, "the same answer again", err, fault.Denied)
	// An answer to another challenge, here one to sign in, proves nothing.
	_, ask, err = p.BeginSignIn(w.now)
	w.must(err)
	c, err = w.StepUp(w.now, id, text)
	w.must(err)
	_, err = p.AnswerStepUp(w.now, id, c.ID, text, a.get(t, ask))
	kind(t, "an answer to sign in", err, fault.Denied)
	_, err = p.StepUp("ben", c)
	kind(t, "somebody without a passkey", err, fault.Conflict)
}

func FuzzCheckAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"x"}`))
	f.Add([]byte(`{"id":"x","id":"y"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := checkAnswer(b); err == nil && (len(b) > maxAnswerBytes || !bytes.Contains(b, []byte("{"))) {
			t.Errorf("checkAnswer(%q) = nil, want refused", b)
		}
	})
}
