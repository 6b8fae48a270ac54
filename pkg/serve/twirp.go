package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twitchtv/twirp"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

// TwirpServer is what every Twirp server of a process is made with.
type TwirpServer struct {
	log     *slog.Logger
	latency *prometheus.HistogramVec
}

// NewTwirpServer makes one whose calls are counted in registry.
func NewTwirpServer(log *slog.Logger, registry prometheus.Registerer) *TwirpServer {
	latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "grainmesh_rpc_seconds", Help: "Time of Twirp calls served, by method and outcome.",
		Buckets: prometheus.ExponentialBuckets(0.0005, 2.5, 12),
	}, []string{"method", "code"})
	registry.MustRegister(latency)
	return &TwirpServer{log, latency}
}

// Callers names, by method, the services that may call it. A method that is not named
// is nobody's.
type Callers map[string][]string

// ForServices returns what to give to a generated New...Server that only services
// may call, and only those that callers name.
func (s *TwirpServer) ForServices(callers Callers) twirp.ServerOption {
	return s.option(func(ctx context.Context, method string) error {
		id, err := auth.Require(ctx, auth.Service)
		if err != nil {
			return err
		}
		if !slices.Contains(callers[method], id.Subject) {
			return fault.Newf(fault.PermissionDenied, "service %s may not call %s", id.Subject, method)
		}
		return nil
	})
}

// Option returns what to give to a generated New...Server: every call needs the
// scope that scopes name for its method, and one that they do not name is nobody's;
// its errors become faults, its outcome a log line and a metric.
func (s *TwirpServer) Option(scopes map[string]auth.Scope) twirp.ServerOption {
	return s.option(func(ctx context.Context, method string) error {
		scope := scopes[method]
		if scope == "" {
			return fault.Newf(fault.PermissionDenied, "%s states no scope, so nobody may call it", method)
		}
		_, err := auth.Require(ctx, scope)
		return err
	})
}

func (s *TwirpServer) option(allow func(ctx context.Context, method string) error) twirp.ServerOption {
	return twirp.WithServerInterceptors(func(next twirp.Method) twirp.Method {
		return func(ctx context.Context, request any) (any, error) {
			method, _ := twirp.MethodName(ctx)
			started := time.Now()
			response, err := call(ctx, method, allow, request, next)
			s.record(ctx, method, time.Since(started), err)
			if err != nil {
				return nil, fault.ToTwirp(err)
			}
			return response, nil
		}
	})
}

func call(ctx context.Context, method string, allow func(context.Context, string) error, request any, next twirp.Method) (any, error) {
	if err := allow(ctx, method); err != nil {
		return nil, err
	}
	return next(ctx, request)
}

func (s *TwirpServer) record(ctx context.Context, method string, took time.Duration, err error) {
	if err == nil {
		s.latency.WithLabelValues(method, "ok").Observe(took.Seconds())
		return
	}
	e := fault.Of(err)
	s.latency.WithLabelValues(method, string(e.Code)).Observe(took.Seconds())
	level := slog.LevelInfo
	if e.Blame() == fault.Platform && e.Code != fault.StaleEpoch {
		level = slog.LevelError
	}
	s.log.Log(ctx, level, "call failed", "method", method, "code", e.Code, "took", took, "err", errors.Join(err))
}

// proved answers for a Twirp server those who have proved nothing.
func proved(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := auth.Proved(r.Context()); err != nil {
			_ = twirp.WriteError(w, fault.ToTwirp(err))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// maxBody bounds the body of a Twirp request. Reports of a chunk plan are the
// largest; they are sent in batches below this.
const maxBody = 16 << 20

// LimitBody refuses request bodies above the limit with 413, also those that do not
// say their length: they are read here, as the Twirp server would do next.
func LimitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > maxBody {
			WriteError(w, r, fault.Newf(fault.BodyTooLarge, "the request has %d bytes, at most %d are taken", r.ContentLength, maxBody))
			return
		}
		if r.ContentLength < 0 {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
			if err != nil {
				WriteError(w, r, unreadable(err))
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		next.ServeHTTP(w, r)
	})
}

// unreadable is the fault of a body that ended early or does not end.
func unreadable(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fault.Newf(fault.BodyTooLarge, "the request is longer than %d bytes, which is what is taken", maxBody)
	}
	return fault.Newf(fault.Malformed, "read the body of the request: %w", err)
}

// TokenSource gives the token of an outgoing call.
type TokenSource func(ctx context.Context) (string, error)

const (
	callTimeout  = 30 * time.Second
	idlePerHost  = 64
	dialKeepOpen = 90 * time.Second
)

// NewHTTPClient makes the HTTP client of Twirp clients: it adds the token and the
// trace context to each request.
func NewHTTPClient(token TokenSource) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: dialKeepOpen}
	return &http.Client{Transport: withToken{transport, token}, Timeout: callTimeout}
}

type withToken struct {
	next  http.RoundTripper
	token TokenSource
}

func (t withToken) RoundTrip(r *http.Request) (*http.Response, error) {
	token, err := t.token(r.Context())
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close() // a RoundTripper closes it whatever happens
		}
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+token)
	telemetry.InjectHTTP(r)
	return t.next.RoundTrip(r)
}

// ClientOption returns what to give to a generated New...Client: errors of calls
// come back as faults.
func ClientOption() twirp.ClientOption {
	return twirp.WithClientInterceptors(func(next twirp.Method) twirp.Method {
		return func(ctx context.Context, request any) (any, error) {
			response, err := next(ctx, request)
			return response, fault.FromTwirp(err)
		}
	})
}
