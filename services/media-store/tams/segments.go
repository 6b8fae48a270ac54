package tams

import (
	"net/http"

	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// segmentOut is schemas/flow-segment.json.
type segmentOut struct {
	ObjectID        string           `json:"object_id"`
	Timerange       mediatime.Range  `json:"timerange"`
	Offset          *mediatime.Time  `json:"ts_offset,omitempty"`
	ObjectTimerange *mediatime.Range `json:"object_timerange,omitempty"`
	LastDuration    *mediatime.Time  `json:"last_duration,omitempty"`
	SampleOffset    *int64           `json:"sample_offset,omitempty"`
	SampleCount     *int64           `json:"sample_count,omitempty"`
	KeyFrameCount   *int32           `json:"key_frame_count,omitempty"`
	GetURLs         []getURL         `json:"get_urls"`
}

func (a *API) listSegments(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	p := &params{Values: r.URL.Query()}
	query := store.SegmentQuery{
		Flow: id, Range: mediatime.Eternity, ObjectID: p.Get("object_id"), Reverse: p.isSet("reverse_order"), After: p.segmentKey(),
	}
	if within := p.timerange(); within != nil {
		query.Range = *within
	}
	limit, urls, withObject := p.limit(), p.urls(), p.isSet("include_object_timerange")
	if p.err != nil {
		return p.err
	}
	query.Limit = limit + 1
	// A Flow that is not there has no segments, which is no error in TAMS.
	segments, err := a.store.Segments(r.Context(), tenantOf(r.Context()), query)
	if err != nil {
		return err
	}
	page := paging{limit: limit, reverse: query.Reverse}
	if len(segments) > limit {
		segments = segments[:limit]
		page.next = cursorKey(store.Cursor{segments[limit-1].Range.Start.String()})
	}
	out, err := a.segmentsOut(segments, urls, withObject)
	if err != nil {
		return err
	}
	page.count = len(out)
	page.write(w, r)
	w.Header().Set("X-Paging-Timerange", extent(segments).String())
	return writeJSON(w, http.StatusOK, out)
}

// segmentKey reads the key of a page of segments: where the last one started.
func (p *params) segmentKey() *mediatime.Time {
	cursor := p.cursor()
	if cursor == nil {
		return nil
	}
	t, err := mediatime.Parse(cursor[0])
	if err != nil {
		p.fail("page", "a key that was given out")
	}
	return &t
}

func extent(segments []store.IndexedSegment) mediatime.Range {
	var all mediatime.Range
	for i := range segments {
		all = all.Union(segments[i].Range)
	}
	return all
}

func (a *API) segmentsOut(segments []store.IndexedSegment, urls urlQuery, withObject bool) ([]segmentOut, error) {
	out := make([]segmentOut, len(segments))
	for i := range segments {
		s := &segments[i]
		out[i] = segmentOut{
			ObjectID: s.ObjectID, Timerange: s.Range, LastDuration: s.LastDuration,
			SampleOffset: s.SampleOffset, SampleCount: s.SampleCount, KeyFrameCount: s.KeyFrames, GetURLs: []getURL{},
		}
		if s.Offset != 0 {
			out[i].Offset = &s.Offset
		}
		if s.KeyFrames == nil && s.Object.KeyFrames > 0 {
			out[i].KeyFrameCount = &s.Object.KeyFrames
		}
		if withObject {
			out[i].ObjectTimerange = &s.Object.Range
		}
		if urls.none() {
			continue
		}
		var err error
		if out[i].GetURLs, err = a.urlsOf(s.Key, s.Instances, urls); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (a *API) deleteSegments(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	p := &params{Values: r.URL.Query()}
	within := mediatime.Eternity
	if given := p.timerange(); given != nil {
		within = *given
	}
	if p.err != nil {
		return p.err
	}
	if err := a.store.DeleteSegments(r.Context(), tenantOf(r.Context()), id, within, p.Get("object_id")); err != nil {
		return err
	}
	return noContent(w)
}
