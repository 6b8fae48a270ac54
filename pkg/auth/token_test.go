package auth_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
)

// mesh is a keyring with one issuer of each kind.
type mesh struct {
	*auth.Keyring
	dir string
}

func newMesh(t *testing.T) mesh {
	t.Helper()
	dir := t.TempDir()
	keyring := auth.OpenKeyring(dir)
	require.NoError(t, keyring.Ensure(map[string]auth.Kind{
		"portal-bff": auth.KindUser, "job-api": auth.KindService, "media-store": auth.KindService, "origin": auth.KindPlay,
	}))
	return mesh{keyring, dir}
}

func (m mesh) verifier(t *testing.T, services ...string) *auth.Verifier {
	t.Helper()
	issuers, err := m.Issuers()
	require.NoError(t, err)
	return auth.NewVerifier(issuers, services...)
}

// issue signs a token as an issuer, whatever it may grant.
func (m mesh) issue(t *testing.T, issuer string, id auth.Identity, audience string, ttl time.Duration) string {
	t.Helper()
	signer, err := m.Signer(issuer)
	require.NoError(t, err)
	token, err := signer.Issue(&id, audience, ttl)
	require.NoError(t, err)
	return token
}

func user(scopes ...auth.Scope) auth.Identity {
	return auth.Identity{Kind: auth.KindUser, Subject: "ada", Tenant: "acme", Scopes: scopes}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	v := m.verifier(t, "media-store")
	for range 2 { // the second time it is remembered
		token := m.issue(t, "portal-bff", user(auth.Read, auth.Write), auth.AudienceUsers, time.Minute)
		for range 2 {
			id, err := v.Verify(token)
			require.NoError(t, err)
			require.Equal(t, &auth.Identity{Kind: auth.KindUser, Subject: "ada", Tenant: "acme", Scopes: []auth.Scope{auth.Read, auth.Write}}, id)
		}
	}
	play := auth.Identity{Kind: auth.KindPlay, Subject: "player", Tenant: "acme", Scopes: []auth.Scope{auth.Play}, Resource: "a-flow"}
	id, err := v.Verify(m.issue(t, "origin", play, "media-store", time.Minute))
	require.NoError(t, err)
	require.Equal(t, &play, id)
}

func TestServiceTokens(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	signer, err := m.Signer("job-api")
	require.NoError(t, err)
	token := func(tenant string) string {
		token, err := signer.Service(auth.ForTenant(t.Context(), tenant), "media-store")
		require.NoError(t, err)
		return token
	}
	id, err := m.verifier(t, "media-store").Verify(token("acme"))
	require.NoError(t, err)
	require.Equal(t, &auth.Identity{Kind: auth.KindService, Subject: "job-api", Tenant: "acme", Scopes: []auth.Scope{auth.Service}}, id)
	first := token("acme")
	require.Equal(t, first, token("acme"), "a token is used again")
	require.NotEqual(t, token("acme"), token("umbrella"))

	// The tenant of the call that is being served is that of the calls it leads to.
	served := auth.WithIdentity(t.Context(), &auth.Identity{Tenant: "umbrella"})
	again, err := signer.Service(served, "media-store")
	require.NoError(t, err)
	require.Equal(t, token("umbrella"), again)

	_, err = m.verifier(t, "reader").Verify(token("acme"))
	requireRefused(t, err, "media-store")
}

func requireRefused(t *testing.T, err error, says string) {
	t.Helper()
	require.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)
	require.ErrorContains(t, err, says)
}

