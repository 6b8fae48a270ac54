package tenants_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// owner says which service serves a method that only services have.
func owner(path string) string {
	for prefix, name := range map[string]string{
		"/twirp/grainmesh.job.": "job-api", "/twirp/grainmesh.mediastore.": "media-store", "/twirp/grainmesh.reader.": "reader",
	} {
		if hasPrefix([]string{path}, prefix) {
			return name
		}
	}
	return ""
}

// TestServiceMethods tries what services call on one another: as users, on the public
// listener, and as services that have no business there.
func TestServiceMethods(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.fill(t)
	before := w.ownedBy(t, tenantA)
	tokens := w.badTokens(t)
	for path, callers := range serviceMethods() {
		t.Run(path, func(t *testing.T) {
			require.NotEmpty(t, owner(path))
			post := func(base, token string) *harness.Answer { return w.send(t, base, token, http.MethodPost, path, "{}") }
			require.Equal(t, http.StatusForbidden, post(w.Internal, w.a.Token).Status, "a user's token")
			require.Equal(t, http.StatusNotFound, post(w.URL, w.a.Token).Status, "a user's token on the public listener")
			for name, token := range tokens {
				require.Equal(t, http.StatusUnauthorized, post(w.Internal, token).Status, name)
			}
			for _, name := range mesh.Names() {
				token := w.serviceToken(t, name, owner(path))
				require.Equal(t, http.StatusNotFound, post(w.URL, w.serviceToken(t, name, auth.AudienceUsers)).Status, "%s on the public listener", name)
				require.Equal(t, http.StatusUnauthorized, post(w.Internal, w.serviceToken(t, name, "elsewhere")).Status, "%s, for another service", name)
				got := post(w.Internal, token)
				if !slices.Contains(callers, name) {
					require.Equal(t, http.StatusForbidden, got.Status, "%s: %s", name, got.Body)
					continue
				}
				// It is let in, and told what is wrong with an empty request.
				require.Contains(t, []int{http.StatusOK, http.StatusBadRequest, http.StatusNotFound}, got.Status, "%s: %s", name, got.Body)
			}
		})
	}
	require.Equal(t, before, w.ownedBy(t, tenantA))
}

// serviceToken is a token with which a service calls another on behalf of A.
func (w *world) serviceToken(t *testing.T, name, audience string) string {
	t.Helper()
	token, err := w.signer(t, name).Service(auth.ForTenant(t.Context(), tenantA), audience)
	require.NoError(t, err)
	return token
}

// What a process tells operators is on the internal listener alone.
func TestOperators(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		got := w.send(t, w.Internal, "", http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, got.Status, "%s: %s", path, got.Body)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		got := w.send(t, w.URL, "", http.MethodGet, path, "")
		require.Equal(t, http.StatusOK, got.Status, "%s: %s", path, got.Body)
	}
	got := w.send(t, w.URL, "", http.MethodGet, "/metrics", "")
	require.Equal(t, http.StatusUnauthorized, got.Status)
}
