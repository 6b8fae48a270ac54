package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	analyserv1 "github.com/grainmesh/grainmesh/rpc/analyser/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const anyPort = "127.0.0.1:0"

// prober is a Twirp service that answers as it is told.
type prober func(context.Context, *analyserv1.ProbeRequest) (*analyserv1.ProbeResponse, error)

func (p prober) Probe(ctx context.Context, r *analyserv1.ProbeRequest) (*analyserv1.ProbeResponse, error) {
	return p(ctx, r)
}

// process is a server that runs, and those who may call it.
type process struct {
	*serve.Server
	keyring *auth.Keyring
	trace   *telemetry.Tracing
	health  *serve.Health
	log     *bytes.Buffer
	stop    func() error
}

// start runs a server with routes; twirp makes the service's Twirp server.
func start(t *testing.T, routes func(p *process, twirp *serve.TwirpServer) serve.Routes) *process {
	t.Helper()
	p := &process{keyring: auth.OpenKeyring(t.TempDir()), log: &bytes.Buffer{}}
	require.NoError(t, p.keyring.Ensure(map[string]auth.Kind{"portal-bff": auth.KindUser, "job-api": auth.KindService, "reader": auth.KindService}))
	issuers, err := p.keyring.Issuers()
	require.NoError(t, err)
	p.trace, err = telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	log := telemetry.NewLogger(p.log, 0)
	p.health = serve.NewHealth(log)
	p.Server, err = serve.Listen(t.Context(), anyPort, anyPort, p.trace, log)
	require.NoError(t, err)
	registry := prometheus.NewRegistry()
	require.NoError(t, p.Mount(routes(p, serve.NewTwirpServer(log, registry)), auth.NewVerifier(issuers, "analyser")))
	p.Operate(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), p.health, auth.NewVerifier(issuers))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	var once atomic.Bool
	p.stop = func() error {
		if once.Swap(true) {
			return nil
		}
		cancel()
		return <-done
	}
	t.Cleanup(func() { require.NoError(t, p.stop()) })
	return p
}

// client is a Twirp client in the name of a service.
func (p *process) client(t *testing.T, name string) analyserv1.Analyser {
	t.Helper()
	signer, err := p.keyring.Signer(name)
	require.NoError(t, err)
	client := serve.NewHTTPClient(func(ctx context.Context) (string, error) { return signer.Service(ctx, "analyser") })
	t.Cleanup(client.CloseIdleConnections)
	return analyserv1.NewAnalyserProtobufClient(p.InternalURL(), client, serve.ClientOption())
}

// get returns status and body, as a user with scopes if there are any.
func (p *process) get(t *testing.T, url string, scopes ...auth.Scope) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if len(scopes) > 0 {
		signer, err := p.keyring.Signer("portal-bff")
		require.NoError(t, err)
		token, err := signer.Issue(&auth.Identity{Subject: "ada", Tenant: "acme", Scopes: scopes}, auth.AudienceUsers, time.Minute)
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(body)
}

func noRoutes(*process, *serve.TwirpServer) serve.Routes { return serve.Routes{} }

// analyser routes calls to p, which job-api alone may make.
func analyser(answer prober) func(*process, *serve.TwirpServer) serve.Routes {
	return func(_ *process, twirp *serve.TwirpServer) serve.Routes {
		server := analyserv1.NewAnalyserServer(answer, twirp.ForServices(serve.Callers{"Probe": {"job-api"}}))
		return serve.Routes{Internal: []serve.Route{serve.Twirp(server)}}
	}
}

func TestBusyPortIsNamed(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	taken, err := config.Listen(t.Context(), "tcp", anyPort)
	require.NoError(t, err)
	defer taken.Close()
	busy := taken.Addr().String()
	_, err = serve.Listen(t.Context(), busy, anyPort, nil, telemetry.Discard())
	require.ErrorContains(t, err, busy)
	_, err = serve.Listen(t.Context(), anyPort, busy, nil, telemetry.Discard())
	require.ErrorContains(t, err, busy)
}

// ready returns the status and body of /readyz.
func (p *process) ready(t *testing.T, base string) (int, map[string]string) {
	t.Helper()
	status, body := p.get(t, base+"/readyz")
	report := map[string]string{}
	require.NoError(t, json.Unmarshal([]byte(body), &report), body)
	return status, report
}

