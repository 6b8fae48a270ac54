package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
)

func TestMiddleware(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	good := m.issue(t, "portal-bff", user(auth.Read), auth.AudienceUsers, time.Minute)
	old := m.issue(t, "portal-bff", user(auth.Read), auth.AudienceUsers, -time.Minute)
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", token) }
	}
	cookie := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: auth.Cookie, Value: token}) }
	}
	for name, c := range map[string]struct {
		method, url string
		change      func(*http.Request)
		subject     string // who is proved
		code        fault.Code
	}{
		"nothing":                       {"GET", "/", func(*http.Request) {}, "", ""},
		"bearer":                        {"POST", "/", bearer("Bearer " + good), "ada", ""},
		"bearer in lower case":          {"GET", "/", bearer("bearer " + good), "ada", ""},
		"another scheme":                {"GET", "/", bearer("Basic YTpi"), "", fault.Unauthenticated},
		"no scheme":                     {"GET", "/", bearer(good), "", fault.Unauthenticated},
		"expired bearer":                {"GET", "/", bearer("Bearer " + old), "", fault.Unauthenticated},
		"query":                         {"GET", "/?access_token=" + good, func(*http.Request) {}, "ada", ""},
		"query of a HEAD":               {"HEAD", "/?access_token=" + good, func(*http.Request) {}, "ada", ""},
		"query of a POST":               {"POST", "/?access_token=" + good, func(*http.Request) {}, "", ""},
		"query of a DELETE":             {"DELETE", "/?access_token=" + good, func(*http.Request) {}, "", ""},
		"cookie on POST beside a query": {"POST", "/?access_token=" + good, cookie(good), "", fault.PermissionDenied},
		"expired query":                 {"GET", "/?access_token=" + old, func(*http.Request) {}, "", fault.Unauthenticated},
		"cookie":                        {"GET", "/", cookie(good), "ada", ""},
		"cookie that has run out":       {"GET", "/", cookie(old), "", ""},
		"empty cookie":                  {"POST", "/", cookie(""), "", ""},
		"cookie on POST":                {"POST", "/", cookie(good), "", fault.PermissionDenied},
		"cookie on DELETE":              {"DELETE", "/", cookie(good), "", fault.PermissionDenied},
		"cookie on POST of our page":    {"POST", "/", func(r *http.Request) { cookie(good)(r); r.Header.Set(auth.CSRFHeader, "1") }, "ada", ""},
		"bearer wins over a bad cookie": {"POST", "/", func(r *http.Request) { cookie(old)(r); bearer("Bearer " + good)(r) }, "ada", ""},
	} {
		var refused error
		var proved string
		reached := false
		v := m.verifier(t)
		handler := v.Middleware(func(_ http.ResponseWriter, _ *http.Request, err error) { refused = err })(
			http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				reached = true
				subject := ""
				if id := auth.From(r.Context()); id != nil {
					subject = id.Subject
				}
				proved = subject
			}))
		request := httptest.NewRequestWithContext(t.Context(), c.method, c.url, nil)
		c.change(request)
		handler.ServeHTTP(httptest.NewRecorder(), request)
		require.Equal(t, c.code == "", reached, name)
		require.Equal(t, c.subject, proved, name)
		if c.code != "" {
			require.True(t, fault.Is(refused, c.code), "%s: %v", name, refused)
		}
	}
}
