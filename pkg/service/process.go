package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

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
		return errors.Join(err, p.server.Close())
	}
	return p.run(ctx, services)
}

func newProcess(ctx context.Context, options Options, definitions []Definition) (*process, error) {
	p := &process{options: options, metrics: prometheus.NewRegistry(), health: serve.NewHealth(options.Log)}
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

// opened is a service and its name.
type opened struct {
	Service
	name string
}

// open makes every service and mounts its routes.
func (p *process) open(ctx context.Context, definitions []Definition) ([]opened, error) {
	services := make([]opened, 0, len(definitions))
	for _, d := range definitions {
		s, err := d.New(ctx, p.env(d.Name))
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", d.Name, err)
		}
		if err := p.server.Mount(s.Routes(), auth.NewVerifier(p.issuers, d.Name)); err != nil {
			return nil, fmt.Errorf("mount %s: %w", d.Name, err)
		}
		services = append(services, opened{s, d.Name})
	}
	p.server.Operate(promhttp.HandlerFor(p.metrics, promhttp.HandlerOpts{}), p.health, auth.NewVerifier(p.issuers))
	return services, nil
}

// run serves and runs everything until the first part returns. The listeners close
// last, so that services that stop can still report to one another.
func (p *process) run(ctx context.Context, services []opened) error {
	serveCtx, stopServing := context.WithCancel(context.WithoutCancel(ctx))
	defer stopServing()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	parts := newParts()
	serving := make(chan error, 1)
	go func() {
		serving <- p.server.Run(serveCtx)
		stop() // nobody can reach the services any more
	}()
	p.health.SetReady(true)
	context.AfterFunc(ctx, func() { p.health.SetReady(false) })
	for _, s := range services {
		parts.run(s.name, func() error {
			defer stop()
			return s.Run(ctx)
		})
	}
	if p.options.Ready != nil {
		p.options.Ready(p.server.PublicURL(), p.server.InternalURL())
	}
	p.options.Log.InfoContext(ctx, "ready", "public", p.server.PublicURL(), "internal", p.server.InternalURL())
	<-ctx.Done()
	err := parts.wait(cmp.Or(p.options.Settings.StopTimeout, defaultStop))
	stopServing()
	return errors.Join(err, <-serving)
}

// defaultStop bounds a stop where the settings were not read from the environment.
const defaultStop = 30 * time.Second

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
