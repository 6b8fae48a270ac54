package store_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// TestSegmentsNeverOverlap holds the store against a list of ranges, for any series
// of registrations and deletions.
func TestSegmentsNeverOverlap(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rapid.Check(t, func(r *rapid.T) {
		flow := uuid.New()
		run := b.newRun(t, tenantA, flow)
		model := []mediatime.Range{}
		for range rapid.IntRange(1, 5).Draw(r, "steps") {
			if rapid.IntRange(0, 4).Draw(r, "kind") == 0 {
				within := drawRange(r)
				require.NoError(r, b.DeleteSegments(t.Context(), tenantA, flow, within, ""))
				model = slices.DeleteFunc(model, within.Covers)
			} else {
				model = b.tryRegister(t, r, run, flow, model)
			}
			stored := []mediatime.Range{}
			for _, s := range b.segments(t.Context(), t, tenantA, flow) {
				stored = append(stored, s.Range)
			}
			require.Equal(r, model, stored)
			require.EqualValues(r, len(model), b.totals(t, flow).Segments)
			within := drawRange(r)
			found, err := b.Segments(t.Context(), tenantA, store.SegmentQuery{Flow: flow, Range: within, Limit: 100})
			require.NoError(r, err)
			require.Len(r, found, touching(model, within), "%s of %v", within, model)
		}
	})
}

func drawRange(r *rapid.T) mediatime.Range {
	start := rapid.Int64Range(-10, 30).Draw(r, "start")
	return mediatime.NewRange(mediatime.Time(start), mediatime.Time(start+rapid.Int64Range(1, 6).Draw(r, "length")))
}

func touching(model []mediatime.Range, within mediatime.Range) int {
	n := 0
	for _, m := range model {
		if m.Overlaps(within) {
			n++
		}
	}
	return n
}

// tryRegister registers some ranges at once and returns what the store should then
// have.
func (b *bundle) tryRegister(t *testing.T, r *rapid.T, run store.Run, flow uuid.UUID, model []mediatime.Range) []mediatime.Range {
	t.Helper()
	var news []mediatime.Range
	free := true
	for range rapid.IntRange(1, 3).Draw(r, "segments") {
		one := drawRange(r)
		free = free && touching(model, one)+touching(news, one) == 0
		news = append(news, one)
	}
	_, err := b.Register(t.Context(), tenantA, b.work(t, tenantA, run, flow, news...))
	if !free {
		require.True(r, fault.Is(err, fault.SegmentOverlap), "%v", err)
		return model
	}
	require.NoError(r, err)
	model = append(slices.Clone(model), news...)
	slices.SortFunc(model, func(a, b mediatime.Range) int { return int(a.Start - b.Start) })
	return model
}
