package mediastore

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"

	"github.com/grainmesh/grainmesh/services/media-store/collector"
	"github.com/grainmesh/grainmesh/services/media-store/store"
	"github.com/grainmesh/grainmesh/services/media-store/tams"
	"github.com/grainmesh/grainmesh/services/media-store/window"
)

// Deps are the neighbours of the service.
type Deps struct {
	DB      *pg.DB
	Queue   outbox.Queue
	Bucket  *objstore.Bucket
	Twirp   *serve.TwirpServer
	Trace   *telemetry.Tracing
	Metrics prometheus.Registerer
	Log     *slog.Logger
	// Region and Version are what the service tells of itself.
	Region, Version string
}

// Service is the media store.
type Service struct {
	deps      Deps
	changed   *pg.Signal
	store     *store.Store
	publisher *outbox.Publisher
	rpc       *rpc
	tams      *tams.API
	windows   *window.Handler
	collector *collector.Collector
}

// windowPatience is how long a window waits for its turn.
const windowPatience = 5 * time.Second

// forgetEvery is how often each instance clears away the rows that Keep has kept.
const forgetEvery = time.Hour

// New makes the service on a migrated schema. It starts nothing.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Service{deps: deps, changed: deps.DB.NewSignal("outbox")}
	s.publisher = outbox.NewPublisher(deps.DB, deps.Queue, s.changed, nil, outbox.DefaultConfig(), deps.Log)
	s.store = store.New(deps.DB, s.publisher, deps.Trace)
	counters := newMetrics(deps.Metrics)
	s.rpc = &rpc{store: s.store, bucket: deps.Bucket, config: cfg, metrics: counters}
	s.collector = collector.New(s.store, deps.Bucket, collector.Config{
		MinObjectTimeout: cfg.MinObjectTimeout, Grace: cfg.Grace, Keep: cfg.Keep, Every: cfg.CollectEvery, ForgetEvery: forgetEvery,
	}, counters, deps.Log)
	s.tams = tams.New(s.store, deps.Bucket, tams.Config{
		UploadTTL: cfg.UploadTTL, DownloadTTL: cfg.DownloadTTL, MinObjectTimeout: cfg.MinObjectTimeout,
		Region: deps.Region, Version: deps.Version,
	}, deps.Log)
	s.windows = window.New(s.store, deps.Bucket, window.Config{
		Reads: cfg.WindowReads, ReadBytes: cfg.WindowReadBytes, AtOnce: cfg.Windows, Patience: windowPatience,
	}, deps.Log)
	return s, nil
}

// Routes implements service.Service.
func (s *Service) Routes() serve.Routes {
	segments := mediastorev1.NewSegmentsServer(s.rpc, s.deps.Twirp.ForServices(serve.Callers{
		"PutFlows": {"chunker"}, "AllocateObjects": {"reader"}, "RegisterSegments": {"reader"}, "EndFlows": {"job-api"}, "ReadIndex": {"origin"},
	}))
	flows := mediastorev1.NewFlowsServer(s.rpc, s.deps.Twirp.Option(map[string]auth.Scope{
		"GetFlow": auth.Read, "ListFlows": auth.Read, "ListGrains": auth.Read, "GetSource": auth.Read, "ListSources": auth.Read,
	}))
	return serve.Routes{
		Public: []serve.Route{
			serve.Twirp(flows),
			{Prefix: tams.Prefix, Scope: serve.ByRequest, Handler: s.tams.Handler(s.windows.Routes)},
		},
		Internal: []serve.Route{serve.Twirp(segments)},
	}
}

// Run publishes events and clears away until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.changed.Run(ctx) })
	group.Go(func() error { return s.publisher.Run(ctx) })
	group.Go(func() error { return s.collector.Run(ctx) })
	return group.Wait()
}
