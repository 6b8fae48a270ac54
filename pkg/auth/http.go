package auth

import (
	"net/http"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Cookie carries a user's token in browsers.
const Cookie = "grainmesh_token"

// CSRFHeader must be sent with every unsafe request that is authorised by cookie:
// pages of other sites cannot set it.
const CSRFHeader = "X-Grainmesh-Csrf"

// Middleware proves who calls and puts it into the request's context. Requests
// without a token pass unproved, for handlers that say themselves what they need
// ([Require]); a token that does not hold is refused, unless it is a cookie.
func (v *Verifier) Middleware(refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token, err := tokenOf(r)
			if err != nil {
				refuse(w, r, err)
				return
			}
			if token == "" {
				next.ServeHTTP(w, r)
				return
			}
			id, err := v.Verify(token)
			if err != nil && r.Header.Get("Authorization") == "" && queryToken(r) == "" {
				// A browser keeps its cookie after the token has run out: it is not proved,
				// and the portal may renew it.
				next.ServeHTTP(w, r)
				return
			}
			if err != nil {
				refuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(WithIdentity(r.Context(), id)))
		})
	}
}

// tokenOf finds the token in the Authorization header, in the query of a request that
// only reads, or in the browser's cookie.
func tokenOf(r *http.Request) (string, error) {
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", fault.Newf(fault.Unauthenticated, "Authorization scheme %q is not taken, want Bearer", scheme)
		}
		return strings.TrimSpace(token), nil
	}
	if token := queryToken(r); token != "" {
		return token, nil
	}
	cookie, err := r.Cookie(Cookie)
	if err != nil || cookie.Value == "" {
		return "", nil //nolint:nilerr // no cookie is no token
	}
	if !safe(r.Method) && r.Header.Get(CSRFHeader) == "" {
		return "", fault.Newf(fault.PermissionDenied, "a %s authorised by cookie needs the header %s", r.Method, CSRFHeader)
	}
	return cookie.Value, nil
}

// queryToken returns the access_token of the query, which TAMS allows and players,
// downloads and EventSource need: they set no headers, and they only read. Elsewhere
// it proves nothing, because addresses end up in logs.
func queryToken(r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return ""
	}
	return r.URL.Query().Get("access_token")
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
