package tams

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// objectRoutes: an object's id may hold slashes, escaped in the path.
func (a *API) objectRoutes(r chi.Router) {
	r.Get("/{id}", a.handle(a.getObject))
	r.Post("/{id}/instances", a.handle(a.postInstance))
	r.Delete("/{id}/instances", a.handle(a.deleteInstance))
}

// pathText returns a part of the path as the client meant it: where it was escaped,
// the router sees it so.
func pathText(r *http.Request, name string) string {
	raw := chi.URLParam(r, name)
	if r.URL.RawPath == "" {
		return raw
	}
	text, err := url.PathUnescape(raw)
	if err != nil {
		return raw
	}
	return text
}

// objectOut is schemas/object.json.
type objectOut struct {
	ID            string           `json:"id"`
	ReferencedBy  []uuid.UUID      `json:"referenced_by_flows"`
	FirstBy       *uuid.UUID       `json:"first_referenced_by_flow,omitempty"`
	Timerange     *mediatime.Range `json:"timerange,omitempty"`
	GetURLs       []getURL         `json:"get_urls"`
	KeyFrameCount *int32           `json:"key_frame_count,omitempty"`
}

func (a *API) getObject(w http.ResponseWriter, r *http.Request) error {
	p := &params{Values: r.URL.Query()}
	limit, urls, after := p.limit(), p.urls(), p.referenceKey()
	if p.err != nil {
		return p.err
	}
	id, tenant := pathText(r, "id"), tenantOf(r.Context())
	objects, err := a.store.Objects(r.Context(), tenant, []string{id})
	if err != nil {
		return err
	}
	object := objects[id]
	if object == nil || !object.Registered() {
		return fault.Newf(fault.NotFound, "there is no object %q", id)
	}
	flows, err := a.store.References(r.Context(), tenant, id, after, limit+1)
	if err != nil {
		return err
	}
	page := paging{limit: limit}
	if len(flows) > limit {
		flows = flows[:limit]
		page.next = cursorKey(store.Cursor{flows[limit-1].String()})
	}
	page.count = len(flows)
	out := objectOut{ID: id, ReferencedBy: flows, FirstBy: &object.FlowID, Timerange: &object.Range, GetURLs: []getURL{}}
	if out.ReferencedBy == nil {
		out.ReferencedBy = []uuid.UUID{}
	}
	if object.KeyFrames > 0 {
		out.KeyFrameCount = &object.KeyFrames
	}
	if !urls.none() {
		if out.GetURLs, err = a.urlsOf(object.Key, object.Instances, urls); err != nil {
			return err
		}
	}
	page.write(w, r)
	return writeJSON(w, http.StatusOK, out)
}

func (p *params) referenceKey() uuid.UUID {
	cursor := p.cursor()
	if cursor == nil {
		return uuid.Nil
	}
	id, err := uuid.Parse(cursor[0])
	if err != nil {
		p.fail("page", "a key that was given out")
	}
	return id
}

func (a *API) postInstance(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		StorageID string `json:"storage_id"`
		URL       string `json:"url"`
		Label     string `json:"label"`
	}
	if err := readJSON(r, &in); err != nil {
		return err
	}
	if in.StorageID != "" {
		return fault.Newf(fault.InvalidArgument, "storage_id is %q; there is one storage, where the object is already", in.StorageID)
	}
	i := store.Instance{Label: in.Label, URL: in.URL}
	if err := checkInstance(i); err != nil {
		return err
	}
	if err := a.store.AddInstance(r.Context(), tenantOf(r.Context()), pathText(r, "id"), i); err != nil {
		return err
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

// checkInstance refuses what cannot be told from our own URLs, or is none.
func checkInstance(i store.Instance) error {
	u, err := url.Parse(i.URL)
	if err != nil || u.Scheme == "" || u.Host == "" || strings.EqualFold(u.Scheme, "javascript") {
		return fault.Newf(fault.InvalidArgument, "url is %q, want a whole URL", i.URL)
	}
	if i.Label == "" || i.Label == backendLabel {
		return fault.Newf(fault.InvalidArgument, "label is %q, want one of your own", i.Label)
	}
	return checkKey("label", i.Label, maxInstance)
}

func (a *API) deleteInstance(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	label := query.Get("label")
	switch {
	case query.Get("storage_id") != "":
		return fault.New(fault.InvalidArgument, "the instance in this service's storage goes when nothing refers to the object any more")
	case label == "":
		return fault.New(fault.InvalidArgument, "storage_id and label are both empty, want one of them")
	}
	if err := a.store.RemoveInstance(r.Context(), tenantOf(r.Context()), pathText(r, "id"), label); err != nil {
		return err
	}
	return noContent(w)
}
