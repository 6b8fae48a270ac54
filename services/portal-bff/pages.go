package portalbff

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/services/portal-bff/web"
)

// notBuilt is shown when the program was built before the pages were.
const notBuilt = `<!doctype html><meta charset="utf-8"><title>Grainmesh</title>
<body style="font:16px system-ui;max-width:40rem;margin:4rem auto;background:#16181c;color:#d8dbe0">
<h1>The portal's pages are not built</h1>
<p>Grainmesh runs, and its APIs answer. To have the pages too, run <code>make web build</code> and start it again.</p>`

// newPages serves the built pages. Paths that name no file are the application's own,
// and get its index.
func newPages(storeOrigin string) (http.Handler, error) {
	if !web.Built() {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(notBuilt))
		}), nil
	}
	pages := web.Pages()
	index, err := fs.ReadFile(pages, "index.html")
	if err != nil {
		return nil, fmt.Errorf("read the portal's index page: %w", err)
	}
	files := http.FileServerFS(pages)
	policy := contentPolicy(storeOrigin)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isPage(r) {
			serve.WriteError(w, r, fault.Newf(fault.NotFound, "there is nothing at %s", r.URL.Path))
			return
		}
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		if info, err := fs.Stat(pages, name); err == nil && !info.IsDir() && name != "index.html" {
			// The build puts a hash of their content into the names of assets.
			if strings.HasPrefix(name, "assets/") {
				header.Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			files.ServeHTTP(w, r)
			return
		}
		header.Set("Content-Security-Policy", policy)
		header.Set("Content-Type", "text/html; charset=utf-8")
		header.Set("Cache-Control", "no-cache")
		_, _ = w.Write(index)
	}), nil
}

// isPage says whether a browser asks for a page or file of the portal: what is under
// an API's path and nobody serves is not there.
func isPage(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	for _, api := range []string{"/twirp/", "/tams/", "/origin/"} {
		if strings.HasPrefix(r.URL.Path, api) {
			return false
		}
	}
	return true
}

// contentPolicy lets the pages load nothing but their own files, and talk to nobody
// but this address and the object store. Styles are inline because the component
// library computes them; media plays from blobs.
func contentPolicy(storeOrigin string) string {
	return "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; " +
		"media-src 'self' blob:; worker-src 'self' blob:; connect-src 'self' " + storeOrigin + "; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
}

// storeOrigin returns the origin at which browsers reach the object store.
func storeOrigin(settings service.Settings) string {
	for _, text := range []string{settings.S3PublicURL, settings.S3URL.Reveal()} {
		if u, err := url.Parse(text); err == nil && u.Host != "" {
			return u.Scheme + "://" + u.Host
		}
	}
	return ""
}
