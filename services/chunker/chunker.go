package chunker

import (
	"context"
	"fmt"

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
	Twirp   *serve.TwirpServer
}

// Service is the chunker.
type Service struct {
	config Config
	deps   Deps
}

// New makes a Service. It starts nothing.
func New(config Config, deps Deps) (*Service, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("chunker: %w", err)
	}
	return &Service{config, deps}, nil
}

// Run takes work until ctx ends.
func (s *Service) Run(ctx context.Context) error { return s.deps.Worker.Run(ctx, s.do) }
