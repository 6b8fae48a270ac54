package tams

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// segmentIn is a segment that a client posts (schemas/flow-segment-post.json).
type segmentIn struct {
	ObjectID        string  `json:"object_id"`
	Timerange       string  `json:"timerange"`
	Offset          string  `json:"ts_offset"`
	ObjectTimerange string  `json:"object_timerange"`
	LastDuration    string  `json:"last_duration"`
	KeyFrameCount   *int32  `json:"key_frame_count"`
	SampleOffset    *int64  `json:"sample_offset"`
	SampleCount     *int64  `json:"sample_count"`
	InitObjectID    *string `json:"init_object_id"`
	GetURLs         []struct {
		URL   string `json:"url"`
		Label string `json:"label"`
	} `json:"get_urls"`
}

// failedSegment is one of failed_segments.
type failedSegment struct {
	ObjectID  string    `json:"object_id"`
	Timerange string    `json:"timerange"`
	Error     errorBody `json:"error"`
}

// maxSegments bounds the segments of one request.
const maxSegments = 5000

func (a *API) postSegments(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	list, single, err := readSegments(r)
	if err != nil {
		return err
	}
	if err := a.canTakeSegments(r, id); err != nil {
		return err
	}
	if single {
		if err := a.postSegment(r.Context(), id, list[0]); err != nil {
			return err
		}
		w.WriteHeader(http.StatusCreated)
		return nil
	}
	failed, err := a.postAll(r, id, list)
	if err != nil && len(failed) == len(list) {
		return err
	}
	if err != nil {
		a.log.ErrorContext(r.Context(), "a part of the segments is not stored", "flow_id", id, "failed", len(failed), "of", len(list), "err", err)
	}
	if len(failed) > 0 {
		return writeJSON(w, http.StatusOK, map[string]any{"failed_segments": failed})
	}
	w.WriteHeader(http.StatusCreated)
	return nil
}

// postAll stores segments one by one, and says which failed. What is wrong with one does
// not keep the next from being tried. A failure of ours does, and it is returned: those
// that are left fail with it, so that a client knows what is stored and may send the
// rest again.
func (a *API) postAll(r *http.Request, flow uuid.UUID, list []segmentIn) (failed []failedSegment, platform error) {
	failed = []failedSegment{}
	for _, in := range list {
		err := platform
		if err == nil {
			err = a.postSegment(r.Context(), flow, in)
		}
		if err == nil {
			continue
		}
		if fault.Of(err).Blame() == fault.Platform {
			platform = err
		}
		body, _ := newErrorBody(r, err)
		failed = append(failed, failedSegment{in.ObjectID, in.Timerange, body})
	}
	return failed, platform
}

// readSegments reads one segment or a list of them.
func readSegments(r *http.Request) (list []segmentIn, single bool, err error) {
	var body json.RawMessage
	if err := readJSON(r, &body); err != nil {
		return nil, false, err
	}
	if body[0] == '[' {
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, false, fault.Newf(fault.Malformed, "the body is not a list of segments: %w", err)
		}
		if len(list) == 0 || len(list) > maxSegments {
			return nil, false, fault.Newf(fault.InvalidArgument, "the list has %d segments, want 1 to %d", len(list), maxSegments)
		}
		return list, false, nil
	}
	list = make([]segmentIn, 1)
	if err := json.Unmarshal(body, &list[0]); err != nil {
		return nil, false, fault.Newf(fault.Malformed, "the body is not a segment: %w", err)
	}
	return list, true, nil
}

// canTakeSegments refuses a Flow that takes none, before anything is tried.
func (a *API) canTakeSegments(r *http.Request, id uuid.UUID) error {
	flow, err := a.flow(r)
	switch {
	case err != nil:
		return err
	case flow.Container == "":
		return fault.Newf(fault.InvalidArgument, "flow %s has no container, which its segments need", id)
	case flow.ReadOnly:
		return fault.Newf(fault.ReadOnly, "flow %s is read-only", id)
	}
	return nil
}

func (a *API) postSegment(ctx context.Context, flow uuid.UUID, in segmentIn) error {
	p, err := in.decode(flow)
	if err != nil {
		return err
	}
	tenant := tenantOf(ctx)
	known, err := a.store.Objects(ctx, tenant, []string{in.ObjectID})
	if err != nil {
		return err
	}
	object := known[in.ObjectID]
	if object == nil && len(p.Instances) == 0 {
		return fault.Newf(fault.InvalidArgument, "there is no object %q: ask for storage first, or say where it is in get_urls", in.ObjectID)
	}
	if object != nil && !object.Registered() && object.Key != "" {
		if err := a.pin(ctx, object, &p); err != nil {
			return err
		}
	}
	return a.store.PostSegment(ctx, tenant, p)
}

// pin takes size and ETag of an object as they are now: what comes over it later is
// not what was registered.
func (a *API) pin(ctx context.Context, object *store.Object, p *store.PostedSegment) error {
	stat, err := a.bucket.Stat(ctx, object.Key)
	if fault.Is(err, fault.NotFound) {
		return fault.Newf(fault.InvalidArgument, "object %s has not been uploaded", object.ID)
	}
	if err != nil {
		return err
	}
	p.Object.Size, p.Object.ETag = stat.Size, stat.ETag
	return nil
}

func (in *segmentIn) decode(flow uuid.UUID) (store.PostedSegment, error) {
	p := store.PostedSegment{NewSegment: store.NewSegment{Segment: store.Segment{
		FlowID: flow, ObjectID: in.ObjectID, KeyFrames: in.KeyFrameCount, SampleOffset: in.SampleOffset, SampleCount: in.SampleCount,
	}}}
	if in.ObjectID == "" {
		return p, fault.New(fault.InvalidArgument, "object_id is empty")
	}
	if err := checkKey("object_id", in.ObjectID, maxObjectID); err != nil {
		return p, err
	}
	if in.InitObjectID != nil && *in.InitObjectID != "" {
		return p, fault.New(fault.InvalidArgument, "init_object_id is given; init segments are not offered by this service")
	}
	var err error
	if p.Range, err = parseRange(in.Timerange); err != nil {
		return p, err
	}
	if in.Offset != "" {
		if p.Offset, err = parseTime(in.Offset); err != nil {
			return p, err
		}
	}
	if in.LastDuration != "" {
		var d mediatime.Time
		if d, err = parseTime(in.LastDuration); err != nil {
			return p, err
		}
		p.LastDuration = &d
	}
	if in.ObjectTimerange != "" {
		p.RangeGiven = true
		if p.Object.Range, err = parseRange(in.ObjectTimerange); err != nil {
			return p, err
		}
	}
	if in.KeyFrameCount != nil {
		p.Object.KeyFrames = *in.KeyFrameCount
	}
	err = in.decodeURLs(&p)
	return p, err
}

func (in *segmentIn) decodeURLs(p *store.PostedSegment) error {
	for _, u := range in.GetURLs {
		i := store.Instance{Label: u.Label, URL: u.URL}
		if err := checkInstance(i); err != nil {
			return err
		}
		p.Instances = append(p.Instances, i)
	}
	return nil
}
