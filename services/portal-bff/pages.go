package portalbff

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
)

// notBuilt is shown when the program was built before the pages were.
const notBuilt = `<!doctype html><meta charset="utf-8"><title>Grainmesh</title>
<body style="font:16px system-ui;max-width:40rem;margin:4rem auto;background:#16181c;color:#d8dbe0">
<h1>The portal's pages are not built</h1>
<p>Grainmesh runs, and its APIs answer. To have the pages too, run <code>make web build</code> and start it again.</p>`

// pages serves the application: its files, and its index for every path that is the
// application's own.
type pages struct {
	fs     fs.FS
	files  http.Handler
	index  []byte // nil when the pages were not built
	policy string
}

// newPages serves built pages; without an index it says that they are not built.
func newPages(built fs.FS, storeOrigin string) (http.Handler, error) {
	index, err := fs.ReadFile(built, indexFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the portal's index page: %w", err)
	}
	p := &pages{fs: built, files: http.FileServerFS(built), index: index, policy: contentPolicy(storeOrigin)}
	return middleware.Compress(compression, "text/html", "text/css", "text/javascript", "image/svg+xml")(p), nil
}

const (
	indexFile = "index.html"
	// compression is the gzip level: above it the gain is not worth the time.
	compression = 5
)

// apis are the first parts of paths that belong to services: what none of them
// answered is no page either.
func apis() []string { return []string{"twirp", "tams", "origin", "assets", "metrics"} }

// ServeHTTP implements http.Handler.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	first, _, _ := strings.Cut(name, "/")
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		serve.WriteError(w, r, fault.Newf(fault.NotFound, "nothing takes a %s at %s", r.Method, r.URL.Path))
	case p.isFile(name):
		// The build puts a hash of their content into the names of assets.
		if first == "assets" {
			header.Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		p.files.ServeHTTP(w, r)
	case slices.Contains(apis(), first):
		serve.WriteError(w, r, fault.Newf(fault.NotFound, "nothing answers at %s", r.URL.Path))
	default:
		p.application(w)
	}
}

func (p *pages) isFile(name string) bool {
	info, err := fs.Stat(p.fs, name)
	return err == nil && !info.IsDir() && name != indexFile
}

func (p *pages) application(w http.ResponseWriter) {
	page := p.index
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	header.Set("Content-Security-Policy", p.policy)
	if page == nil {
		page = []byte(notBuilt)
	}
	_, _ = w.Write(page)
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
