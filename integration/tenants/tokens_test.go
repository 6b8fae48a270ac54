package tenants_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// TestTokens tries everything without a token, and with tokens of A that do not hold.
func TestTokens(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.fill(t)
	before := w.ownedBy(t, tenantA)
	tokens := w.badTokens(t)
	for _, a := range public(t) {
		t.Run(a.String(), func(t *testing.T) {
			path, body := w.fillIn(a.path, false), w.fillIn(a.body, false)
			for name, token := range tokens {
				got := w.send(t, w.URL, token, a.method, path, body)
				require.Equal(t, http.StatusUnauthorized, got.Status, "%s: %s", name, got.Body)
				require.NotContains(t, string(got.Body), "secret", name)
			}
			w.requireQueryReads(t, a, path, body)
		})
	}
	require.Equal(t, before, w.ownedBy(t, tenantA))
}

// requireQueryReads says that a good token in the query proves nothing of a request
// that may change something.
func (w *world) requireQueryReads(t *testing.T, a *attempt, path, body string) {
	t.Helper()
	if a.stream {
		return
	}
	mark := "?"
	if strings.Contains(path, "?") {
		mark = "&"
	}
	got := w.send(t, w.URL, "", a.method, path+mark+"access_token="+w.b.Token, body)
	want := http.StatusUnauthorized
	if a.method == http.MethodGet {
		want = a.status
	}
	require.Equal(t, want, got.Status, "%s", got.Body)
}

// badTokens are tokens that would open everything of A's if they were believed.
func (w *world) badTokens(t *testing.T) map[string]string {
	t.Helper()
	users := w.signer(t, mesh.UserIssuer)
	_, foreign, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	admin := &auth.Identity{Subject: "mallory", Tenant: tenantA, Scopes: auth.UserScopes()}
	issue := func(signer *auth.Signer, id *auth.Identity, audience string, ttl time.Duration) string {
		token, err := signer.Issue(id, audience, ttl)
		require.NoError(t, err)
		return token
	}
	withScope := func(scope auth.Scope) *auth.Identity {
		return &auth.Identity{Subject: "mallory", Tenant: tenantA, Scopes: append(auth.UserScopes(), scope)}
	}
	return map[string]string{
		"none":                         "",
		"no token":                     "abc",
		"expired":                      issue(users, admin, auth.AudienceUsers, -time.Hour),
		"foreign key":                  issue(auth.NewSigner(mesh.UserIssuer, foreign), admin, auth.AudienceUsers, time.Hour),
		"unknown issuer":               issue(auth.NewSigner("nobody", foreign), admin, auth.AudienceUsers, time.Hour),
		"another audience":             issue(users, admin, "elsewhere", time.Hour),
		"no tenant":                    issue(users, &auth.Identity{Subject: "mallory", Scopes: auth.UserScopes()}, auth.AudienceUsers, time.Hour),
		"a tenant that is a path":      issue(users, &auth.Identity{Subject: "mallory", Tenant: "../" + tenantA, Scopes: auth.UserScopes()}, auth.AudienceUsers, time.Hour),
		"a user that is a service":     issue(users, withScope(auth.Service), auth.AudienceUsers, time.Hour),
		"a user that plays":            issue(users, withScope(auth.Play), auth.AudienceUsers, time.Hour),
		"a service that is a user":     issue(w.signer(t, "reader"), admin, auth.AudienceUsers, time.Hour),
		"the origin's for users":       issue(w.signer(t, mesh.PlayIssuer), admin, auth.AudienceUsers, time.Hour),
		"unsigned":                     forged(t, w.Settings.Keys, "none"),
		"signed with the public key":   forged(t, w.Settings.Keys, "HS256"),
		"one whose signature is wrong": spoiled(issue(users, admin, auth.AudienceUsers, time.Hour)),
	}
}

// forged makes a token by an algorithm for which nobody's private key is needed.
func forged(t *testing.T, keys, algorithm string) string {
	t.Helper()
	part := func(v any) string {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	token := part(map[string]any{"alg": algorithm, "typ": "JWT", "kid": mesh.UserIssuer}) + "." + part(map[string]any{
		"iss": mesh.UserIssuer, "sub": "mallory", "aud": auth.AudienceUsers, "exp": time.Now().Add(time.Hour).Unix(),
		"tenant": tenantA, "scopes": auth.UserScopes(),
	})
	if algorithm == "none" {
		return token + "."
	}
	issuers, err := auth.OpenKeyring(keys).Issuers()
	require.NoError(t, err)
	for _, issuer := range issuers {
		if issuer.Name == mesh.UserIssuer {
			mac := hmac.New(sha256.New, issuer.Key)
			_, _ = fmt.Fprint(mac, token)
			return token + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		}
	}
	require.Fail(t, "there is no such issuer")
	return ""
}

// spoiled changes one letter in the middle of a token's signature.
func spoiled(token string) string {
	i := strings.LastIndexByte(token, '.') + 40
	letter := "A"
	if token[i] == 'A' {
		letter = "B"
	}
	return token[:i] + letter + token[i+1:]
}
