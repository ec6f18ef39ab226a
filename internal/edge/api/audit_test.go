package api

import (
	"net/http"
	"strings"
	"testing"
)

// TestAuditFilter asks for the trail in every way, and with times that are none.
func TestAuditFilter(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"": "Trail {Since:0001-01-01 00:00:00 +0000 UTC Until:0001-01-01 00:00:00 +0000 UTC Kind: Actor: Action: Object: Query:} \"\" 0",
		"?since=2026-12-24&until=2026-12-24T08:00:00%2B01:00&kind=read&actor=p1&action=search&object=RPT-1&query=kettle&cursor=c&limit=7": "Trail {Since:2026-12-24 00:00:00 +0000 UTC " +
			"Until:2026-12-24 07:00:00 +0000 UTC Kind:read Actor:p1 Action:search Object:RPT-1 Query:kettle} \"c\" 7",
	} {
		w, calls := ask(t, &fake{}, false, "GET", "/api/v1/audit"+at, "", "")
		if got := strings.Join(calls, "; "); w.Code != http.StatusOK || got != want {
			t.Errorf("%s: %d %s, asked %s, want %s", at, w.Code, w.Body, got, want)
		}
	}
	for _, at := range []string{"?since=yesterday", "?until=2026-13-01", "?kind=write", "?limit=501", "?who=p1"} {
		if w, calls := ask(t, &fake{}, false, "GET", "/api/v1/audit"+at, "", ""); w.Code/100 != 4 || len(calls) != 0 {
			t.Errorf("%s: %d %s, asked %v, want it refused", at, w.Code, w.Body, calls)
		}
	}
}
