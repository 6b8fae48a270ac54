package reader

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/sources"
	"github.com/grainmesh/grainmesh/pkg/work"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// Deps are the neighbours of a Service.
type Deps struct {
	Worker  *work.Worker
	Reports jobv1.Reports
	Store   mediastorev1.Segments
	Sources *sources.Sources
	Formats *formats.Registry
	// Objects is the client that uploads to presigned URLs.
	Objects *http.Client
	Twirp   *serve.TwirpServer
	Metrics prometheus.Registerer
}

// Service is the reader.
type Service struct {
	config  Config
	deps    Deps
	metrics *metrics
	buffers buffers
	active  active
}

// New makes a Service. It starts nothing.
func New(config Config, deps Deps) (*Service, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("reader: %w", err)
	}
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return nil, err
	}
	return &Service{config: config, deps: deps, metrics: m, active: active{chunks: map[string]*chunkProgress{}}}, nil
}

// Run takes work until ctx ends.
func (s *Service) Run(ctx context.Context) error { return s.deps.Worker.Run(ctx, s.do) }
