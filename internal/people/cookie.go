package people

import (
	"net/http"
	"time"
)

// Names of the cookies of a browser: its session, the mark of a device that
// somebody has signed in on, and a sign-in elsewhere that is under way. Over TLS they are led by a prefix by which browsers
// keep them to this host and to encrypted connections.
const (
	SessionCookie = "casus_session"
	DeviceCookie  = "casus_device"
	// FlowCookie ties a sign-in elsewhere to the browser that began it.
	FlowCookie = "casus_flow"
	hostPrefix = "__Host-"
)

// deviceLife is how long a browser keeps the mark of a device.
const deviceLife = 365 * 24 * time.Hour

func cookieName(r *http.Request, name string) string {
	if r.TLS != nil {
		return hostPrefix + name
	}
	return name
}

// Cookie returns the value of a cookie that a request bears, "" for none. Over
// TLS one without the prefix, which another host may have set, is none.
func Cookie(r *http.Request, name string) string {
	c, err := r.Cookie(cookieName(r, name))
	if err != nil {
		return ""
	}
	return c.Value
}

// SetCookie makes the browser keep a cookie: a session until it is closed, the
// mark of a device for a year. An empty value takes it away.
func SetCookie(w http.ResponseWriter, r *http.Request, name, value string) {
	c := &http.Cookie{ //nolint:gosec // Secure wherever there is TLS
		Name: cookieName(r, name), Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
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
