package tams

import (
	"encoding/json"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

func (a *API) sourceRoutes(r chi.Router) {
	r.Get("/", a.handle(a.listSources))
	r.Route("/{id}", func(r chi.Router) {
		r.Get("/", a.handle(a.getSource))
		a.sourceTextRoutes(r, "label", func(s *media.Source) *string { return &s.Label })
		a.sourceTextRoutes(r, "description", func(s *media.Source) *string { return &s.Description })
		r.Get("/tags", a.handle(a.getSourceTags))
		r.Get("/tags/{name}", a.handle(a.getSourceTag))
		r.Put("/tags/{name}", a.handle(a.putSourceTag))
		r.Delete("/tags/{name}", a.handle(a.deleteSourceTag))
	})
}

// sourceSorts are the orders of GET /sources.
var sourceSorts = map[string]store.Sort{"created": store.ByCreated, "updated": store.ByUpdated, "label": store.ByLabel}

func (a *API) listSources(w http.ResponseWriter, r *http.Request) error {
	p := &params{Values: r.URL.Query()}
	query := store.SourceQuery{
		Page: p.page(sourceSorts), Format: media.Format(p.Get("format")), Label: p.text("label"),
		Tags: p.tags(), CollectedBy: p.ids("collected_by_ids"),
	}
	if p.err != nil {
		return p.err
	}
	page, err := a.store.ListSources(r.Context(), tenantOf(r.Context()), query)
	if err != nil {
		return err
	}
	out := make([]map[string]any, len(page.Sources))
	for i, s := range page.Sources {
		out[i] = sourceJSON(s)
	}
	paging{query.Limit, len(out), cursorKey(page.Next), query.Reverse}.write(w, r)
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) source(r *http.Request) (*store.Source, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	return a.store.Source(r.Context(), tenantOf(r.Context()), id)
}

func (a *API) getSource(w http.ResponseWriter, r *http.Request) error {
	source, err := a.source(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, sourceJSON(source))
}

// editSource changes the Source that the path names, and answers 204.
func (a *API) editSource(w http.ResponseWriter, r *http.Request, change func(*media.Source) error) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := a.store.EditSource(r.Context(), tenantOf(r.Context()), id, callerOf(r.Context()), change); err != nil {
		return err
	}
	return noContent(w)
}

func (a *API) sourceTextRoutes(r chi.Router, name string, field func(*media.Source) *string) {
	r.Get("/"+name, a.handle(func(w http.ResponseWriter, r *http.Request) error {
		source, err := a.source(r)
		if err != nil {
			return err
		}
		if *field(&source.Source) == "" {
			return fault.Newf(fault.NotFound, "source %s has no %s", source.ID, name)
		}
		return writeJSON(w, http.StatusOK, *field(&source.Source))
	}))
	r.Put("/"+name, a.handle(func(w http.ResponseWriter, r *http.Request) error {
		var body json.RawMessage
		if err := readJSON(r, &body); err != nil {
			return err
		}
		return a.editSource(w, r, func(s *media.Source) error { return decodeText(body, field(s)) })
	}))
	r.Delete("/"+name, a.handle(func(w http.ResponseWriter, r *http.Request) error {
		return a.editSource(w, r, func(s *media.Source) error {
			*field(s) = ""
			return nil
		})
	}))
}

func (a *API) getSourceTags(w http.ResponseWriter, r *http.Request) error {
	source, err := a.source(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, tags(source.Tags))
}

func (a *API) getSourceTag(w http.ResponseWriter, r *http.Request) error {
	source, err := a.source(r)
	if err != nil {
		return err
	}
	return writeTag(w, r, source.Tags)
}

func (a *API) putSourceTag(w http.ResponseWriter, r *http.Request) error {
	values, err := readTag(r)
	if err != nil {
		return err
	}
	return a.editSource(w, r, func(s *media.Source) error {
		s.Tags = withTag(s.Tags, tagName(r), values)
		return nil
	})
}

func (a *API) deleteSourceTag(w http.ResponseWriter, r *http.Request) error {
	return a.editSource(w, r, func(s *media.Source) error { return removeTag(s.Tags, tagName(r)) })
}
