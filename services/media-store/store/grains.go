package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// PlacedGrain is a grain on its Flow's time line.
type PlacedGrain struct {
	media.Entry
	// Time is its presentation time on the Flow's time line.
	Time mediatime.Time
	// Position is its place in decode order within its object.
	Position int
	// Before is where the grain before it ends in the object; 0 for the first.
	Before  int64
	Segment *IndexedSegment
}

// PlacedGrains unpacks a segment's index and keeps the grains that the segment
// presents, in order of presentation time (media rule 5: by their starts).
func (s *IndexedSegment) PlacedGrains() ([]PlacedGrain, error) {
	index, err := media.UnpackIndex(s.Object.Index)
	if err != nil {
		return nil, fmt.Errorf("index of object %s: %w", s.ObjectID, err)
	}
	grains := make([]PlacedGrain, 0, len(index))
	var before int64
	for i, e := range index {
		t := e.PTS + s.Offset
		if s.Range.Contains(t) || (t < s.Range.Start && e.End()+s.Offset > s.Range.Start) {
			grains = append(grains, PlacedGrain{Entry: e, Time: t, Position: i, Before: before, Segment: s})
		}
		before = e.Offset + e.Size
	}
	slices.SortStableFunc(grains, func(a, b PlacedGrain) int { return cmp.Compare(a.Time, b.Time) })
	return grains, nil
}

// segmentsAtOnce is how many segments' indexes are read in one query.
const segmentsAtOnce = 16

// Grains returns up to limit grains that start within a range, in order of time.
func (s *Store) Grains(ctx context.Context, tenant Tenant, flow uuid.UUID, within mediatime.Range, limit int) ([]PlacedGrain, error) {
	var grains []PlacedGrain
	query := SegmentQuery{Flow: flow, Range: within, Limit: segmentsAtOnce, WithIndex: true}
	for len(grains) < limit {
		segments, err := s.Segments(ctx, tenant, query)
		if err != nil {
			return nil, err
		}
		for i := range segments {
			placed, err := segments[i].PlacedGrains()
			if err != nil {
				return nil, err
			}
			for _, g := range placed {
				if within.Contains(g.Time) {
					grains = append(grains, g)
				}
			}
		}
		if len(segments) < segmentsAtOnce {
			break
		}
		query.After = &segments[len(segments)-1].Range.Start
	}
	return grains[:min(limit, len(grains))], nil
}

// GrainAt returns the grain that covers an instant, or NotFound.
func (s *Store) GrainAt(ctx context.Context, tenant Tenant, flow uuid.UUID, at mediatime.Time) (*PlacedGrain, error) {
	segments, err := s.Segments(ctx, tenant, SegmentQuery{Flow: flow, Range: mediatime.NewRange(at, at+1), Limit: 1, WithIndex: true})
	if err != nil {
		return nil, err
	}
	for i := range segments {
		grains, err := segments[i].PlacedGrains()
		if err != nil {
			return nil, err
		}
		// The last that starts no later: where grains overlap, the newer one shows.
		for _, g := range slices.Backward(grains) {
			if g.Time <= at && at < g.Time+g.Duration {
				return &g, nil
			}
		}
		if len(segments[i].Object.Index) == 0 {
			return nil, fault.Newf(fault.NotRepresented, "the grains of object %s are not indexed: it is not of Grainmesh's making. Its segment can be read whole",
				segments[i].ObjectID)
		}
	}
	return nil, fault.Newf(fault.NotFound, "flow %s has no grain at %s", flow, at)
}
