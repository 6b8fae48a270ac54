package tams

import (
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// flowField is one field of a Flow with a path of its own.
type flowField struct {
	name string
	get  func(*store.Flow) any
	// set reads the body; clear takes the value away, nil where that cannot be.
	set   func(*store.Flow, []byte) error
	clear func(*store.Flow)
}

func flowFields() []flowField {
	text := func(name string, field func(*store.Flow) *string) flowField {
		return flowField{
			name: name, get: func(f *store.Flow) any { return *field(f) },
			set:   func(f *store.Flow, body []byte) error { return decodeText(body, field(f)) },
			clear: func(f *store.Flow) { *field(f) = "" },
		}
	}
	number := func(name string, field func(*store.Flow) *int64) flowField {
		return flowField{
			name: name, get: func(f *store.Flow) any { return *field(f) },
			set:   func(f *store.Flow, body []byte) error { return decodeRate(body, field(f)) },
			clear: func(f *store.Flow) { *field(f) = 0 },
		}
	}
	return []flowField{
		text("label", func(f *store.Flow) *string { return &f.Label }),
		text("description", func(f *store.Flow) *string { return &f.Description }),
		number("max_bit_rate", func(f *store.Flow) *int64 { return &f.MaxBitRate }),
		number("avg_bit_rate", func(f *store.Flow) *int64 { return &f.AvgBitRate }),
		{
			name: "flow_collection", get: func(f *store.Flow) any { return collectionOf(f) },
			set: func(f *store.Flow, body []byte) error {
				var items []collectionItem
				if err := json.Unmarshal(body, &items); err != nil {
					return fault.Newf(fault.Malformed, "the body is not a collection: %w", err)
				}
				return setCollection(f, items)
			},
			clear: func(f *store.Flow) { f.Collection, f.Mappings = nil, nil },
		},
	}
}

func decodeText(body []byte, into *string) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fault.Newf(fault.Malformed, "the body is not a text in JSON: %w", err)
	}
	return nil
}

func decodeRate(body []byte, into *int64) error {
	if err := json.Unmarshal(body, into); err != nil || *into < 0 {
		return fault.New(fault.Malformed, "the body is not a number of 1000 bit/s")
	}
	return nil
}

// deletesField says that a path, as the client escaped it, names a field or tag, whose
// deletion is a change.
func deletesField(escaped string) bool {
	dir, last := path.Split(strings.TrimSuffix(escaped, "/"))
	return path.Base(dir) == "tags" ||
		slices.Contains([]string{"label", "description", "max_bit_rate", "avg_bit_rate", "flow_collection"}, last)
}

func (a *API) flowFieldRoutes(r chi.Router) {
	for _, field := range flowFields() {
		r.Get("/"+field.name, a.handle(func(w http.ResponseWriter, r *http.Request) error { return a.getFlowField(w, r, field) }))
		r.Put("/"+field.name, a.handle(func(w http.ResponseWriter, r *http.Request) error { return a.putFlowField(w, r, field) }))
		r.Delete("/"+field.name, a.handle(func(w http.ResponseWriter, r *http.Request) error {
			return a.editFlow(w, r, func(f *store.Flow) error {
				field.clear(f)
				return nil
			})
		}))
	}
	r.Get("/read_only", a.handle(a.getReadOnly))
	r.Put("/read_only", a.handle(a.putReadOnly))
	r.Get("/tags", a.handle(a.getFlowTags))
	r.Get("/tags/{name}", a.handle(a.getFlowTag))
	r.Put("/tags/{name}", a.handle(a.putFlowTag))
	r.Delete("/tags/{name}", a.handle(a.deleteFlowTag))
}

func (a *API) getFlowField(w http.ResponseWriter, r *http.Request, field flowField) error {
	flow, err := a.flow(r)
	if err != nil {
		return err
	}
	value := field.get(flow)
	switch v := value.(type) {
	case string:
		if v == "" {
			return fault.Newf(fault.NotFound, "flow %s has no %s", flow.ID, field.name)
		}
	case int64:
		if v == 0 {
			return fault.Newf(fault.NotFound, "flow %s has no %s", flow.ID, field.name)
		}
	}
	return writeJSON(w, http.StatusOK, value)
}

func (a *API) putFlowField(w http.ResponseWriter, r *http.Request, field flowField) error {
	var body json.RawMessage
	if err := readJSON(r, &body); err != nil {
		return err
	}
	return a.editFlow(w, r, func(f *store.Flow) error { return field.set(f, body) })
}

func (a *API) getReadOnly(w http.ResponseWriter, r *http.Request) error {
	flow, err := a.flow(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, flow.ReadOnly)
}

func (a *API) putReadOnly(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	var on bool
	if err := readJSON(r, &on); err != nil {
		return err
	}
	if err := a.store.SetReadOnly(r.Context(), tenantOf(r.Context()), id, callerOf(r.Context()), on); err != nil {
		return err
	}
	return noContent(w)
}

func (a *API) getFlowTags(w http.ResponseWriter, r *http.Request) error {
	flow, err := a.flow(r)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, tags(flow.Tags))
}

func (a *API) getFlowTag(w http.ResponseWriter, r *http.Request) error {
	flow, err := a.flow(r)
	if err != nil {
		return err
	}
	return writeTag(w, r, flow.Tags)
}

func (a *API) putFlowTag(w http.ResponseWriter, r *http.Request) error {
	values, err := readTag(r)
	if err != nil {
		return err
	}
	return a.editFlow(w, r, func(f *store.Flow) error {
		f.Tags = withTag(f.Tags, tagName(r), values)
		return nil
	})
}

func (a *API) deleteFlowTag(w http.ResponseWriter, r *http.Request) error {
	return a.editFlow(w, r, func(f *store.Flow) error { return removeTag(f.Tags, tagName(r)) })
}

func tagName(r *http.Request) string { return pathText(r, "name") }

func readTag(r *http.Request) ([]string, error) {
	var body json.RawMessage
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	return parseTagValue(body)
}

func withTag(t media.Tags, name string, values []string) media.Tags {
	if t == nil {
		t = media.Tags{}
	}
	t[name] = values
	return t
}

func removeTag(t media.Tags, name string) error {
	if _, ok := t[name]; !ok {
		return fault.Newf(fault.NotFound, "there is no tag %q", name)
	}
	delete(t, name)
	return nil
}

func writeTag(w http.ResponseWriter, r *http.Request, t media.Tags) error {
	values, ok := t[tagName(r)]
	if !ok {
		return fault.Newf(fault.NotFound, "there is no tag %q", tagName(r))
	}
	return writeJSON(w, http.StatusOK, tagValue(values))
}
