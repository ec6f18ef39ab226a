package cli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeHost is a node that keeps what it is asked and takes in nothing.
type fakeHost struct {
	Host
	asked []string
}

func (h *fakeHost) Version() string { return "test" }

func (h *fakeHost) Connect(context.Context, string) (*Conn, error) {
	return &Conn{Client: &http.Client{Transport: h}, Close: func() error { return nil }}, nil
}

// RoundTrip implements http.RoundTripper.
func (h *fakeHost) RoundTrip(r *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	h.asked = append(h.asked, r.Method+" "+r.URL.RequestURI()+" "+string(b))
	answer := "event: result\ndata: {\"reports\":[],\"received\":1,\"new\":1}\n\n"
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// TestImportNameNotUTF8 hands in files by names that no JSON can hold.
func TestImportNameNotUTF8(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad, plain, folder := filepath.Join(dir, "bad\xff.csv"), filepath.Join(dir, "plain.csv"), filepath.Join(dir, "folder\xff")
	for _, name := range []string{bad, plain} {
		if err := os.WriteFile(name, []byte("ip\n"), 0o600); err != nil {
			t.Skip("the file system does not take such names: ", err)
		}
	}
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		code int
		want []string
		says string
	}{
		{
			name: "file", args: []string{"--tlp", "red", bad, plain},
			want: []string{
				"POST /api/v1/reports?name=bad%EF%BF%BD.csv&tlp=red ip\n",
				"POST /api/v1/imports?tlp=red {\"paths\":[\"" + plain + "\"]}",
			},
		},
		{name: "directory", args: []string{folder}, code: exitFailed, says: "the path of this directory is not UTF-8"},
		{name: "not there", args: []string{filepath.Join(dir, "none\xff")}, code: exitNotFound, says: "is not there"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := &fakeHost{}
			var stdout, stderr bytes.Buffer
			a := &app{host: h, stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }}
			root := a.root()
			root.SetArgs(append([]string{"import"}, tt.args...))
			if code := a.end(root.ExecuteContext(t.Context())); code != tt.code {
				t.Errorf("exit code %d, want %d: %s", code, tt.code, &stderr)
			}
			if diff := cmp.Diff(tt.want, h.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if !strings.Contains(stderr.String(), tt.says) {
				t.Errorf("does not say %q: %s", tt.says, &stderr)
			}
		})
	}
}
