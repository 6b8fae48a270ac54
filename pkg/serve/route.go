package serve

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/grainmesh/grainmesh/pkg/auth"
)

// Route is a handler, the path prefix that it serves, such as "/tams/", and the scope
// that a caller must have to reach it. One that states no scope keeps the process from
// starting, so that none is open because somebody forgot.
type Route struct {
	Prefix  string
	Scope   auth.Scope // or Open, or ByRequest
	Handler http.Handler
}

// What a route states in place of a scope.
const (
	// Open lets everyone in, proved or not.
	Open auth.Scope = "(open)"
	// ByRequest leaves it to the handler, because what a caller must have depends on
	// the request, such as on its method.
	ByRequest auth.Scope = "(by request)"
)

// Routes are what a service puts on a process's two listeners.
type Routes struct {
	Public   []Route
	Internal []Route // all need scope service
	// Identify, if there is one, wraps the public routes before their scopes are asked
	// for: it may prove a caller in another way than by a token.
	Identify func(http.Handler) http.Handler
}

// Twirp is the route of a generated Twirp server, made with an option of
// [TwirpServer], which asks for the scope of each method. As none is open, who has
// proved nothing is refused before the body is read.
func Twirp(server interface {
	http.Handler
	PathPrefix() string
},
) Route {
	return Route{server.PathPrefix(), ByRequest, proved(LimitBody(server))}
}

// Mount adds a service's routes, behind the verifier. It is to be called before Run.
func (s *Server) Mount(routes Routes, verifier *auth.Verifier) error {
	prove := verifier.Middleware(WriteError)
	for _, r := range slices.Concat(routes.Public, routes.Internal) {
		if r.Scope == "" {
			return fmt.Errorf("route %s states no scope, want one, serve.Open or serve.ByRequest", r.Prefix)
		}
	}
	for _, r := range routes.Public {
		handler := need(r.Scope, r.Handler)
		if routes.Identify != nil {
			handler = routes.Identify(handler)
		}
		s.publicMux.Mount(r.Prefix, unstripped(prove(handler)))
	}
	for _, r := range routes.Internal {
		s.internalMux.Mount(r.Prefix, unstripped(prove(need(auth.Service, need(r.Scope, r.Handler)))))
	}
	return nil
}

// need lets those through who have the scope.
func need(scope auth.Scope, next http.Handler) http.Handler {
	if scope == Open || scope == ByRequest {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := auth.Require(r.Context(), scope); err != nil {
			WriteError(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}