func TestHealth(t *testing.T) {
	t.Parallel()
	p := start(t, noRoutes)
	for _, base := range []string{p.PublicURL(), p.InternalURL()} {
		status, body := p.get(t, base+"/healthz")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "ok\n", body)
	}
	status, report := p.ready(t, p.PublicURL())
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, map[string]string{"process": "starting or stopping"}, report)
	p.health.SetReady(true)
	status, _ = p.ready(t, p.PublicURL())
	require.Equal(t, http.StatusOK, status)
}

// What a check fails with is for operators: the public listener names the part, the
// internal one and the log say the rest.
func TestNotReady(t *testing.T) {
	t.Parallel()
	p := start(t, noRoutes)
	p.health.SetReady(true)
	var broken atomic.Bool
	p.health.Need("reader database", func(context.Context) error {
		if broken.Load() {
			return errors.New("dial tcp 10.0.0.7:5432: password of reader refused")
		}
		return nil
	})
	_, report := p.ready(t, p.PublicURL())
	require.Equal(t, map[string]string{"process": "ready", "reader database": "ready"}, report)

	broken.Store(true)
	for range 3 {
		status, report := p.ready(t, p.PublicURL())
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, map[string]string{"process": "ready", "reader database": "not ready"}, report)
		status, report = p.ready(t, p.InternalURL())
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, "not ready: dial tcp 10.0.0.7:5432: password of reader refused", report["reader database"])
	}
	broken.Store(false)
	status, _ := p.ready(t, p.PublicURL())
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, p.stop())
	require.Equal(t, 1, strings.Count(p.log.String(), "password of reader refused"), "it is logged when it breaks: %s", p.log)
	require.Contains(t, p.log.String(), "check passes again")
}

// What can be done without leaves the process ready, and is told; what hangs is not
// taken for the failure of another.
func TestDegraded(t *testing.T) {
	t.Parallel()
	p := start(t, noRoutes)
	p.health.SetReady(true)
	p.health.Need("database", func(ctx context.Context) error { return ctx.Err() })
	p.health.Use("redis", func(ctx context.Context) error {
		<-ctx.Done()
		return errors.New("no answer")
	})
	status, report := p.ready(t, p.PublicURL())
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]string{"process": "ready", "database": "ready", "redis": "degraded"}, report)
	status, report = p.ready(t, p.InternalURL())
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "degraded: no answer", report["redis"])
}

// The numbers of a mesh are for who runs it.
func TestMetrics(t *testing.T) {
	t.Parallel()
	p := start(t, noRoutes)
	for _, c := range []struct {
		base   string
		scopes []auth.Scope
		status int
	}{
		{p.InternalURL(), nil, http.StatusOK},
		{p.PublicURL(), nil, http.StatusUnauthorized},
		{p.PublicURL(), []auth.Scope{auth.Read, auth.Write, auth.Delete}, http.StatusForbidden},
		{p.PublicURL(), []auth.Scope{auth.Admin}, http.StatusOK},
	} {
		status, body := p.get(t, c.base+"/metrics", c.scopes...)
		require.Equal(t, c.status, status, "%v at %s: %s", c.scopes, c.base, body)
	}
}

// A call carries who calls, for which tenant, and the trace that it belongs to.
func TestCall(t *testing.T) {
	t.Parallel()
	seen := make(chan string, 1)
	p := start(t, analyser(func(ctx context.Context, r *analyserv1.ProbeRequest) (*analyserv1.ProbeResponse, error) {
		id := auth.From(ctx)
		seen <- strings.Join([]string{id.Subject, id.Tenant, telemetry.TraceID(ctx), r.GetUrl()}, " ")
		return &analyserv1.ProbeResponse{}, nil
	}))
	ctx, span := p.trace.Start(auth.ForTenant(t.Context(), "acme"), "test")
	defer span.End()
	_, err := p.client(t, "job-api").Probe(ctx, &analyserv1.ProbeRequest{Url: "http://x/clip.wav"})
	require.NoError(t, err)
	require.Equal(t, "job-api acme "+telemetry.TraceID(ctx)+" http://x/clip.wav", <-seen)
	_, metrics := p.get(t, p.InternalURL()+"/metrics")
	require.Contains(t, metrics, `grainmesh_rpc_seconds_count{code="ok",method="Probe"} 1`)
}

