package service_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// part is a service that does what a test says, and echoes below its name.
type part struct {
	name  string
	scope auth.Scope // of its route
	run   func(ctx context.Context) error
}

func (p *part) Routes() serve.Routes {
	return serve.Routes{Public: []serve.Route{{Prefix: "/" + p.name + "/", Scope: p.scope, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.URL.Path))
	})}}}
}

func (p *part) Run(ctx context.Context) error { return p.run(ctx) }

// untilStopped is a Run that ends well.
func untilStopped(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

func define(name string, run func(ctx context.Context) error) service.Definition {
	return service.Define(name, func(context.Context, *service.Env) (*part, error) { return &part{name, serve.Open, run}, nil })
}

// story notes what happens, in order.
type story struct {
	mu    sync.Mutex
	lines []string
}

func (s *story) tell(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

// options are those of a process on free ports.
func options(t *testing.T, names ...string) service.Options {
	t.Helper()
	dir := t.TempDir()
	kinds := map[string]auth.Kind{}
	for _, name := range names {
		kinds[name] = auth.KindService
	}
	require.NoError(t, auth.OpenKeyring(dir).Ensure(kinds))
	return service.Options{
		Log:      telemetry.Discard(),
		Settings: service.Settings{Listen: "127.0.0.1:0", InternalListen: "127.0.0.1:0", Keys: dir, StopTimeout: 5 * time.Second},
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	var told story
	ready := make(chan string, 1)
	o := options(t, "a", "b")
	o.Ready = func(public, _ string) { ready <- public }
	run := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			told.tell(name + " runs")
			<-ctx.Done()
			told.tell(name + " stops")
			return nil
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx, o, define("a", run("a")), define("b", run("b"))) }()
	url := <-ready
	status, _ := get(t, url+"/readyz")
	require.Equal(t, http.StatusOK, status)
	_, body := get(t, url+"/b/x")
	require.Equal(t, "/b/x", body)
	stop()
	require.NoError(t, <-ended)
	require.ElementsMatch(t, []string{"a runs", "b runs", "a stops", "b stops"}, told.lines)
	requireFree(t, url)
}

// A process is ready without what holds only what may be forgotten.
func TestReadyWithoutRedis(t *testing.T) {
	t.Parallel()
	o := options(t, "a")
	ready := make(chan string, 1)
	o.Ready = func(public, _ string) { ready <- public }
	o.Settings.RedisURL = "redis://127.0.0.1:1" // nothing listens there
	withCache := service.Define("a", func(ctx context.Context, env *service.Env) (*part, error) {
		_, err := env.Redis(ctx)
		return &part{"a", serve.Open, untilStopped}, err
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- service.Run(ctx, o, withCache) }()
	status, body := get(t, <-ready+"/readyz")
	require.Equal(t, http.StatusOK, status, body)
	require.JSONEq(t, `{"process": "ready", "a redis": "degraded"}`, body)
	stop()
	require.NoError(t, <-ended)
}

// requireFree checks that an address can be listened on again.
func requireFree(t *testing.T, url string) {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

// The first service to end ends all, well or badly.
func TestOneEndsAll(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]error{"badly": errors.New("the disk is full"), "well": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told story
			other := define("a", func(ctx context.Context) error {
				<-ctx.Done()
				told.tell("a was stopped")
				return nil
			})
			err := service.Run(t.Context(), options(t, "a", "b"), other, define("b", func(context.Context) error { return result }))
			require.Equal(t, []string{"a was stopped"}, told.lines)
			if result == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, result)
			require.ErrorContains(t, err, "b: the disk is full", "which one it was")
		})
	}
}

// Failures of several are all told.
func TestAllFailuresAreTold(t *testing.T) {
	t.Parallel()
	first, second := errors.New("first"), errors.New("second")
	err := service.Run(t.Context(), options(t, "a", "b"),
		define("a", func(context.Context) error { return first }),
		define("b", func(ctx context.Context) error { <-ctx.Done(); return second }))
	require.ErrorIs(t, err, first)
	require.ErrorIs(t, err, second)
}

// What does not stop is named, and does not hold up the process for ever.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	let := make(chan struct{})
	o := options(t, "stuck", "fine")
	o.Settings.StopTimeout = time.Second
	ctx, stop := context.WithCancel(t.Context())
	o.Ready = func(string, string) { stop() }
	stuck := make(chan struct{})
	err := service.Run(ctx, o, define("fine", untilStopped), define("stuck", func(context.Context) error {
		defer close(stuck)
		<-let
		return nil
	}))
	require.ErrorContains(t, err, "stuck did not stop within 1s")
	require.NotContains(t, err.Error(), "fine")
	close(let)
	<-stuck
}

