package people

import (
	"net"
	"net/http"
	"strings"
	"time"
)

// Names of the cookies of a browser, see [CookieName]: its session, the mark of a
// device that somebody has signed in on, and a sign-in elsewhere that is under way.
const (
	SessionCookie = "casus_session"
	DeviceCookie  = "casus_device"
	// FlowCookie ties a sign-in elsewhere to the browser that began it.
	FlowCookie = "casus_flow"
	hostPrefix = "__Host-"
)

// deviceLife is how long a browser keeps the mark of a device.
const deviceLife = 365 * 24 * time.Hour

// CookieName returns what a cookie is called at the host that a request names.
// Cookies are kept by host whatever the port, so that the port stands in the name: of
// two nodes on one host neither takes away the other's. Over TLS a prefix leads, by
// which browsers keep them to this host and to encrypted connections.
func CookieName(r *http.Request, name string) string {
	if _, port, err := net.SplitHostPort(r.Host); err == nil && port != "" && strings.Trim(port, "0123456789") == "" {
		name += "_" + port
	}
	if r.TLS != nil {
		return hostPrefix + name
	}
	return name
}

// Cookie returns the value of a cookie that a request bears, "" for none. Over
// TLS one without the prefix, which another host may have set, is none.
func Cookie(r *http.Request, name string) string {
	c, err := r.Cookie(CookieName(r, name))
	if err != nil {
		return ""
	}
	return c.Value
}

// SetCookie makes the browser keep a cookie: a session until it is closed, the
// mark of a device for a year. An empty value takes it away.
func SetCookie(w http.ResponseWriter, r *http.Request, name, value string) {
	c := &http.Cookie{ //nolint:gosec // Secure wherever there is TLS
		Name: CookieName(r, name), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: r.TLS != nil, // without TLS there is only this machine
	}
	switch {
	case value == "":
		c.MaxAge = -1
	case name == FlowCookie:
		c.MaxAge = int(FlowLife / time.Second)
	case name == DeviceCookie:
		c.MaxAge = int(deviceLife / time.Second)
	}
	http.SetCookie(w, c)
}