// What goes wrong comes back with its code; what is nobody's business stays in the
// log.
func TestCallThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		code fault.Code
		says string
	}{
		"fault":     {fault.New(fault.TruncatedFile, "clip.wav ends at byte 7"), fault.TruncatedFile, "clip.wav ends at byte 7"},
		"internal":  {errors.New("password is hunter2"), fault.Internal, "log of the service"},
		"cancelled": {context.Canceled, fault.Cancelled, "cancelled"},
	} {
		p := start(t, analyser(func(context.Context, *analyserv1.ProbeRequest) (*analyserv1.ProbeResponse, error) { return nil, c.err }))
		_, err := p.client(t, "job-api").Probe(auth.ForTenant(t.Context(), "acme"), &analyserv1.ProbeRequest{})
		require.True(t, fault.Is(err, c.code), "%s: %v", name, err)
		require.ErrorContains(t, err, c.says)
		require.NoError(t, p.stop())
		require.Contains(t, p.log.String(), c.err.Error(), name)
		_, err = p.client(t, "job-api").Probe(t.Context(), &analyserv1.ProbeRequest{})
		require.True(t, fault.Is(err, fault.Unavailable), "after the stop: %v", err)
	}
}

func TestWhoMayCall(t *testing.T) {
	t.Parallel()
	called := atomic.Bool{}
	p := start(t, analyser(func(context.Context, *analyserv1.ProbeRequest) (*analyserv1.ProbeResponse, error) {
		called.Store(true)
		return &analyserv1.ProbeResponse{}, nil
	}))
	_, err := p.client(t, "reader").Probe(auth.ForTenant(t.Context(), "acme"), &analyserv1.ProbeRequest{})
	require.True(t, fault.Is(err, fault.PermissionDenied), "another service: %v", err)
	require.ErrorContains(t, err, "reader may not call Probe")

	path := analyserv1.AnalyserPathPrefix + "Probe"
	status, body := p.get(t, p.InternalURL()+path)
	require.Equal(t, http.StatusUnauthorized, status, body)
	status, body = p.get(t, p.InternalURL()+path, auth.Admin)
	require.Equal(t, http.StatusForbidden, status, body)
	require.Contains(t, body, `"permission_denied"`)
	status, _ = p.get(t, p.PublicURL()+path, auth.Admin)
	require.Equal(t, http.StatusNotFound, status, "internal routes are not on the public listener")

	failing := serve.NewHTTPClient(func(context.Context) (string, error) { return "", errors.New("no key") })
	_, err = analyserv1.NewAnalyserProtobufClient(p.InternalURL(), failing, serve.ClientOption()).Probe(t.Context(), &analyserv1.ProbeRequest{})
	require.ErrorContains(t, err, "no key")
	require.False(t, called.Load())
}

// A route lets in who has its scope, by a token or as the service proves them
// otherwise. One that states none does not mount.
func TestRouteScopes(t *testing.T) {
	t.Parallel()
	here := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	p := start(t, func(*process, *serve.TwirpServer) serve.Routes {
		return serve.Routes{
			Public: []serve.Route{{Prefix: "/read", Scope: auth.Read, Handler: here}, {Prefix: "/open", Scope: serve.Open, Handler: here}},
			Identify: func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.RawQuery == "known" {
						r = r.WithContext(auth.WithIdentity(r.Context(), &auth.Identity{Scopes: []auth.Scope{auth.Read}}))
					}
					next.ServeHTTP(w, r)
				})
			},
		}
	})
	for _, c := range []struct {
		path   string
		scopes []auth.Scope
		status int
	}{
		{"/open", nil, http.StatusOK},
		{"/read", nil, http.StatusUnauthorized},
		{"/read", []auth.Scope{auth.Write}, http.StatusForbidden},
		{"/read", []auth.Scope{auth.Read}, http.StatusOK},
		{"/read?known", nil, http.StatusOK},
	} {
		status, body := p.get(t, p.PublicURL()+c.path, c.scopes...)
		require.Equal(t, c.status, status, "%s %v: %s", c.path, c.scopes, body)
	}
	require.ErrorContains(t, p.Mount(serve.Routes{Public: []serve.Route{{Prefix: "/forgotten", Handler: here}}}, nil), "/forgotten states no scope")
	require.ErrorContains(t, p.Mount(serve.Routes{Internal: []serve.Route{{Prefix: "/forgotten", Handler: here}}}, nil), "/forgotten states no scope")
}

