package window

import (
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

const (
	// seam is how far stored segments may lie apart and still count as contiguous.
	seam = mediatime.Millisecond
	// lateStart is how far after its plan a Flow may begin.
	lateStart = 100 * mediatime.Millisecond
)

// ready refuses a range of a Flow that is still being ingested if some of it is not
// there yet: a window would silently be less than the same one later. segments are
// those that the range touches. A range without an end asks for what there is.
func ready(flow *store.Flow, want mediatime.Range, segments []store.IndexedSegment) error {
	if flow.Status != media.StatusIngesting {
		return nil
	}
	planned, known := flow.Tags.Planned()
	if !known {
		// Nobody knows of a gap whether it is for ever; more comes at the end.
		if there := flow.Timerange; there.IsEmpty() || want.HasEnd() && want.End > there.End+seam {
			return notYet(flow, mediatime.NewRange(max(want.Start, there.End), want.End))
		}
		return nil
	}
	if !want.Overlaps(planned) {
		return nil
	}
	at, end := max(want.Start, planned.Start), min(want.End, planned.End)
	tolerance := seam
	if at == planned.Start {
		tolerance = lateStart
	}
	for i := range segments {
		r := segments[i].Range
		if r.Start > at+tolerance {
			return notYet(flow, mediatime.NewRange(at, r.Start))
		}
		at, tolerance = max(at, r.End), seam // all before it is there
	}
	if len(segments) == 0 || want.HasEnd() && at+seam < end {
		return notYet(flow, mediatime.NewRange(at, end))
	}
	return nil
}

func notYet(flow *store.Flow, missing mediatime.Range) error {
	return fault.Newf(fault.WrongState, "flow %s is still being ingested and has nothing at %s yet; ask again later, or for what is there", flow.ID, missing)
}
