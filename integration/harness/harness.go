package harness

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// Mode is how the services of a mesh run.
type Mode string

// Modes.
const (
	Together Mode = "in one process"
	Apart    Mode = "each in its own process"
)

// Modes lists all of them, for tests that must pass in each.
func Modes() []Mode { return []Mode{Together, Apart} }

// Options say how a test's mesh differs from the usual.
type Options struct {
	// Mode is Together if it is empty.
	Mode Mode
	// Adjust changes the services' configs; Together only.
	Adjust func(config any)
	// Env are the services' settings as NAME=value; Apart only.
	Env []string
	// Services to run; all of them when empty. Together only.
	Services []service.Definition
	// Own gives the mesh a Postgres and a NATS that no other test shares, so that it
	// may stop them.
	Own bool
	// Handed is a folder that mesh.HandOut made: each service gets its own keys alone;
	// Apart only. NATSURL is then a server with the accounts from there.
	Handed, NATSURL string
}

// Mesh is a running mesh.
type Mesh struct {
	URL      string // of the public listener; Apart, of the portal's
	Internal string // of the internal listener; Together only
	// Source is a web server that the mesh may read from.
	Source   *rangetest.Server
	Settings service.Settings

	options   Options
	keyring   *auth.Keyring
	own       *ownServers
	instances map[string]*instance
	stop      context.CancelFunc
	stopped   chan error
}

// New starts a mesh, and stops it with the test.
func New(t testing.TB, options Options) *Mesh {
	t.Helper()
	m := &Mesh{Source: rangetest.New(t), options: options}
	m.Settings = m.neighbours(t)
	m.keyring = auth.OpenKeyring(m.Settings.Keys)
	m.Start(t)
	t.Cleanup(func() { m.Stop(t) })
	return m
}

// Twin starts a second instance of every service in this process, on the same
// neighbours, and stops it with the test.
func (m *Mesh) Twin(t testing.TB) *Mesh {
	t.Helper()
	twin := &Mesh{Source: m.Source, Settings: m.Settings, options: m.options, keyring: m.keyring}
	twin.startTogether(t)
	t.Cleanup(func() { twin.Stop(t) })
	return twin
}

// readyTimeout bounds the start of a mesh.
const readyTimeout = 60 * time.Second

// Start runs the mesh, again if it was stopped.
func (m *Mesh) Start(t testing.TB) {
	t.Helper()
	if m.options.Mode == Apart {
		m.startApart(t)
		return
	}
	m.startTogether(t)
}

func (m *Mesh) startTogether(t testing.TB) {
	t.Helper()
	definitions := m.options.Services
	if len(definitions) == 0 {
		definitions = mesh.Services()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	m.stop, m.stopped = cancel, make(chan error, 1)
	log := telemetry.Discard()
	if loud() {
		log = telemetry.NewLogger(os.Stderr, slog.LevelInfo)
	}
	go func() {
		m.stopped <- service.Run(ctx, service.Options{
			Settings: m.Settings, Log: log, Adjust: m.options.Adjust,
			Ready: func(public, internal string) {
				m.URL, m.Internal = public, internal
				close(ready)
			},
		}, definitions...)
	}()
	select {
	case <-ready:
	case err := <-m.stopped:
		require.NoError(t, err, "the mesh did not start")
	case <-time.After(readyTimeout):
		require.Fail(t, "the mesh is not ready")
	}
}

// loud says whether the services' logs are to be shown.
func loud() bool { return os.Getenv("GRAINMESH_TEST_LOG") != "" }

// Stop stops the mesh; it is no error if it has stopped.
func (m *Mesh) Stop(t testing.TB) {
	t.Helper()
	m.stopInstances(t)
	if m.stop == nil {
		return
	}
	m.stop()
	m.stop = nil
	require.NoError(t, <-m.stopped)
}