// A method that nobody thought of is nobody's, whatever its callers have.
func TestMethodWithoutScope(t *testing.T) {
	t.Parallel()
	answer := prober(func(context.Context, *analyserv1.ProbeRequest) (*analyserv1.ProbeResponse, error) {
		return &analyserv1.ProbeResponse{}, nil
	})
	p := start(t, func(_ *process, twirp *serve.TwirpServer) serve.Routes {
		users := analyserv1.NewAnalyserServer(answer, twirp.Option(map[string]auth.Scope{"Other": auth.Read}))
		services := analyserv1.NewAnalyserServer(answer, twirp.ForServices(serve.Callers{"Other": {"job-api"}}))
		return serve.Routes{Public: []serve.Route{serve.Twirp(users)}, Internal: []serve.Route{serve.Twirp(services)}}
	})
	signer, err := p.keyring.Signer("portal-bff")
	require.NoError(t, err)
	user := serve.NewHTTPClient(func(context.Context) (string, error) {
		return signer.Issue(&auth.Identity{Subject: "ada", Tenant: "acme", Scopes: auth.UserScopes()}, auth.AudienceUsers, time.Minute)
	})
	t.Cleanup(user.CloseIdleConnections)
	_, err = analyserv1.NewAnalyserProtobufClient(p.PublicURL(), user, serve.ClientOption()).Probe(t.Context(), &analyserv1.ProbeRequest{})
	require.True(t, fault.Is(err, fault.PermissionDenied), "%v", err)
	_, err = p.client(t, "job-api").Probe(t.Context(), &analyserv1.ProbeRequest{})
	require.True(t, fault.Is(err, fault.PermissionDenied), "%v", err)
}

func TestBodyIsBounded(t *testing.T) {
	t.Parallel()
	p := start(t, analyser(func(context.Context, *analyserv1.ProbeRequest) (*analyserv1.ProbeResponse, error) {
		return &analyserv1.ProbeResponse{}, nil
	}))
	_, err := p.client(t, "job-api").Probe(auth.ForTenant(t.Context(), "acme"), &analyserv1.ProbeRequest{Url: strings.Repeat("x", 17<<20)})
	require.Error(t, err)
	require.ErrorContains(t, err, "413")
}

// A handler that panics is answered for, without its words.
func TestPanic(t *testing.T) {
	t.Parallel()
	p := start(t, func(*process, *serve.TwirpServer) serve.Routes {
		return serve.Routes{Public: []serve.Route{{Prefix: "/x", Scope: serve.Open, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("hunter2") })}}}
	})
	status, body := p.get(t, p.PublicURL()+"/x/y")
	require.Equal(t, http.StatusInternalServerError, status)
	require.NotContains(t, body, "hunter2")
	var answer struct {
		Code      string
		Retryable bool
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	require.Equal(t, "internal", answer.Code)
	require.NoError(t, p.stop())
	require.Contains(t, p.log.String(), "hunter2")
}

// A request in hand is answered when the process is told to stop.
func TestStopWaitsForRequests(t *testing.T) {
	t.Parallel()
	begun, finish := make(chan struct{}), make(chan struct{})
	p := start(t, func(*process, *serve.TwirpServer) serve.Routes {
		return serve.Routes{Public: []serve.Route{{Prefix: "/x", Scope: serve.Open, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			<-finish
			if r.Context().Err() == nil {
				_, _ = w.Write([]byte("done"))
			}
		})}}}
	})
	answered := make(chan string, 1)
	go func() {
		response, err := http.Get(p.PublicURL() + "/x") //nolint:noctx // it outlives the server on purpose
		if err != nil {
			answered <- err.Error()
			return
		}
		defer func() { _ = response.Body.Close() }()
		body, _ := io.ReadAll(response.Body)
		answered <- string(body)
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- p.stop() }()
	require.Eventually(t, func() bool {
		var dialer net.Dialer
		conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(p.PublicURL(), "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}, 5*time.Second, time.Millisecond, "the port is closed to new requests")
	close(finish)
	require.Equal(t, "done", <-answered)
	require.NoError(t, <-stopped)
}
