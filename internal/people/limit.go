package people

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"sync"
	"time"

	"casus/internal/core/alliance"
	"casus/internal/fault"
)

// Limits of attempts with a password. Each bucket holds a burst and fills again
// by one every so often; an attempt takes one from each bucket that applies, and
// one that succeeds gives it back.
//
// A login is never locked: that would let anybody keep its owner out. Attempts
// are counted by who makes them. First per login and network, so that guessing
// from one place soon waits a minute per guess and nobody elsewhere does. Then
// per network over all logins, against one password tried on many. Then per
// login over all networks, against a guess spread over many addresses: once that
// bucket is empty the login is on a slow path, where attempts from anywhere
// unknown share one in ten seconds. Where the person has signed in before, the
// browser or command bears a mark of it, and has a bucket of its own that nothing
// of this empties. Passkeys and OIDC are not subject to it, as nothing about
// them can be guessed.
//
// Source: casus decision 0021.
const (
	PairBurst    = 5
	PairEvery    = time.Minute
	NetworkBurst = 30
	NetworkEvery = 2 * time.Second
	LoginBurst   = 100
	LoginEvery   = 10 * time.Second
	DeviceBurst  = 10
	DeviceEvery  = 30 * time.Second
	// RequestBurst and RequestEvery bound the requests of one session or token.
	RequestBurst = 1000
	RequestEvery = 10 * time.Millisecond
)

// maxBuckets bounds the memory of limits. When it is reached, full buckets go,
// and if none is full, those that fill soonest.
const maxBuckets = 50_000

// Networks are what attempts are counted by: who has one address of a network
// mostly has the others too.
const (
	networkBits4 = 24
	networkBits6 = 56
)

// bucket is a token bucket, kept as the instant at which it is full again.
type bucket struct{ full time.Time }

type limit struct {
	key   string
	burst int
	every time.Duration
}

type limits struct {
	mu      sync.Mutex // guards buckets
	buckets map[string]*bucket
}

// take takes one from every bucket, or from none: then it returns how long until
// all would have one.
func (l *limits) take(now time.Time, of ...limit) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range of {
		if b := l.buckets[x.key]; b != nil {
			wait = max(wait, b.full.Sub(now)-time.Duration(x.burst-1)*x.every)
		}
	}
	if wait > 0 {
		return wait
	}
	for _, x := range of {
		b := l.buckets[x.key]
		if b == nil {
			l.room(now)
			b = &bucket{}
			l.buckets[x.key] = b
		}
		if b.full.Before(now) {
			b.full = now
		}
		b.full = b.full.Add(x.every)
	}
	return 0
}

// giveBack undoes a take.
func (l *limits) giveBack(of ...limit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range of {
		if b := l.buckets[x.key]; b != nil {
			b.full = b.full.Add(-x.every)
		}
	}
}

func (l *limits) room(now time.Time) {
	for ahead := time.Duration(0); len(l.buckets) >= maxBuckets; ahead = max(2*ahead, time.Second) {
		for k, b := range l.buckets {
			if !b.full.After(now.Add(ahead)) {
				delete(l.buckets, k)
			}
		}
	}
}

// From is where an attempt comes from.
type From struct {
	// Addr is the address of the peer; the zero value is this machine's socket.
	Addr netip.Addr
	// Device is what an earlier sign-in left there, see [Store.Device].
	Device string
}

// Network returns what the attempts from an address are counted by: 24 bits of an
// IPv4 address, 56 of an IPv6 one; "socket" for this machine's socket.
func (f From) Network() string {
	a := f.Addr.Unmap().WithZone("")
	if !a.IsValid() {
		return "socket"
	}
	bits := networkBits6
	if a.Is4() {
		bits = networkBits4
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "socket"
	}
	return p.String()
}

// attempt returns the limits of an attempt on a login by from; k is whose login
// it is, empty when nobody's.
func (s *Store) attempt(login string, k alliance.Key, from From) []limit {
	login = normal(login)
	sum := sha256.Sum256([]byte(login))
	name := string(sum[:16]) // a login may be long
	if s.knows(k, from.Device) {
		return []limit{{"device " + from.Device, DeviceBurst, DeviceEvery}}
	}
	network := from.Network()
	return []limit{
		{"pair " + name + network, PairBurst, PairEvery},
		{"network " + network, NetworkBurst, NetworkEvery},
		{"login " + name, LoginBurst, LoginEvery},
	}
}

// Admit counts a request of somebody signed in. Too many are Unavailable.
func (s *Store) Admit(now time.Time, id Identity) error {
	name := "session " + id.Session
	if id.Token != "" {
		name = "token " + id.Token
	}
	return tooMany(s.limits.take(now, limit{name, RequestBurst, RequestEvery}))
}

func tooMany(wait time.Duration) error {
	if wait <= 0 {
		return nil
	}
	wait = max(wait.Round(time.Second), time.Second)
	return fault.WithHint(fault.Errorf(fault.Unavailable, "people: too many attempts"), "try again in %v", wait)
}

const deviceBytes = 16

// Device returns what marks a device as one that k has signed in on: to be kept
// there, and given with later attempts. It opens nothing.
func (s *Store) Device(k alliance.Key) (string, error) {
	id, err := s.random(deviceBytes)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(id, s.deviceSum(k, id)...)), nil
}

// knows reports whether the device bears k's mark.
func (s *Store) knows(k alliance.Key, device string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(device)
	if err != nil || len(b) != deviceBytes+sha256.Size {
		b = make([]byte, deviceBytes+sha256.Size)
	}
	same := hmac.Equal(b[deviceBytes:], s.deviceSum(k, b[:deviceBytes]))
	return same && k != ""
}

func (s *Store) deviceSum(k alliance.Key, id []byte) []byte {
	h := hmac.New(sha256.New, s.opt.Secret)
	h.Write([]byte("casus device\x00"))
	h.Write(id)
	h.Write([]byte(k))
	return h.Sum(nil)
}