// A service that cannot be opened is named, and leaves no port and no neighbour open.
func TestOpenFails(t *testing.T) {
	t.Parallel()
	o := options(t, "a", "b")
	var config net.ListenConfig
	probe, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o.Settings.Listen = probe.Addr().String()
	require.NoError(t, probe.Close())
	broken := service.Define("b", func(_ context.Context, env *service.Env) (*part, error) {
		_, err := env.Database(t.Context(), "b", nil)
		return nil, err
	})
	ran := false
	err = service.Run(t.Context(), o, define("a", func(context.Context) error { ran = true; return nil }), broken)
	require.ErrorContains(t, err, "open b")
	require.ErrorContains(t, err, "GRAINMESH_DATABASE_URL")
	require.False(t, ran)
	requireFree(t, "http://"+o.Settings.Listen)
}

// A route that states no scope is not served to anybody.
func TestRouteWithoutScope(t *testing.T) {
	t.Parallel()
	forgot := service.Define("a", func(context.Context, *service.Env) (*part, error) { return &part{"a", "", untilStopped}, nil })
	err := service.Run(t.Context(), options(t, "a"), forgot)
	require.ErrorContains(t, err, "mount a: route /a/ states no scope")
}

func TestBusyPortIsNamed(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	o := options(t, "a")
	o.Settings.InternalListen = taken.Addr().String()
	err = service.Run(t.Context(), o, define("a", untilStopped))
	require.ErrorContains(t, err, taken.Addr().String())
	require.ErrorContains(t, err, "address already in use")
}

func TestNoKeys(t *testing.T) {
	t.Parallel()
	o := options(t, "a")
	o.Settings.Keys = t.TempDir()
	require.ErrorContains(t, service.Run(t.Context(), o, define("a", untilStopped)), "trust.json")
}

// Services in one process are neighbours without a setting; for others there must be
// one.
func TestNeighbours(t *testing.T) {
	t.Parallel()
	o := options(t, "a", "b")
	o.Settings.Neighbours = map[string]string{"far": "http://10.0.0.5:8081"}
	ctx, stop := context.WithCancel(t.Context())
	o.Ready = func(string, string) { stop() }
	a := service.Define("a", func(_ context.Context, env *service.Env) (*part, error) {
		url, _, err := env.Neighbour("b")
		require.NoError(t, err)
		require.Regexp(t, `^http://127\.0\.0\.1:\d+$`, url)
		url, _, err = env.Neighbour("far")
		require.NoError(t, err)
		require.Equal(t, "http://10.0.0.5:8081", url)
		_, _, err = env.Neighbour("nowhere")
		require.ErrorContains(t, err, "GRAINMESH_NEIGHBOURS")
		require.Contains(t, env.Instance(), "a@")
		return &part{"a", serve.Open, untilStopped}, nil
	})
	require.NoError(t, service.Run(ctx, o, a, define("b", untilStopped)))
}

// The environment is the process's, so this test runs alone.
func TestLoadSettings(t *testing.T) {
	t.Setenv("GRAINMESH_NEIGHBOURS", "job-api=http://a:1/, media-store=http://b:2")
	t.Setenv("GRAINMESH_LOG_LEVEL", "debug")
	s, err := service.LoadSettings()
	require.NoError(t, err)
	require.Equal(t, "http://a:1", s.Neighbours["job-api"])
	require.Equal(t, "http://b:2", s.Neighbours["media-store"])
	require.Equal(t, slog.LevelDebug, s.LogLevel)
	require.Equal(t, "127.0.0.1:8080", s.Listen)

	t.Setenv("GRAINMESH_NEIGHBOURS", "job-api")
	_, err = service.LoadSettings()
	require.ErrorContains(t, err, "GRAINMESH_NEIGHBOURS")
	require.ErrorContains(t, err, "name=http://host:port")
	t.Setenv("GRAINMESH_NEIGHBOURS", "a=http://a")
	t.Setenv("GRAINMESH_LISTEN", "")
	_, err = service.LoadSettings()
	require.ErrorContains(t, err, "GRAINMESH_LISTEN")
}
