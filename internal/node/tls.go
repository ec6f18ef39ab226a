package node

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"casus/internal/edge/cli"
	"casus/internal/fault"
	"casus/internal/people"
)

// Life of a certificate that the node makes itself, and how long before its end
// it is made anew.
const (
	ownCertLife  = 398 * 24 * time.Hour
	ownCertRenew = 30 * 24 * time.Hour
)

// checkName returns an Invalid fault unless name can stand in a certificate and
// in the address bar: a host name in small letters, or an address.
func checkName(name string) error {
	if net.ParseIP(name) != nil {
		return nil
	}
	if name == "" || len(name) > 253 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || strings.HasPrefix(name, ".") || strings.Contains(name, "..") {
		return fault.WithHint(fault.Errorf(fault.Invalid, "node: name %.80q: want the host name that people open", name), "give it with --name, for example --name casus.example.org")
	}
	return nil
}

// tlsConfig returns TLS 1.3 with the certificate that was asked for, and the
// fingerprint of one that nobody has signed, to be compared by people.
func (n *Node) tlsConfig(o cli.ServeOptions) (cfg *tls.Config, fingerprint string, err error) {
	cfg = &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"h2", "http/1.1"}}
	switch {
	case o.ACME && (o.Cert != "" || o.Key != ""):
		return nil, "", fault.Errorf(fault.Invalid, "node: a certificate from files or by ACME, not both")
	case !o.ACME && o.ACMEDirectory != "":
		return nil, "", fault.WithHint(fault.Errorf(fault.Invalid, "node: a directory of ACME, and no ACME"), "give --acme, too")
	case o.ACMEDirectory != "" && !people.Private(o.ACMEDirectory):
		return nil, "", fault.Errorf(fault.Invalid, "node: directory of ACME %.200q: want https", o.ACMEDirectory)
	case o.ACME && net.ParseIP(o.Name) != nil:
		return nil, "", fault.Errorf(fault.Invalid, "node: ACME needs a name, %s is an address", o.Name)
	case o.ACME:
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(o.Name), Cache: autocert.DirCache(filepath.Join(n.cfg.Dir, "acme")),
		}
		if o.ACMEDirectory != "" {
			m.Client = &acme.Client{DirectoryURL: o.ACMEDirectory}
		}
		cfg.GetCertificate = m.GetCertificate
		cfg.NextProtos = append(cfg.NextProtos, acme.ALPNProto)
		return cfg, "", nil
	case o.Cert != "" || o.Key != "":
		c, err := tls.LoadX509KeyPair(o.Cert, o.Key)
		if err != nil {
			return nil, "", fault.WithHint(fault.Errorf(fault.Invalid, "node: certificate: %w", err), "give --tls-cert and --tls-key, both as PEM")
		}
		if err := c.Leaf.VerifyHostname(o.Name); err != nil {
			return nil, "", fault.Errorf(fault.Invalid, "node: certificate: %w", err)
		}
		cfg.Certificates = []tls.Certificate{c}
		return cfg, "", nil
	}
	c, err := n.ownCert(o.Name)
	if err != nil {
		return nil, "", err
	}
	cfg.Certificates = []tls.Certificate{c}
	sum := sha256.Sum256(c.Certificate[0])
	return cfg, hex.EncodeToString(sum[:]), nil
}

// ownCert returns the certificate that the node made for name, or makes it.
func (n *Node) ownCert(name string) (tls.Certificate, error) {
	dir := filepath.Join(n.cfg.Dir, "tls")
	file := filepath.Join(dir, "own.pem") // certificate and key in one, so that they belong together
	now := n.cfg.Clock()
	if c, err := tls.LoadX509KeyPair(file, file); err == nil && c.Leaf.VerifyHostname(name) == nil && now.Before(c.Leaf.NotAfter.Add(-ownCertRenew)) && !now.Before(c.Leaf.NotBefore) {
		return c, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return tls.Certificate{}, fault.WithHint(fault.Errorf(fault.Unavailable, "node: certificate: %w", err), "remove %s to have it made anew", file)
	}
	bad := func(err error) (tls.Certificate, error) {
		return tls.Certificate{}, fault.Errorf(fault.Unavailable, "node: certificate: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), n.cfg.Random)
	if err != nil {
		return bad(err)
	}
	number := make([]byte, 16)
	if _, err := io.ReadFull(n.cfg.Random, number); err != nil {
		return bad(err)
	}
	number[0] &= 0x7f // a positive number
	t := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(number), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(ownCertLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	if ip := net.ParseIP(name); ip != nil {
		t.IPAddresses = []net.IP{ip}
	} else {
		t.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(n.cfg.Random, t, t, &key.PublicKey, key)
	if err != nil {
		return bad(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return bad(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return bad(err)
	}
	if err := writeDurably(file, text); err != nil {
		return bad(err)
	}
	c, err := tls.X509KeyPair(text, text)
	if err != nil {
		return bad(err)
	}
	return c, nil
}