func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	m, other := newMesh(t), newMesh(t)
	v := m.verifier(t, "media-store")
	service := auth.Identity{Subject: "job-api", Tenant: "acme", Scopes: []auth.Scope{auth.Service}}
	good := m.issue(t, "portal-bff", user(auth.Read), auth.AudienceUsers, time.Minute)
	for name, c := range map[string]struct{ token, says string }{
		"empty":                        {"", "malformed"},
		"not a token":                  {"let me in", "malformed"},
		"expired":                      {m.issue(t, "portal-bff", user(auth.Read), auth.AudienceUsers, -time.Minute), "expired"},
		"another audience":             {m.issue(t, "portal-bff", user(auth.Read), "reader", time.Minute), "reader"},
		"another mesh":                 {other.issue(t, "portal-bff", user(auth.Read), auth.AudienceUsers, time.Minute), "signature"},
		"user with scope service":      {m.issue(t, "portal-bff", user(auth.Read, auth.Service), auth.AudienceUsers, time.Minute), `scope "service"`},
		"user with scope play":         {m.issue(t, "portal-bff", user(auth.Play), auth.AudienceUsers, time.Minute), `scope "play"`},
		"service as a user":            {m.issue(t, "job-api", auth.Identity{Subject: "job-api", Tenant: "acme", Scopes: []auth.Scope{auth.Admin}}, "media-store", time.Minute), `scope "admin"`},
		"service for another":          {m.issue(t, "media-store", service, "media-store", time.Minute), "may not speak for job-api"},
		"player as a service":          {m.issue(t, "origin", service, "media-store", time.Minute), `scope "service"`},
		"player as a reader":           {m.issue(t, "origin", user(auth.Read), auth.AudienceUsers, time.Minute), `scope "read"`},
		"user without a tenant":        {m.issue(t, "portal-bff", auth.Identity{Subject: "ada"}, auth.AudienceUsers, time.Minute), "no tenant"},
		"tenant that leaves its place": {m.issue(t, "portal-bff", auth.Identity{Subject: "ada", Tenant: "../acme"}, auth.AudienceUsers, time.Minute), "tenant"},
		"changed payload":              {changed(t, good, "tenant", "umbrella"), "signature"},
		"no signature":                 {good[:strings.LastIndexByte(good, '.')+1], "signature"},
		"algorithm none":               {signed(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil), "signature"},
		"the public key as a secret":   {signed(t, jwt.SigningMethodHS256, publicKey(t, m), nil), "signature"},
		"no expiry":                    {signed(t, jwt.SigningMethodEdDSA, seedKey(t, m), func(c jwt.MapClaims) { delete(c, "exp") }), "exp"},
		"not valid yet":                {signed(t, jwt.SigningMethodEdDSA, seedKey(t, m), func(c jwt.MapClaims) { c["nbf"] = time.Now().Add(time.Hour).Unix() }), "not valid yet"},
		"unknown issuer":               {signed(t, jwt.SigningMethodEdDSA, seedKey(t, m), func(c jwt.MapClaims) { c["iss"] = "mallory" }), "not trusted"},
	} {
		for range 2 {
			_, err := v.Verify(c.token)
			require.Error(t, err, name)
			requireRefused(t, err, c.says)
		}
	}
	_, err := v.Verify(good)
	require.NoError(t, err)
}

// changed sets a claim without signing again.
func changed(t *testing.T, token, claim, value string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	require.NoError(t, err)
	var claims map[string]any
	require.NoError(t, json.Unmarshal(body, &claims))
	claims[claim] = value
	body, err = json.Marshal(claims)
	require.NoError(t, err)
	parts[1] = base64.RawURLEncoding.EncodeToString(body)
	return strings.Join(parts, ".")
}

// signed makes a token of a user by hand.
func signed(t *testing.T, method jwt.SigningMethod, key any, change func(jwt.MapClaims)) string {
	t.Helper()
	claims := jwt.MapClaims{
		"iss": "portal-bff", "sub": "mallory", "aud": []string{auth.AudienceUsers}, "tenant": "acme", "scopes": []string{"admin"},
		"exp": time.Now().Add(time.Minute).Unix(),
	}
	if change != nil {
		change(claims)
	}
	token, err := jwt.NewWithClaims(method, claims).SignedString(key)
	require.NoError(t, err)
	return token
}

func publicKey(t *testing.T, m mesh) []byte {
	t.Helper()
	issuers, err := m.Issuers()
	require.NoError(t, err)
	for _, issuer := range issuers {
		if issuer.Name == "portal-bff" {
			return issuer.Key
		}
	}
	return nil
}

func TestScopes(t *testing.T) {
	t.Parallel()
	_, err := auth.Require(t.Context(), auth.Read)
	require.True(t, fault.Is(err, fault.Unauthenticated), "%v", err)
	for _, c := range []struct {
		has     auth.Scope
		may     []auth.Scope
		mustNot []auth.Scope
	}{
		{auth.Read, []auth.Scope{auth.Read}, []auth.Scope{auth.Write, auth.Delete, auth.Admin, auth.Service, auth.Play}},
		{auth.Admin, auth.UserScopes(), []auth.Scope{auth.Service, auth.Play}},
		{auth.Service, []auth.Scope{auth.Service}, append(auth.UserScopes(), auth.Play)},
		{auth.Play, []auth.Scope{auth.Play}, append(auth.UserScopes(), auth.Service)},
	} {
		ctx := auth.WithIdentity(context.Background(), &auth.Identity{Subject: "ada", Scopes: []auth.Scope{c.has}})
		for _, scope := range c.may {
			id, err := auth.Require(ctx, scope)
			require.NoError(t, err, "%s needs %s", c.has, scope)
			require.Equal(t, "ada", id.Subject)
		}
		for _, scope := range c.mustNot {
			_, err := auth.Require(ctx, scope)
			require.True(t, fault.Is(err, fault.PermissionDenied), "%s got %s: %v", c.has, scope, err)
		}
	}
}

func TestValidTenant(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"acme", "A-1_b.c", strings.Repeat("x", 64)} {
		require.True(t, auth.ValidTenant(name), name)
	}
	for _, name := range []string{"", ".", "..", ".x", "a/b", "a b", "ä", "a\x00", strings.Repeat("x", 65)} {
		require.False(t, auth.ValidTenant(name), "%q", name)
	}
}

// seedKey is the private key of the portal.
func seedKey(t *testing.T, m mesh) ed25519.PrivateKey {
	t.Helper()
	return ed25519.NewKeyFromSeed(readFile(t, m.dir, "portal-bff.key"))
}
