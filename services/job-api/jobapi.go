package jobapi

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	"github.com/grainmesh/grainmesh/pkg/work"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

// Deps are the neighbours of a Service.
type Deps struct {
	DB      *pg.DB
	Bus     *bus.Bus
	Redis   *redis.Client
	Store   mediastorev1.Segments
	Formats *formats.Registry
	Trace   *telemetry.Tracing
	Twirp   *serve.TwirpServer
	Metrics prometheus.Registerer
	Log     *slog.Logger
	Region  string
	// Instance names this process, for people.
	Instance string
}

// Service is the Service API.
type Service struct {
	config    Config
	deps      Deps
	jobs      *ingest.Jobs
	signal    *pg.Signal
	publisher *outbox.Publisher
	progress  *progress
}

// New makes a Service. It starts nothing.
func New(config Config, deps Deps) (*Service, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("job-api: %w", err)
	}
	publishing := outbox.DefaultConfig()
	publishing.Window, publishing.Redrive = config.windows(), config.Redrive
	signal := deps.DB.NewSignal("outbox")
	publisher := outbox.NewPublisher(deps.DB, deps.Bus, signal, subjects.Layers(), publishing, deps.Log)
	if err := registerMetrics(deps.Metrics, deps.DB); err != nil {
		return nil, err
	}
	return &Service{
		config: config, deps: deps, signal: signal, publisher: publisher, progress: newProgress(deps.Redis, deps.Bus, deps.Log),
		jobs: ingest.New(deps.DB, publisher, deps.Trace, deps.Formats, ingest.Config{
			Region: deps.Region, PerJob: config.OutstandingPerJob, MaxAttempts: int32(config.MaxAttempts),
			RetryBase: config.RetryBase, Sizes: config.sizes(),
		}),
	}, nil
}

// Run publishes the outbox, closes runs, gathers progress and cleans up, until ctx
// ends.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.signal.Run(ctx) })
	group.Go(func() error { return s.publisher.Run(ctx) })
	group.Go(func() error { return s.progress.run(ctx) })
	group.Go(func() error { return s.progress.forget(ctx) })
	group.Go(func() error { return s.cleanUp(ctx) })
	group.Go(func() error {
		closer := work.Worker{Layer: subjects.Close, Policy: s.config.Policy, Bus: s.deps.Bus, Owner: reportsServer{s}, Name: s.deps.Instance, Log: s.deps.Log}
		return closer.Run(ctx, s.do)
	})
	return group.Wait()
}

// cleanEvery is how often ended jobs are looked through.
const cleanEvery = time.Hour

// cleanUp deletes jobs that ended too long ago.
func (s *Service) cleanUp(ctx context.Context) error {
	for {
		if n, err := s.jobs.DeleteEnded(ctx, time.Now().Add(-s.config.KeepJobs)); err != nil {
			s.deps.Log.WarnContext(ctx, "old jobs stay for now", "err", err)
		} else if n > 0 {
			s.deps.Log.InfoContext(ctx, "old jobs deleted", "jobs", n)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(cleanEvery):
		}
	}
}
