package people

import (
	"net"
	"net/url"

	"casus/internal/fault"
)

// ThisMachine reports whether a host, without its port, is this machine for who is
// on it, and for nobody else.
func ThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// CheckIssuer returns an Invalid fault unless address can be that of an issuer:
// https and a host, without query or fragment. Only on this machine http will do:
// what comes over it elsewhere could be anybody's word.
//
// Source: oidc-core §2.
func CheckIssuer(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || !private(u) {
		return fault.WithHint(fault.Errorf(fault.Invalid, "people: OIDC: issuer %.200q: want https and a host, without query or fragment", address),
			"give the address exactly as the issuer names itself, for example https://login.example.org")
	}
	return nil
}

// Private reports whether nobody on the way reads or changes what goes to an
// address: https, or http on this machine.
func Private(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Hostname() != "" && private(u)
}

// private reports whether nobody on the way reads or changes what goes to u.
func private(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && ThisMachine(u.Hostname())
}
