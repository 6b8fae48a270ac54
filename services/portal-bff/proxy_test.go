package portalbff

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/serve"
)

func TestNeighboursElsewhereAreReached(t *testing.T) {
	t.Parallel()
	neighbour := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.RequestURI()+" from "+r.Header.Get("X-Forwarded-Host"))
	}))
	t.Cleanup(neighbour.Close)
	p := start(t, func(_ *Config, d *Deps) {
		d.Settings.PublicNeighbours = map[string]string{"media-store": neighbour.URL}
	})
	response := ask(t, client(t), http.MethodGet, p.url+"/tams/v8.2/flows?limit=3")
	require.Equal(t, "/tams/v8.2/flows?limit=3 from "+strings.TrimPrefix(p.url, "http://"), body(t, response))
	require.Equal(t, http.StatusNotFound, ask(t, client(t), http.MethodGet, p.url+"/origin/x").StatusCode, "no service answers")
}

// A neighbour in another process sees only what is passed on to it: it is shown the token
// that the portal has just renewed, not the browser's, which has run out.
func TestNeighboursElsewhereAreShownARenewedToken(t *testing.T) {
	t.Parallel()
	for name, cookies := range map[string]func(session, expired string) string{
		"gone": func(session, _ string) string { return session },
		"expired": func(session, expired string) string {
			return session + "; " + auth.Cookie + "=" + expired
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var verifier *auth.Verifier
			neighbour := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				verifier.Middleware(serve.WriteError)(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					id, err := auth.Require(r.Context(), auth.Read)
					if err != nil {
						serve.WriteError(w, r, err)
						return
					}
					_, _ = io.WriteString(w, id.Tenant)
				})).ServeHTTP(w, r)
			}))
			t.Cleanup(neighbour.Close)
			p := start(t, func(_ *Config, d *Deps) {
				d.Settings.PublicNeighbours = map[string]string{"media-store": neighbour.URL}
			})
			verifier = p.verifier
			recorder := httptest.NewRecorder()
			require.NoError(t, p.sessions.begin(t.Context(), recorder, anna()))
			expired, err := p.deps.Users.Issue(&auth.Identity{Kind: auth.KindUser, Subject: "anna"}, auth.AudienceUsers, -time.Hour)
			require.NoError(t, err)
			cookie := cookies(sessionCookie+"="+recorder.Result().Cookies()[0].Value, expired)
			flows := p.url + "/tams/v8.2/flows"
			response := ask(t, client(t), http.MethodGet, flows, "Cookie", cookie)
			require.Equal(t, http.StatusOK, response.StatusCode)
			require.Equal(t, "acme", body(t, response))
			require.Len(t, response.Cookies(), 2, "the browser gets it too")

			response = ask(t, client(t), http.MethodPost, flows, "Cookie", cookie)
			require.NotEqual(t, http.StatusOK, response.StatusCode, "no write without the header")
			response = ask(t, client(t), http.MethodPost, flows, "Cookie", cookie, auth.CSRFHeader, "1")
			require.Equal(t, http.StatusOK, response.StatusCode)
			require.Equal(t, http.StatusUnauthorized, ask(t, client(t), http.MethodGet, flows).StatusCode, "without a session nothing is renewed")
		})
	}
}
