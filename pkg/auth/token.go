package auth

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// claims are those of RFC 7519 and ours.
type claims struct {
	jwt.RegisteredClaims
	Tenant   string  `json:"tenant,omitempty"`
	Scopes   []Scope `json:"scopes"`
	Resource string  `json:"resource,omitempty"`
}

// AudienceUsers is the audience of users' tokens, which every service accepts.
const AudienceUsers = "grainmesh"

// Signer issues tokens in the name of one identity.
type Signer struct {
	name string
	key  ed25519.PrivateKey
	now  func() time.Time

	mu    sync.Mutex
	cache map[cacheKey]cached
}

type cacheKey struct{ audience, tenant string }

type cached struct {
	token   string
	expires time.Time
}

// NewSigner makes a signer for the identity that owns the key.
func NewSigner(name string, key ed25519.PrivateKey) *Signer {
	return &Signer{name: name, key: key, now: time.Now, cache: map[cacheKey]cached{}}
}

// serviceTokenTTL is short because nothing revokes a service's token.
const serviceTokenTTL = 5 * time.Minute

// maxCached bounds the tokens kept for reuse; tenants beyond it are signed anew.
const maxCached = 4096

// Issue signs a token for an identity with an audience and a time to live.
func (s *Signer) Issue(id *Identity, audience string, ttl time.Duration) (string, error) {
	now := s.now()
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: s.name, Subject: id.Subject, Audience: jwt.ClaimStrings{audience},
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-allowedSkew)), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
		},
		Tenant: id.Tenant, Scopes: id.Scopes, Resource: id.Resource,
	})
	token.Header["kid"] = s.name
	signed, err := token.SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("sign a token for %s: %w", id.Subject, err)
	}
	return signed, nil
}

// Service returns a token with which this service calls another on behalf of the
// tenant in ctx. It is kept and used again until it is half expired.
func (s *Signer) Service(ctx context.Context, audience string) (string, error) {
	key := cacheKey{audience, tenantOf(ctx)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have, ok := s.cache[key]; ok && s.now().Before(have.expires.Add(-serviceTokenTTL/2)) {
		return have.token, nil
	}
	token, err := s.Issue(&Identity{Kind: KindService, Subject: s.name, Tenant: key.tenant, Scopes: []Scope{Service}}, audience, serviceTokenTTL)
	if err != nil {
		return "", err
	}
	if len(s.cache) >= maxCached {
		clear(s.cache)
	}
	s.cache[key] = cached{token, s.now().Add(serviceTokenTTL)}
	return token, nil
}

// Issuer is one whose tokens are believed.
type Issuer struct {
	Name string            `json:"name"`
	Kind Kind              `json:"kind"` // what it may issue tokens for
	Key  ed25519.PublicKey `json:"key"`
}

// Verifier checks tokens against the issuers that it trusts.
type Verifier struct {
	audiences []string
	issuers   map[string]Issuer
	parser    *jwt.Parser
	now       func() time.Time

	mu   sync.Mutex
	seen map[string]verified
}

type verified struct {
	id      *Identity
	expires time.Time
}

// allowedSkew is how far clocks may differ.
const allowedSkew = 30 * time.Second

// NewVerifier makes a verifier for services with the given names: tokens for any of
// them, and users' tokens, are accepted.
func NewVerifier(trusted []Issuer, services ...string) *Verifier {
	v := &Verifier{audiences: append([]string{AudienceUsers}, services...), issuers: map[string]Issuer{}, now: time.Now, seen: map[string]verified{}}
	for _, issuer := range trusted {
		v.issuers[issuer.Name] = issuer
	}
	v.parser = jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithExpirationRequired(),
		jwt.WithLeeway(allowedSkew), jwt.WithTimeFunc(func() time.Time { return v.now() }))
	return v
}

// Verify returns who a token proves, or a fault Unauthenticated that says why not.
// A token is checked once and remembered until it expires: the signature costs
// some 60 us, as much as a whole call.
func (v *Verifier) Verify(token string) (*Identity, error) {
	v.mu.Lock()
	have, ok := v.seen[token]
	v.mu.Unlock()
	if ok && v.now().Before(have.expires) {
		return have.id, nil
	}
	c := &claims{}
	if _, err := v.parser.ParseWithClaims(token, c, v.key); err != nil {
		return nil, fault.Newf(fault.Unauthenticated, "the token is not valid: %w", reason(err))
	}
	id, err := v.identity(c)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.seen) >= maxCached {
		clear(v.seen)
	}
	v.seen[token] = verified{id, c.ExpiresAt.Time}
	return id, nil
}

var errUnknownIssuer = errors.New("its issuer is not trusted here")

func (v *Verifier) key(token *jwt.Token) (any, error) {
	issuer, ok := v.issuers[token.Claims.(*claims).Issuer]
	if !ok {
		return nil, errUnknownIssuer
	}
	return issuer.Key, nil
}

// reason leaves out what a caller has no use for.
func reason(err error) error {
	for _, known := range []error{jwt.ErrTokenExpired, jwt.ErrTokenNotValidYet, jwt.ErrTokenSignatureInvalid, jwt.ErrTokenMalformed, errUnknownIssuer} {
		if errors.Is(err, known) {
			return known
		}
	}
	return err
}

// identity checks that the claims are such as this issuer may make.
func (v *Verifier) identity(c *claims) (*Identity, error) {
	kind := v.issuers[c.Issuer].Kind
	id := &Identity{Kind: kind, Subject: c.Subject, Tenant: c.Tenant, Scopes: c.Scopes, Resource: c.Resource}
	if !v.accepts(c.Audience) {
		return nil, fault.Newf(fault.Unauthenticated, "the token is for %v, not for this service", []string(c.Audience))
	}
	for _, scope := range c.Scopes {
		if !mayGrant(kind, scope) {
			return nil, fault.Newf(fault.Unauthenticated, "issuer %s may not grant scope %q", c.Issuer, scope)
		}
	}
	if kind == KindService && c.Subject != c.Issuer {
		return nil, fault.Newf(fault.Unauthenticated, "service %s may not speak for %s", c.Issuer, c.Subject)
	}
	if kind != KindService && c.Tenant == "" {
		return nil, fault.New(fault.Unauthenticated, "the token names no tenant")
	}
	if c.Tenant != "" && !ValidTenant(c.Tenant) {
		return nil, fault.Newf(fault.Unauthenticated, "tenant %q, want at most %d letters, digits, dashes, dots and underscores", c.Tenant, MaxTenant)
	}
	return id, nil
}

func (v *Verifier) accepts(audience jwt.ClaimStrings) bool {
	for _, have := range audience {
		if slices.Contains(v.audiences, have) {
			return true
		}
	}
	return false
}

func mayGrant(kind Kind, scope Scope) bool {
	switch scope {
	case Service:
		return kind == KindService
	case Play:
		return kind == KindPlay
	default:
		return kind == KindUser
	}
}
