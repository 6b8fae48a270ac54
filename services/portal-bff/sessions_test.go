package portalbff

import (
	"crypto/ed25519"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
)

func newSessions(t *testing.T) *sessions {
	t.Helper()
	options, err := redis.ParseURL(meshtest.Redis(t))
	require.NoError(t, err)
	client := redis.NewClient(options)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	config := Config{SessionTTL: time.Hour, TokenTTL: time.Minute, CodeTTL: time.Minute}
	return &sessions{config, client, auth.NewSigner(UserIssuer, key)}
}

func anna() grant { return grant{Subject: "anna", Tenant: "acme", Scopes: []auth.Scope{auth.Read}} }

func TestACodeLogsInOnce(t *testing.T) {
	t.Parallel()
	s := newSessions(t)
	code, expires, err := s.newCode(t.Context(), anna())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(time.Minute), expires, 10*time.Second)

	g, err := s.redeem(t.Context(), code)
	require.NoError(t, err)
	require.Equal(t, anna(), *g)
	again, err := s.redeem(t.Context(), code)
	require.NoError(t, err)
	require.Nil(t, again)
	keys, err := s.redis.Keys(t.Context(), "*"+code+"*").Result()
	require.NoError(t, err)
	require.Empty(t, keys, "the code itself is kept nowhere")
}

// visitor is a browser with the cookies of a session whose token has run out.
func visitor(t *testing.T, s *sessions) *http.Cookie {
	t.Helper()
	recorder := httptest.NewRecorder()
	require.NoError(t, s.begin(t.Context(), recorder, anna()))
	for _, cookie := range recorder.Result().Cookies() {
		require.True(t, cookie.HttpOnly)
		require.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
		if cookie.Name == sessionCookie {
			return cookie
		}
	}
	require.Fail(t, "there is no session cookie")
	return nil
}

func TestASessionRenewsItsToken(t *testing.T) {
	t.Parallel()
	s := newSessions(t)
	cookie := visitor(t, s)
	for _, test := range []struct {
		name, method string
		change       func(*http.Request) *http.Request
		subject      string
		renewed      bool
	}{
		{"reading", http.MethodGet, nil, "anna", true},
		{"a write without the header", http.MethodPost, nil, "", false},
		{"a write", http.MethodPost, func(r *http.Request) *http.Request {
			r.Header.Set(auth.CSRFHeader, "1")
			return r
		}, "anna", true},
		{"a token that still holds", http.MethodGet, func(r *http.Request) *http.Request {
			return r.WithContext(auth.WithIdentity(r.Context(), &auth.Identity{Subject: "bob"}))
		}, "bob", false},
		{"events, with a token that still holds", http.MethodGet, func(r *http.Request) *http.Request {
			r.URL.Path = eventsPath
			return r.WithContext(auth.WithIdentity(r.Context(), &auth.Identity{Subject: "bob"}))
		}, "bob", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequestWithContext(t.Context(), test.method, "/jobs", nil)
			request.AddCookie(cookie)
			if test.change != nil {
				request = test.change(request)
			}
			subject := ""
			recorder := httptest.NewRecorder()
			s.renew(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if id := auth.From(r.Context()); id != nil {
					subject = id.Subject
				}
			})).ServeHTTP(recorder, request)
			require.Equal(t, test.subject, subject)
			require.Equal(t, test.renewed, len(recorder.Result().Cookies()) == 2, "session and token")
		})
	}
}

func TestLogoutEndsTheSession(t *testing.T) {
	t.Parallel()
	s := newSessions(t)
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/logout", nil)
	request.AddCookie(visitor(t, s))
	require.NoError(t, s.end(httptest.NewRecorder(), request))
	g, _, err := s.find(request)
	require.NoError(t, err)
	require.Nil(t, g)
}

func TestLocalPath(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/flows/1?range=[0:0_1:0)": "/flows/1?range=[0:0_1:0)",
		"":                         "/jobs",
		"https://evil.example/":    "/jobs",
		"//evil.example/":          "/jobs",
		`/\evil.example/`:          "/jobs",
		"jobs":                     "/jobs",
	} {
		require.Equal(t, want, localPath(next), next)
	}
}
