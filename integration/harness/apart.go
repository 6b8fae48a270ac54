package harness

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/proc"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
	portalbff "github.com/grainmesh/grainmesh/services/portal-bff"
)

// serveVariable makes a test binary be a service in place of running its tests.
const serveVariable = "GRAINMESH_TEST_SERVE"

// Main is the TestMain of a package whose meshes run apart: in a child it is the
// main function of the service that the child is to be. What is to be cleared away
// after the tests is done after them.
func Main(m *testing.M, after ...func()) {
	name := os.Getenv(serveVariable)
	if name == "" {
		code := m.Run()
		for _, do := range after {
			do()
		}
		os.Exit(code)
	}
	definitions, err := mesh.Pick(name)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	service.Main(definitions...)
}

// instance is one service as a process of its own.
type instance struct {
	public, internal string // host:port
	env              []string
	process          *proc.Process
}

// Ports of the first mesh of a test binary, below those that the system gives away.
const (
	firstPort    = 20_000
	portsOfAMesh = 32
	meshesAtOnce = 300
)

// meshes counts those that ran apart. It is package state because tests have no other
// place in common.
var meshes atomic.Int64 //nolint:gochecknoglobals // counted over all tests of a binary

// loopback returns an address of the loopback network that no other test binary
// takes: there are more of them than process ids.
func loopback() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 1+pid>>16&0x7f, pid>>8&0xff, pid&0xff)
}

func (m *Mesh) startApart(t testing.TB) {
	t.Helper()
	if m.instances == nil {
		m.placeInstances()
		t.Cleanup(func() { m.tellTails(t) })
	}
	for name := range m.instances {
		m.launch(t, name)
	}
	for name := range m.instances {
		m.awaitReady(t, name)
	}
}

// placeInstances gives every service its addresses and its environment.
func (m *Mesh) placeInstances() {
	port := firstPort + int(meshes.Add(1)%meshesAtOnce)*portsOfAMesh
	var public, internal []string
	m.instances = map[string]*instance{}
	for i, name := range mesh.Names() {
		at := &instance{
			public:   fmt.Sprintf("%s:%d", loopback(), port+2*i),
			internal: fmt.Sprintf("%s:%d", loopback(), port+2*i+1),
		}
		m.instances[name] = at
		public = append(public, name+"=http://"+at.public)
		internal = append(internal, name+"=http://"+at.internal)
	}
	m.URL = "http://" + m.instances[portalbff.Name].public
	s := m.Settings
	common := append([]string{
		"GRAINMESH_PUBLIC_URL=" + m.URL, "GRAINMESH_KEYS=" + s.Keys, "GRAINMESH_REGION=" + s.Region,
		"GRAINMESH_DATABASE_URL=" + s.DatabaseURL.Reveal(), "GRAINMESH_NATS_URL=" + s.NATSURL, "GRAINMESH_REDIS_URL=" + s.RedisURL.Reveal(),
		"GRAINMESH_S3_URL=" + s.S3URL.Reveal(), "GRAINMESH_S3_BUCKET=" + s.S3Bucket, "GRAINMESH_ALLOW_HOSTS=" + strings.Join(s.AllowHosts, ","),
		"GRAINMESH_NEIGHBOURS=" + strings.Join(internal, ","), "GRAINMESH_PUBLIC_NEIGHBOURS=" + strings.Join(public, ","),
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TMPDIR=" + os.TempDir(),
	}, m.options.Env...)
	for name, at := range m.instances {
		at.env = append(slices.Clone(common), serveVariable+"="+name, "GRAINMESH_LISTEN="+at.public, "GRAINMESH_INTERNAL_LISTEN="+at.internal)
		if m.options.Handed != "" {
			at.env = append(at.env, "GRAINMESH_KEYS="+filepath.Join(m.options.Handed, mesh.IdentitiesFolder, name))
		}
	}
}

// tailBytes is how much of the end of a service's log a failed test shows.
const tailBytes = 16 << 10

func (m *Mesh) launch(t testing.TB, name string) {
	t.Helper()
	at := m.instances[name]
	program, err := os.Executable()
	require.NoError(t, err)
	var stderr io.Writer
	if loud() {
		stderr = os.Stderr
	}
	at.process, err = proc.Start(context.Background(), proc.Spec{
		Path: program, Env: at.env, Stderr: stderr, TailBytes: tailBytes, StopGrace: stopTimeout,
	})
	require.NoError(t, err)
}

// awaitReady waits until a service answers that it is ready.
func (m *Mesh) awaitReady(t testing.TB, name string) {
	t.Helper()
	at := m.instances[name]
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	require.Eventually(t, func() bool {
		select {
		case <-at.process.Done():
			return true
		default:
		}
		response, err := client.Get("http://" + at.public + "/readyz") //nolint:noctx // the client has a timeout
		if err != nil {
			return false
		}
		return response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, readyTimeout, pollEvery, "%s is not ready", name)
	select {
	case <-at.process.Done():
		require.NoError(t, at.process.Wait().Err(), "%s ended before it was ready", name)
	default:
	}
}

// Launch starts a service that was killed, and waits until it is ready.
func (m *Mesh) Launch(t testing.TB, name string) {
	t.Helper()
	m.launch(t, name)
	m.awaitReady(t, name)
}

// Kill ends a service as kill -9 does.
func (m *Mesh) Kill(t testing.TB, name string) {
	t.Helper()
	m.signal(t, name, syscall.SIGKILL)
	m.instances[name].process.Wait()
}

// Freeze stops a service where it stands; connections to it stay open.
func (m *Mesh) Freeze(t testing.TB, name string) {
	t.Helper()
	m.signal(t, name, syscall.SIGSTOP)
}

// Thaw lets a frozen service go on.
func (m *Mesh) Thaw(t testing.TB, name string) {
	t.Helper()
	m.signal(t, name, syscall.SIGCONT)
}

func (m *Mesh) signal(t testing.TB, name string, sig syscall.Signal) {
	t.Helper()
	require.NoError(t, m.instances[name].process.Signal(sig))
}

// stopTimeout bounds the end of a service.
const stopTimeout = 30 * time.Second

// stopInstances stops what runs apart, all at once. A service that the race detector
// stopped, or that does not end by itself, fails the test.
func (m *Mesh) stopInstances(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var all sync.WaitGroup
	exits := make([]proc.Exit, len(mesh.Names()))
	for i, name := range mesh.Names() {
		at := m.instances[name]
		if at == nil || at.process == nil {
			continue
		}
		all.Go(func() {
			_ = at.process.Signal(syscall.SIGCONT)
			exits[i] = at.process.Stop(ctx)
		})
	}
	all.Wait()
	for i, name := range mesh.Names() {
		if exits[i].Signal != syscall.SIGKILL || exits[i].Killed {
			require.Zero(t, exits[i].Code, "%s: %s\n%s", name, exits[i], exits[i].Tail)
		}
	}
}

// tellTails shows the ends of the services' logs if the test failed.
func (m *Mesh) tellTails(t testing.TB) {
	t.Helper()
	if !t.Failed() || loud() {
		return
	}
	for name, at := range m.instances {
		t.Logf("log of %s:\n%s", name, at.process.Tail())
	}
}
