package portalbff

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

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

// eventsPath is where browsers follow what happens.
const eventsPath = "/events"

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
		"": auth.Write, "Me": auth.Read, "CreateLoginLink": auth.Read,
	}))
	root := chi.NewMux()
	root.Get("/login", s.login)
	root.Post("/logout", s.logout)
	root.Get(eventsPath, s.events)
	root.Mount(api.PathPrefix(), serve.LimitBody(api))
	for prefix, target := range s.elsewhere() {
		root.Mount(prefix, target)
	}
	root.Handle("/*", s.pages)
	return serve.Routes{Public: []serve.Route{{Prefix: "/", Handler: s.sessions.renew(root)}}}
}

// Run passes progress on until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	return bus.OnProgress(ctx, s.deps.Bus, subjects.JobProgressed, s.progress.publish)
}
