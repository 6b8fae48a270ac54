package portalbff

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
)

// sessions keeps who is logged in. Redis holds hashes of codes and session ids, so
// that reading it lets nobody in.
type sessions struct {
	config Config
	redis  *redis.Client
	users  *auth.Signer
}

// grant is what a code or a session gives.
type grant struct {
	Subject string       `json:"subject"`
	Tenant  string       `json:"tenant"`
	Scopes  []auth.Scope `json:"scopes"`
	Next    string       `json:"next,omitempty"` // page to open after log-in
}

const (
	sessionCookie = "grainmesh_session"
	codePrefix    = "grainmesh:login:"
	sessionPrefix = "grainmesh:session:"
)

func keyOf(prefix, secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return prefix + hex.EncodeToString(sum[:])
}

// newCode makes a code that logs in once.
func (s *sessions) newCode(ctx context.Context, g grant) (code string, expires time.Time, err error) {
	code = rand.Text()
	expires = time.Now().Add(s.config.CodeTTL)
	return code, expires, s.keep(ctx, keyOf(codePrefix, code), g, s.config.CodeTTL)
}

func (s *sessions) keep(ctx context.Context, key string, g grant, ttl time.Duration) error {
	data, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("encode a session: %w", err)
	}
	if err := s.redis.Set(ctx, key, data, ttl).Err(); err != nil {
		return fault.Newf(fault.Unavailable, "keep a session: %w", err)
	}
	return nil
}

// redeem uses a code up and returns what it gives, nil if it gives nothing.
func (s *sessions) redeem(ctx context.Context, code string) (*grant, error) {
	return decodeGrant(s.redis.GetDel(ctx, keyOf(codePrefix, code)).Bytes())
}

// find returns the session of a request with its id, and lets it live on; nil if there
// is none.
func (s *sessions) find(r *http.Request) (*grant, string, error) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil, "", nil //nolint:nilerr // no cookie is no session
	}
	g, err := decodeGrant(s.redis.GetEx(r.Context(), keyOf(sessionPrefix, cookie.Value), s.config.SessionTTL).Bytes())
	return g, cookie.Value, err
}

func decodeGrant(data []byte, err error) (*grant, error) {
	if errors.Is(err, redis.Nil) {
		return nil, nil //nolint:nilnil // nothing is kept under this key
	}
	if err != nil {
		return nil, fault.Newf(fault.Unavailable, "look a session up: %w", err)
	}
	g := &grant{}
	if err := json.Unmarshal(data, g); err != nil {
		return nil, fmt.Errorf("decode a session: %w", err)
	}
	return g, nil
}

// begin starts a session and gives the browser its cookies.
func (s *sessions) begin(ctx context.Context, w http.ResponseWriter, g grant) error {
	id := rand.Text()
	if err := s.keep(ctx, keyOf(sessionPrefix, id), g, s.config.SessionTTL); err != nil {
		return err
	}
	http.SetCookie(w, s.cookie(sessionCookie, id, s.config.SessionTTL))
	_, _, err := s.giveToken(w, &g)
	return err
}

// end forgets the session of a request.
func (s *sessions) end(w http.ResponseWriter, r *http.Request) error {
	if cookie, err := r.Cookie(sessionCookie); err == nil {
		if err := s.redis.Del(r.Context(), keyOf(sessionPrefix, cookie.Value)).Err(); err != nil {
			return fault.Newf(fault.Unavailable, "end a session: %w", err)
		}
	}
	http.SetCookie(w, s.cookie(sessionCookie, "", -1))
	http.SetCookie(w, s.cookie(auth.Cookie, "", -1))
	return nil
}

func (s *sessions) cookie(name, value string, ttl time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure is a setting: a local mesh has no https
		Name: name, Value: value, Path: "/", MaxAge: int(ttl.Seconds()), HttpOnly: true,
		Secure: s.config.SecureCookies, SameSite: http.SameSiteStrictMode,
	}
}

// giveToken signs a token for a session and hands it to the browser.
func (s *sessions) giveToken(w http.ResponseWriter, g *grant) (id *auth.Identity, token string, err error) {
	id = &auth.Identity{Kind: auth.KindUser, Subject: g.Subject, Tenant: g.Tenant, Scopes: g.Scopes}
	token, err = s.users.Issue(id, auth.AudienceUsers, s.config.TokenTTL)
	if err != nil {
		return nil, "", err
	}
	http.SetCookie(w, s.cookie(auth.Cookie, token, s.config.TokenTTL))
	return id, token, nil
}

// renew gives a browser a new token, as long as its session lasts: when the old one
// has run out, and whenever it opens its stream of events, which it does well before.
func (s *sessions) renew(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if auth.From(r.Context()) == nil || r.URL.Path == eventsPath {
			r = s.visit(w, r)
		}
		next.ServeHTTP(w, r)
	})
}

// visit lets the session of a request live on, and proves by it who calls if no token
// did.
func (s *sessions) visit(w http.ResponseWriter, r *http.Request) *http.Request {
	// Where the token's cookie has gone, auth has not asked for the header.
	if !isSafe(r.Method) && r.Header.Get(auth.CSRFHeader) == "" {
		return r
	}
	// Without Redis nobody new gets in; those with a token are not disturbed.
	g, id, err := s.find(r)
	if err != nil || g == nil {
		return r
	}
	identity, token, err := s.giveToken(w, g)
	if err != nil {
		return r
	}
	http.SetCookie(w, s.cookie(sessionCookie, id, s.config.SessionTTL))
	if auth.From(r.Context()) != nil {
		return r
	}
	return r.WithContext(context.WithValue(auth.WithIdentity(r.Context(), identity), renewedKey{}, token))
}

// renewedKey is where a request carries the token that proves it since this visit: the
// browser's cookie, which is passed on to neighbours, is older or not there.
type renewedKey struct{}

func renewedToken(ctx context.Context) string {
	token, _ := ctx.Value(renewedKey{}).(string)
	return token
}

func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
