package tams

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/objstore"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// Prefix is where the API stands.
const Prefix = "/tams/v8.2"

// APIVersion is the version of the specification.
const APIVersion = "8.2"

// Config says what the API tells of itself.
type Config struct {
	UploadTTL        time.Duration
	DownloadTTL      time.Duration
	MinObjectTimeout time.Duration
	Region           string
	Version          string // of Grainmesh
}

// API serves TAMS.
type API struct {
	store   *store.Store
	bucket  *objstore.Bucket
	config  Config
	backend backend
	log     *slog.Logger
}

// New makes the API.
func New(s *store.Store, bucket *objstore.Bucket, config Config, log *slog.Logger) *API {
	return &API{s, bucket, config, newBackend(bucket.Name(), config.Region), log}
}

// maxBody bounds request bodies: a thousand segments with URLs take less.
const maxBody = 8 << 20

// Handler returns the whole API. Routes below a Flow that are not of TAMS are added
// by extend, which is called within the group that needs scope read.
func (a *API) Handler(extend func(flow chi.Router)) http.Handler {
	root := chi.NewRouter()
	root.NotFound(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, r, fault.Newf(fault.NotFound, "there is nothing at %s", r.URL.Path))
	})
	root.Route(Prefix, func(r chi.Router) {
		r.Use(limitBody, needScope, checkTexts, middleware.GetHead)
		r.Get("/", a.handle(a.index))
		r.Route("/service", a.serviceRoutes)
		r.Route("/sources", a.sourceRoutes)
		r.Route("/flows", func(r chi.Router) { a.flowRoutes(r, extend) })
		r.Route("/objects", a.objectRoutes)
		r.Get("/flow-delete-requests", a.handle(a.listDeleteRequests))
		r.Get("/flow-delete-requests/{id}", a.handle(a.getDeleteRequest))
	})
	return root
}

func (a *API) flowRoutes(r chi.Router, extend func(chi.Router)) {
	r.Get("/", a.handle(a.listFlows))
	r.Route("/{id}", func(r chi.Router) {
		r.Get("/", a.handle(a.getFlow))
		r.Put("/", a.handle(a.putFlow))
		r.Delete("/", a.handle(a.deleteFlow))
		a.flowFieldRoutes(r)
		r.Get("/segments", a.handle(a.listSegments))
		r.Post("/segments", a.handle(a.postSegments))
		r.Delete("/segments", a.handle(a.deleteSegments))
		r.Post("/storage", a.handle(a.postStorage))
		extend(r)
	})
}

// handle turns a handler that may fail into a plain one.
func (a *API) handle(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := f(w, r)
		if err == nil {
			return
		}
		if e := fault.Of(err); e.Blame() == fault.Platform {
			a.log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "code", e.Code, "err", err)
		}
		writeError(w, r, err)
	}
}

func limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// needScope lets those through who may do what the method means. Deleting a label
// or tag is a change, deleting anything else needs scope delete.
func needScope(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scope := auth.Write
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodOptions:
			scope = auth.Read
		case http.MethodDelete:
			if !deletesField(r.URL.EscapedPath()) {
				scope = auth.Delete
			}
		}
		id, err := auth.Require(r.Context(), scope)
		if err == nil {
			err = store.Tenant(id.Tenant).Check()
		}
		if err != nil {
			writeError(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func tenantOf(ctx context.Context) store.Tenant { return store.Tenant(auth.From(ctx).Tenant) }

func callerOf(ctx context.Context) string { return auth.From(ctx).Subject }

// pathID reads the id in the path. One that TAMS' pattern refuses cannot exist.
func pathID(r *http.Request) (uuid.UUID, error) {
	text := chi.URLParam(r, "id")
	id, err := parseID(text)
	if err != nil {
		return uuid.Nil, fault.Newf(fault.NotFound, "%q is not an id: %w", text, err)
	}
	return id, nil
}
