package tams

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// backend is the one storage backend (schemas/storage-backend.json).
type backend struct {
	ID             uuid.UUID         `json:"id"`
	Label          string            `json:"label"`
	StoreType      string            `json:"store_type"`
	Provider       string            `json:"provider"`
	Region         string            `json:"region,omitempty"`
	StoreProduct   string            `json:"store_product"`
	DefaultStorage bool              `json:"default_storage"`
	Tags           map[string]string `json:"tags"`
}

// backendLabel is also the label of the URLs of our bucket.
const backendLabel = "grainmesh"

func newBackend(bucket, region string) backend {
	return backend{
		ID: uuid.NewSHA1(uuid.NameSpaceURL, []byte("grainmesh:bucket:"+bucket)), Label: backendLabel,
		StoreType: "http_object_store", Provider: "grainmesh", Region: region, StoreProduct: "s3", DefaultStorage: true,
		Tags: map[string]string{},
	}
}

// serviceInfo is schemas/service.json.
type serviceInfo struct {
	Type                   string           `json:"type"`
	APIVersion             string           `json:"api_version"`
	Name                   string           `json:"name"`
	Description            string           `json:"description"`
	ServiceVersion         string           `json:"service_version,omitempty"`
	MinObjectTimeout       mediatime.Time   `json:"min_object_timeout"`
	MinPresignedURLTimeout mediatime.Time   `json:"min_presigned_url_timeout"`
	EventStreamMechanisms  []eventMechanism `json:"event_stream_mechanisms"`
}

type eventMechanism struct {
	Name string `json:"name"`
	Docs string `json:"docs,omitempty"`
}

func (a *API) serviceRoutes(r chi.Router) {
	r.Get("/", a.handle(a.getService))
	r.Post("/", a.handle(a.postService))
	r.Get("/storage-backends", a.handle(a.listBackends))
	r.Get("/profiles", a.handle(emptyList))
	r.Get("/profiles/{id}", a.handle(noSuch("profile")))
	r.Post("/profiles/{id}", a.handle(notOffered("profiles")))
	for _, method := range []func(string, http.HandlerFunc){r.Get, r.Post} {
		method("/webhooks", a.handle(notOffered("webhooks")))
	}
	for _, method := range []func(string, http.HandlerFunc){r.Get, r.Put, r.Delete} {
		method("/webhooks/{id}", a.handle(notOffered("webhooks")))
	}
}

func (a *API) index(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, []string{"service", "sources", "flows", "objects", "flow-delete-requests"})
}

func (a *API) getService(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, serviceInfo{
		Type: "urn:x-tams:service:grainmesh", APIVersion: APIVersion,
		Name: "Grainmesh", Description: "Time-addressable media store of a Grainmesh", ServiceVersion: a.config.Version,
		MinObjectTimeout: lengthOf(a.config.MinObjectTimeout), MinPresignedURLTimeout: lengthOf(min(a.config.UploadTTL, a.config.DownloadTTL)),
		EventStreamMechanisms: []eventMechanism{},
	})
}

func lengthOf(d time.Duration) mediatime.Time { return mediatime.Time(d.Nanoseconds()) }

// postService would rename the service. Its name is set where it is deployed.
func (a *API) postService(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.PermissionDenied, "name and description of this service are set where it is deployed")
}

func (a *API) listBackends(w http.ResponseWriter, r *http.Request) error {
	backends := []backend{a.backend}
	query := params{Values: r.URL.Query()}
	for _, f := range query.tags() {
		if len(f.Values) > 0 || f.Exists {
			backends = []backend{} // it has no tags
		}
	}
	if query.err != nil {
		return query.err
	}
	paging{limit: usualLimit, count: len(backends)}.write(w, r)
	return writeJSON(w, http.StatusOK, backends)
}

func emptyList(w http.ResponseWriter, r *http.Request) error {
	paging{limit: usualLimit}.write(w, r)
	return writeJSON(w, http.StatusOK, []string{})
}

func (a *API) listDeleteRequests(w http.ResponseWriter, r *http.Request) error {
	return emptyList(w, r)
}

func (a *API) getDeleteRequest(w http.ResponseWriter, r *http.Request) error {
	return noSuch("delete request")(w, r)
}

func noSuch(what string) func(http.ResponseWriter, *http.Request) error {
	return func(_ http.ResponseWriter, r *http.Request) error {
		return fault.Newf(fault.NotFound, "there is no %s %s", what, chi.URLParam(r, "id"))
	}
}

func notOffered(what string) func(http.ResponseWriter, *http.Request) error {
	return func(http.ResponseWriter, *http.Request) error {
		return fault.Newf(fault.NotFound, "%s are not offered by this service", what)
	}
}
