package tams

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// flowSorts are the orders of GET /flows.
var flowSorts = map[string]store.Sort{"created": store.ByCreated, "metadata_updated": store.ByUpdated, "label": store.ByLabel}

func (a *API) listFlows(w http.ResponseWriter, r *http.Request) error {
	p := &params{Values: r.URL.Query()}
	query := store.FlowQuery{
		Page: p.page(flowSorts), SourceID: p.id("source_id"), Format: media.Format(p.Get("format")), Codec: p.Get("codec"),
		Label: p.text("label"), Status: media.Status(p.Get("status")), Width: p.number("frame_width"), Height: p.number("frame_height"),
		Tags: p.tags(), CollectedBy: p.ids("collected_by_ids"), Timerange: p.timerange(),
	}
	// Nothing here was made by a profile or has init segments.
	none := p.Has("profile_id") || p.isSet("init_segments")
	if p.err != nil {
		return p.err
	}
	var page store.FlowPage
	if !none {
		var err error
		if page, err = a.store.ListFlows(r.Context(), tenantOf(r.Context()), query); err != nil {
			return err
		}
	}
	out := make([]map[string]any, len(page.Flows))
	for i, f := range page.Flows {
		var err error
		if out[i], err = flowJSON(f, nil, p.isSet("include_timerange")); err != nil {
			return err
		}
	}
	paging{query.Limit, len(out), cursorKey(page.Next), query.Reverse}.write(w, r)
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) getFlow(w http.ResponseWriter, r *http.Request) error {
	p := &params{Values: r.URL.Query()}
	within, withRange := p.timerange(), p.isSet("include_timerange")
	if p.err != nil {
		return p.err
	}
	flow, err := a.flow(r)
	if err != nil {
		return err
	}
	body, err := flowJSON(flow, within, withRange)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, body)
}

// flow reads the Flow that the path names. A deleted one is 404 here.
func (a *API) flow(r *http.Request) (*store.Flow, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	flow, err := a.store.Flow(r.Context(), tenantOf(r.Context()), id)
	if fault.Is(err, fault.Gone) {
		return nil, fault.New(fault.NotFound, err.Error())
	}
	return flow, err
}

func (a *API) putFlow(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	body, err := readBody(r)
	if err != nil {
		return err
	}
	in, document, err := parseFlow(body)
	if err != nil {
		return err
	}
	if err := idOf("id", in.ID, id); err != nil {
		return err
	}
	source, err := parseID(in.SourceID)
	if err != nil {
		return err
	}
	change := func(f *store.Flow) error {
		if f.SourceID != source || f.Format != in.Format {
			return fault.Newf(fault.InvalidArgument, "flow %s is of source %s and format %s, which cannot change", id, f.SourceID, f.Format)
		}
		return in.apply(f, document)
	}
	err = a.edit(r, id, change)
	if fault.Is(err, fault.NotFound) {
		return a.createFlow(w, r, &store.Flow{Flow: media.Flow{ID: id, SourceID: source, Format: in.Format}}, change)
	}
	if err != nil {
		return err
	}
	return noContent(w)
}

func (a *API) createFlow(w http.ResponseWriter, r *http.Request, flow *store.Flow, change func(*store.Flow) error) error {
	if err := change(flow); err != nil {
		return err
	}
	created, err := a.store.CreateFlow(r.Context(), tenantOf(r.Context()), callerOf(r.Context()), flow)
	if err != nil {
		return err
	}
	body, err := flowJSON(created, nil, false)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusCreated, body)
}

func (a *API) deleteFlow(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := a.store.DeleteFlow(r.Context(), tenantOf(r.Context()), id); err != nil {
		return err
	}
	return noContent(w)
}

func bodyFault(err error) error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fault.Newf(fault.BodyTooLarge, "the body has more than %d bytes", tooLarge.Limit)
	}
	return fault.Newf(fault.Malformed, "read the body: %w", err)
}

// editFlow changes the Flow that the path names, and answers 204.
func (a *API) editFlow(w http.ResponseWriter, r *http.Request, change func(*store.Flow) error) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := a.edit(r, id, change); err != nil {
		return err
	}
	return noContent(w)
}

func (a *API) edit(r *http.Request, id uuid.UUID, change func(*store.Flow) error) error {
	return a.store.EditFlow(r.Context(), tenantOf(r.Context()), id, callerOf(r.Context()), change)
}
