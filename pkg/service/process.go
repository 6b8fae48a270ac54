package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

// process is what the services of one process share.
type process struct {
	options Options
	server  *serve.Server
	metrics *prometheus.Registry
	twirp   *serve.TwirpServer
	trace   *telemetry.Tracing
	keyring *auth.Keyring
	issuers []auth.Issuer
	health  *serve.Health
	closers []func()
}

// Run runs services in this process until ctx ends or one of them fails.
func Run(ctx context.Context, options Options, definitions ...Definition) error {
	p, err := newProcess(ctx, options, definitions)
	if err != nil {
		return err
	}
	defer p.close()
	services, err := p.open(ctx, definitions)
	if err != nil {
		return err
	}
	return p.run(ctx, services)
}

func newProcess(ctx context.Context, options Options, definitions []Definition) (*process, error) {
	p := &process{options: options, metrics: prometheus.NewRegistry(), health: serve.NewHealth()}
	p.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p.twirp = serve.NewTwirpServer(options.Log, p.metrics)
	p.keyring = auth.OpenKeyring(options.Settings.Keys)
	var err error
	if p.issuers, err = p.keyring.Issuers(); err != nil {
		return nil, err
	}
	if p.trace, err = telemetry.NewTracing(ctx, "grainmesh", options.Settings.OTLPURL); err != nil {
		return nil, err
	}
	p.server, err = serve.Listen(ctx, options.Settings.Listen, options.Settings.InternalListen, p.trace, options.Log)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(definitions))
	for i, d := range definitions {
		names[i] = d.Name
	}
	settings := &p.options.Settings
	settings.Neighbours = settings.Neighbours.with(names, p.server.InternalURL())
	settings.PublicNeighbours = settings.PublicNeighbours.with(names, "")
	if settings.PublicURL == "" {
		settings.PublicURL = p.server.PublicURL()
	}
	return p, nil
}

// open makes every service and mounts its routes.
func (p *process) open(ctx context.Context, definitions []Definition) ([]Service, error) {
	services := make([]Service, 0, len(definitions))
	for _, d := range definitions {
		s, err := d.New(ctx, p.env(d.Name))
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", d.Name, err)
		}
		p.server.Mount(s.Routes(), auth.NewVerifier(p.issuers, d.Name))
		services = append(services, s)
	}
	p.server.Operate(promhttp.HandlerFor(p.metrics, promhttp.HandlerOpts{}), p.health)
	return services, nil
}

// run serves and runs everything until the first part returns. The listeners close
// last, so that services that stop can still report to one another.
func (p *process) run(ctx context.Context, services []Service) error {
	serveCtx, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	group, groupCtx := errgroup.WithContext(ctx)
	serving := make(chan error, 1)
	group.Go(func() error {
		go func() { serving <- p.server.Run(serveCtx) }()
		select {
		case err := <-serving:
			serving <- nil
			return err
		case <-groupCtx.Done():
			return nil
		}
	})
	context.AfterFunc(groupCtx, func() { p.health.SetReady(false) })
	for _, s := range services {
		group.Go(func() error { return s.Run(groupCtx) })
	}
	p.health.SetReady(true)
	if p.options.Ready != nil {
		p.options.Ready(p.server.PublicURL(), p.server.InternalURL())
	}
	p.options.Log.InfoContext(ctx, "ready", "public", p.server.PublicURL(), "internal", p.server.InternalURL())
	err := group.Wait()
	stopServing()
	return errors.Join(err, <-serving)
}

// closeWith keeps what is to be closed when the process ends.
func (p *process) closeWith(f func()) { p.closers = append(p.closers, f) }

func (p *process) close() {
	for _, f := range slices.Backward(p.closers) {
		f()
	}
	if err := p.trace.Shutdown(context.Background()); err != nil {
		p.options.Log.Warn("traces were lost", "err", err)
	}
}

func (p *process) env(name string) *Env {
	return &Env{Name: name, Settings: p.options.Settings, Log: p.options.Log.With(slog.String("service", name)), Metrics: prometheus.WrapRegistererWith(prometheus.Labels{"service": name}, p.metrics), process: p}
}
