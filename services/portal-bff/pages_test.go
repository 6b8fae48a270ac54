package portalbff

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func get(t *testing.T, h http.Handler, path string) *http.Response {
	t.Helper()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return recorder.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	data, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	return string(data)
}

func TestPages(t *testing.T) {
	t.Parallel()
	built := fstest.MapFS{
		"index.html":         {Data: []byte("<title>Grainmesh</title>")},
		"assets/app-1a2b.js": {Data: []byte("export default 1")},
		"favicon.svg":        {Data: []byte("<svg/>")},
	}
	pages, err := newPages(built, "http://store.example:9000")
	require.NoError(t, err)

	for _, test := range []struct {
		path, body, cache string
		status            int
	}{
		{"/", "<title>Grainmesh</title>", "no-cache", http.StatusOK},
		{"/flows/0f1c", "<title>Grainmesh</title>", "no-cache", http.StatusOK},
		{"/index.html", "<title>Grainmesh</title>", "no-cache", http.StatusOK},
		{"/assets/app-1a2b.js", "export default 1", "public, max-age=31536000, immutable", http.StatusOK},
		{"/favicon.svg", "<svg/>", "", http.StatusOK},
		// A browser that runs last week's pages must not take this week's index for a script.
		{"/assets/app-gone.js", "not_found", "", http.StatusNotFound},
		{"/tams/v8.2/nothing", "not_found", "", http.StatusNotFound},
		{"/../../etc/passwd", "<title>Grainmesh</title>", "no-cache", http.StatusOK},
	} {
		response := get(t, pages, test.path)
		require.Equal(t, test.status, response.StatusCode, test.path)
		require.Contains(t, body(t, response), test.body, test.path)
		require.Equal(t, test.cache, response.Header.Get("Cache-Control"), test.path)
		require.Equal(t, "nosniff", response.Header.Get("X-Content-Type-Options"), test.path)
	}
	policy := get(t, pages, "/jobs").Header.Get("Content-Security-Policy")
	require.Contains(t, policy, "script-src 'self';")
	require.Contains(t, policy, "connect-src 'self' http://store.example:9000;")
}

func TestPagesAreCompressed(t *testing.T) {
	t.Parallel()
	pages, err := newPages(fstest.MapFS{"index.html": {Data: []byte("<p>")}}, "")
	require.NoError(t, err)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	request.Header.Set("Accept-Encoding", "gzip")
	recorder := httptest.NewRecorder()
	pages.ServeHTTP(recorder, request)
	unzipped, err := gzip.NewReader(recorder.Body)
	require.NoError(t, err)
	data, err := io.ReadAll(unzipped)
	require.NoError(t, err)
	require.Equal(t, "<p>", string(data))
}

func TestPagesNotBuilt(t *testing.T) {
	t.Parallel()
	pages, err := newPages(fstest.MapFS{".keep": {}}, "")
	require.NoError(t, err)
	require.Contains(t, body(t, get(t, pages, "/jobs")), "make web build")
}

func TestPagesTakeNoWrites(t *testing.T) {
	t.Parallel()
	pages, err := newPages(fstest.MapFS{"index.html": {}}, "")
	require.NoError(t, err)
	recorder := httptest.NewRecorder()
	pages.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/jobs", nil))
	require.Equal(t, http.StatusNotFound, recorder.Code)
}
