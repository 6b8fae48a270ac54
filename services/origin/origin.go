package origin

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/serve"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"

	"github.com/grainmesh/grainmesh/services/origin/cache"
)

// Index is what the origin asks of the media store.
type Index interface {
	ReadIndex(ctx context.Context, in *mediastorev1.ReadIndexRequest) (*mediastorev1.ReadIndexResponse, error)
}

// Deps are the neighbours of a Service.
type Deps struct {
	Store Index
	// Objects is the client that fetches from signed URLs.
	Objects *http.Client
	// Signer signs links to play, as PlayIssuer, and Verifier checks them.
	Signer   *auth.Signer
	Verifier *auth.Verifier
	Twirp    *serve.TwirpServer
	Metrics  prometheus.Registerer
	Log      *slog.Logger
	// Now is the clock; time.Now if nil.
	Now func() time.Time
}

// Service is the origin.
type Service struct {
	config        Config
	deps          Deps
	metrics       *metrics
	presentations *cache.Cache[*presentation]
	resources     *cache.Cache[*resource]
	builds        chan struct{} // one token for each segment being made
}

// New makes a Service. It starts nothing.
func New(config Config, deps Deps) (*Service, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("origin: %w", err)
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, err
	}
	return &Service{
		config: config, deps: deps, metrics: m,
		presentations: cache.New(config.Presentations, func(*presentation) int64 { return 1 }),
		resources:     cache.New(config.CacheBytes, func(r *resource) int64 { return int64(len(r.body)) }),
		builds:        make(chan struct{}, config.Builds),
	}, nil
}

// Run waits until ctx ends: everything is done when it is asked for.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
