package service

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"

	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

// Service is one service, opened and not yet running.
type Service interface {
	// Routes are what it serves.
	Routes() serve.Routes
	// Run blocks until ctx ends and its work in hand is done.
	Run(ctx context.Context) error
}

// Definition is how a service is made: by its own process, by the all-in-one and by
// tests alike.
type Definition struct {
	Name string
	// New checks settings, opens neighbours and migrates; it starts nothing.
	New func(ctx context.Context, env *Env) (Service, error)
}

// Define names a service and its constructor. A constructor returns its own type;
// Define hides that.
func Define[S Service](name string, newService func(ctx context.Context, env *Env) (S, error)) Definition {
	return Definition{name, func(ctx context.Context, env *Env) (Service, error) { return newService(ctx, env) }}
}

// Main is the whole main function of a service's own process: settings, logger,
// signals, exit code. With the argument "ready" it asks the process that runs whether
// it is ready, and ends.
func Main(definitions ...Definition) {
	if err := runMain(os.Args[1:], definitions); err != nil {
		fmt.Fprintln(os.Stderr, "grainmesh:", err)
		os.Exit(1)
	}
}

func runMain(args []string, definitions []Definition) error {
	settings, err := LoadSettings()
	if err != nil {
		return err
	}
	ctx, stop := SignalContext(context.Background())
	defer stop()
	switch {
	case slices.Equal(args, []string{"ready"}):
		return Ready(ctx, settings)
	case len(args) > 0:
		return fmt.Errorf("arguments %q, want none, or ready", args)
	}
	log := telemetry.NewLogger(os.Stderr, settings.LogLevel)
	return Run(ctx, Options{Settings: settings, Log: log}, definitions...)
}

// SignalContext ends at the first SIGINT or SIGTERM; the second ends the process at
// once.
func SignalContext(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, stop := signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // gives the second signal its default effect back
	return ctx, stop
}

// Options say how a process runs its services.
type Options struct {
	Settings Settings
	Log      *slog.Logger
	// Adjust, if set, is handed each service's config after it was read from the
	// environment. Tests change it here.
	Adjust func(config any)
	// Ready, if set, is called once, when the process is ready.
	Ready func(publicURL, internalURL string)
}
