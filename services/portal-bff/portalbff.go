package portalbff

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	portalv1 "github.com/grainmesh/grainmesh/rpc/portal/v1"
	"github.com/grainmesh/grainmesh/services/portal-bff/web"
)

// Deps are the neighbours of a Service.
type Deps struct {
	Bus    *bus.Bus
	Redis  *redis.Client
	Bucket *objstore.Bucket
	// Users signs users' tokens.
	Users   *auth.Signer
	Twirp   *serve.TwirpServer
	Log     *slog.Logger
	Metrics prometheus.Registerer
	// Settings are the process's: addresses, region, version.
	Settings service.Settings
}

// Service is the portal.
type Service struct {
	config   Config
	deps     Deps
	sessions *sessions
	progress *hub
	pages    http.Handler
	metrics  *metrics
}

// Paths of the portal's own.
const (
	loginPath  = "/login"
	logoutPath = "/logout"
	eventsPath = "/events" // where browsers follow what happens
)

// New makes a Service. It starts nothing.
func New(config Config, deps Deps) (*Service, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("portal-bff: %w", err)
	}
	pages, err := newPages(web.Pages(), storeOrigin(deps.Settings))
	if err != nil {
		return nil, err
	}
	metrics, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, err
	}
	return &Service{
		config: config, deps: deps, progress: newHub(), pages: pages, metrics: metrics,
		sessions: &sessions{config, deps.Redis, deps.Users},
	}, nil
}

// Routes implements service.Service: the pages at the root, log-in, events, the
// Portal API, and every neighbour that runs elsewhere.
func (s *Service) Routes() serve.Routes {
	api := portalv1.NewPortalServer(s, s.deps.Twirp.Option(map[string]auth.Scope{
		"Me": auth.Read, "CreateLoginLink": auth.Read,
		"StartUpload": auth.Write, "SignParts": auth.Write, "CompleteUpload": auth.Write, "AbortUpload": auth.Write,
	}))
	routes := serve.Routes{Identify: s.sessions.renew, Public: []serve.Route{
		{Prefix: "/", Scope: serve.Open, Handler: s.pages},
		{Prefix: loginPath, Scope: serve.Open, Handler: s.only(http.MethodGet, loginPath, s.login)},
		{Prefix: logoutPath, Scope: serve.Open, Handler: s.only(http.MethodPost, logoutPath, s.logout)},
		{Prefix: eventsPath, Scope: auth.Read, Handler: s.only(http.MethodGet, eventsPath, s.events)},
		serve.Twirp(api),
	}}
	for prefix, target := range s.elsewhere() {
		routes.Public = append(routes.Public, serve.Route{Prefix: prefix, Scope: serve.ByRequest, Handler: target})
	}
	return routes
}

// only serves one method at one path; the pages answer for the rest.
func (s *Service) only(method, path string, handler http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != method || r.URL.Path != path {
			s.pages.ServeHTTP(w, r)
			return
		}
		handler(w, r)
	})
}

// Run passes progress on and removes old uploads until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return bus.OnProgress(ctx, s.deps.Bus, subjects.JobProgressed, s.progress.publish) })
	group.Go(func() error { return s.keepClean(ctx) })
	return group.Wait()
}
