package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

// Server is the listeners of one process.
type Server struct {
	public, internal net.Listener
	publicMux        *chi.Mux
	internalMux      *chi.Mux
	trace            *telemetry.Tracing
	log              *slog.Logger
}

const (
	// maxHeaderTime bounds how long a client may take to send its headers.
	maxHeaderTime = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	// drainTime bounds how long requests in hand may take when the process stops.
	drainTime = 10 * time.Second
)

// Listen binds both addresses, such as "127.0.0.1:8080". A busy one is an error
// that names it.
func Listen(ctx context.Context, public, internal string, trace *telemetry.Tracing, log *slog.Logger) (*Server, error) {
	var config net.ListenConfig
	publicListener, err := config.Listen(ctx, "tcp", public)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", public, err)
	}
	internalListener, err := config.Listen(ctx, "tcp", internal)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", internal, err), publicListener.Close())
	}
	return &Server{publicListener, internalListener, chi.NewMux(), chi.NewMux(), trace, log}, nil
}

// PublicURL is where the public listener can be reached.
func (s *Server) PublicURL() string { return "http://" + s.public.Addr().String() }

// InternalURL is where the internal listener can be reached.
func (s *Server) InternalURL() string { return "http://" + s.internal.Addr().String() }

// Operate adds what operators ask of every process: /metrics, /healthz, /readyz on
// both listeners. The internal one is theirs and tells all; on the public one the
// metrics are for who has scope admin, and what is not ready is only named.
func (s *Server) Operate(metrics http.Handler, health *Health, verifier *auth.Verifier) {
	s.publicMux.Handle("/metrics", verifier.Middleware(WriteError)(need(auth.Admin, metrics)))
	s.internalMux.Handle("/metrics", metrics)
	s.publicMux.Handle("/readyz", health.ready(false))
	s.internalMux.Handle("/readyz", health.ready(true))
	for _, mux := range []*chi.Mux{s.publicMux, s.internalMux} {
		mux.Handle("/healthz", http.HandlerFunc(health.live))
	}
}

// unstripped keeps the whole path, which chi's Mount hands on anyway; the wrapper
// only clears chi's own routing state so that a mounted chi mux routes afresh.
func unstripped(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if route := chi.RouteContext(r.Context()); route != nil {
			route.RoutePath = ""
		}
		h.ServeHTTP(w, r)
	})
}

// Close gives the addresses back without having served.
func (s *Server) Close() error { return errors.Join(s.public.Close(), s.internal.Close()) }

// Run serves until ctx ends, then lets requests in hand finish within a bound.
func (s *Server) Run(ctx context.Context) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.serveOne(groupCtx, s.public, s.publicMux) })
	group.Go(func() error { return s.serveOne(groupCtx, s.internal, s.internalMux) })
	return group.Wait()
}

func (s *Server) serveOne(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           usualPace.Bodies(recoverer(s.log, s.trace.Handler(handler))),
		ReadHeaderTimeout: maxHeaderTime, IdleTimeout: idleTimeout,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		bound, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
		defer cancel()
		err := server.Shutdown(bound)
		if errors.Is(err, context.DeadlineExceeded) {
			// Streams of events never end by themselves.
			err = server.Close()
		}
		stopped <- err
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	}
	return <-stopped
}

// recoverer turns a panic of a handler into a 500 and a log line.
func recoverer(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint,err113 // a panic value, compared as net/http does
				log.ErrorContext(r.Context(), "handler panicked", "path", r.URL.Path, "panic", p)
				WriteError(w, r, errPanic)
			} else if p != nil {
				panic(p) //nolint:forbidigo // what net/http stops a handler with goes on to it
			}
		}()
		next.ServeHTTP(w, r)
	})
}

var errPanic = errors.New("handler panicked")
