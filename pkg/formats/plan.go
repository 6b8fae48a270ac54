package formats

import (
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// CheckShift says whether all wanted tracks stay within the time that the store can
// hold when they are moved by Shift; if not, it returns a fault TimeOutOfRange.
func (r *PlanRequest) CheckShift() error {
	for _, t := range r.Analysis.Tracks {
		if r.Flows[t.Number] == nil || t.Range.IsEmpty() {
			continue
		}
		// A second of room: the coded grains around a range reach beyond it.
		low, high := mediatime.Min+mediatime.Second, mediatime.Max-mediatime.Second
		late := t.Range.HasEnd() && t.Range.End > high-max(r.Shift, 0) || t.Range.Start > high-max(r.Shift, 0)
		early := t.Range.HasStart() && t.Range.Start < low-min(r.Shift, 0) || t.Range.End < low-min(r.Shift, 0)
		if late || early {
			return fault.Newf(fault.TimeOutOfRange, "track %d covers %s; with an origin of %s it lies beyond +-292 years", t.Number, t.Range, r.Shift)
		}
	}
	return nil
}
