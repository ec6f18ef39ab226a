package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// The bundle is committed, so that a build needs neither Node nor esbuild;
// CI fails when it differs from what this line makes.
//go:generate go tool -modfile=../../../tools/go.mod esbuild script/app.ts --bundle --minify --target=es2022 --charset=utf8 --outfile=assets/app.js

//go:embed assets
var assetFiles embed.FS

// asset is one embedded file, ready to send.
type asset struct {
	body, gz []byte // gz is nil where compressing does not pay
	mime     string
}

// assets serves embedded files under names that hold the digest of their
// bytes, so that browsers keep them for good.
type assets struct {
	byName map[string]asset  // "app.3f2a….css"
	hashed map[string]string // "app.css" to "app.3f2a….css"
}

// assetList is what is served, fonts first, since the style sheet names them
// by their digests.
var assetList = []struct{ file, mime string }{
	{"assets/third_party/inter-latin.woff2", "font/woff2"},
	{"assets/third_party/inter-latin-ext.woff2", "font/woff2"},
	{"assets/third_party/jetbrains-mono-latin.woff2", "font/woff2"},
	{"assets/icon.svg", "image/svg+xml"},
	{"assets/app.js", "text/javascript; charset=utf-8"},
	{"assets/app.css", "text/css; charset=utf-8"},
}

func loadAssets() (*assets, error) {
	a := &assets{byName: map[string]asset{}, hashed: map[string]string{}}
	for _, f := range assetList {
		body, err := assetFiles.ReadFile(f.file)
		if err != nil {
			return nil, fmt.Errorf("web: assets: %w", err)
		}
		name := path.Base(f.file)
		if strings.HasSuffix(name, ".css") {
			for plain, hashed := range a.hashed {
				body = bytes.ReplaceAll(body, []byte("url("+plain+")"), []byte("url("+hashed+")"))
			}
		}
		sum := sha256.Sum256(body)
		ext := path.Ext(name)
		hashed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		one := asset{body: body, mime: f.mime}
		if ext != ".woff2" {
			if one.gz, err = compressed(body); err != nil {
				return nil, fmt.Errorf("web: assets: %s: %w", name, err)
			}
		}
		a.byName[hashed] = one
		a.hashed[name] = hashed
	}
	return a, nil
}

func compressed(b []byte) ([]byte, error) {
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return z.Bytes(), nil
}

// path returns the address of an asset by its plain name.
func (a *assets) path(name string) string { return "/assets/" + a.hashed[name] }

// ServeHTTP sends an asset; a name without the right digest is not found.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	one, ok := a.byName[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", one.mime)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := one.body
	if one.gz != nil && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = one.gz
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the browser is gone; there is nobody to tell
	}
}
