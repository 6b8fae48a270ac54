package store_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

func TestRegistrationIsVisibleAtOnce(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	run := b.newRun(t, tenantA, flow)
	r := b.work(t, tenantA, run, flow, seconds(1, 2), seconds(0, 1))

	stored, err := b.Register(t.Context(), tenantA, r)
	require.NoError(t, err)
	require.True(t, stored)

	got := b.segments(t.Context(), t, tenantA, flow)
	require.Len(t, got, 2)
	require.Equal(t, seconds(0, 1), got[0].Range)
	require.Equal(t, r.Segments[1].ObjectID, got[0].ObjectID)
	require.Equal(t, r.Segments[1].Object.Index, got[0].Object.Index)
	stands, err := b.Flow(t.Context(), tenantA, flow)
	require.NoError(t, err)
	require.Equal(t, seconds(0, 2), stands.Timerange)
	require.Equal(t, media.StatusIngesting, stands.Status)
	require.Equal(t, store.Totals{Segments: 2, Bytes: 2000, Grains: 2}, stands.Totals)
	require.Equal(t, audioFlow(flow).Audio, stands.Audio)
	require.Equal(t, 1, b.facts(t, "segments_added"))
	require.Equal(t, 2, b.facts(t, "created")) // the Flow and its Source
}

func TestFirstRegistrationWins(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	run := b.newRun(t, tenantA, flow)
	first := b.work(t, tenantA, run, flow, seconds(0, 1))
	second := store.Registration{WorkID: first.WorkID, Epoch: 2, Run: run}
	b.extend(t, tenantA, &second, flow, seconds(0, 1))

	stored, err := b.Register(t.Context(), tenantA, first)
	require.NoError(t, err)
	require.True(t, stored)
	for range 2 { // the same again, and another holder of the work
		stored, err = b.Register(t.Context(), tenantA, second)
		require.NoError(t, err)
		require.False(t, stored)
	}
	stored, err = b.Register(t.Context(), tenantA, first)
	require.NoError(t, err)
	require.False(t, stored)
	require.Equal(t, map[string]int{"registered": 1, "condemned": 1}, b.states(t))
}

func TestOneOfTwoRacingRegistrationsIsStored(t *testing.T) {
	t.Parallel()
	b, flow, other := setup(t), uuid.New(), uuid.New()
	run := b.newRun(t, tenantA, flow, other)
	const racers = 6
	work := uuid.New()
	registrations := make([]store.Registration, racers)
	for i := range registrations {
		registrations[i] = store.Registration{WorkID: work, Epoch: int32(i), Run: run}
		b.extend(t, tenantA, &registrations[i], flow, seconds(0, 1), seconds(1, 2))
		b.extend(t, tenantA, &registrations[i], other, seconds(0, 1))
	}
	results := make([]bool, racers)
	var wg sync.WaitGroup
	for i := range registrations {
		wg.Go(func() {
			stored, err := b.Register(t.Context(), tenantA, registrations[i])
			if err != nil {
				t.Error(err)
			}
			results[i] = stored
		})
	}
	wg.Wait()
	winners := 0
	for _, stored := range results {
		if stored {
			winners++
		}
	}
	require.Equal(t, 1, winners)
	require.Equal(t, map[string]int{"registered": 3, "condemned": 3 * (racers - 1)}, b.states(t))
	require.Len(t, b.segments(t.Context(), t, tenantA, flow), 2)
	require.Len(t, b.segments(t.Context(), t, tenantA, other), 1)
}

func TestRacingOverlapsLeaveOne(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	run := b.newRun(t, tenantA, flow)
	const racers = 6
	registrations := make([]store.Registration, racers)
	for i := range registrations {
		registrations[i] = b.work(t, tenantA, run, flow, seconds(int64(i), 10))
	}
	errs := make([]error, racers)
	var wg sync.WaitGroup
	for i := range registrations {
		wg.Go(func() { _, errs[i] = b.Register(t.Context(), tenantA, registrations[i]) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
			continue
		}
		require.True(t, fault.Is(err, fault.SegmentOverlap), "%v", err)
	}
	require.Equal(t, 1, won)
	require.Len(t, b.segments(t.Context(), t, tenantA, flow), 1)
}

func TestOverlapNamesBothRanges(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	run := b.newRun(t, tenantA, flow)
	_, err := b.Register(t.Context(), tenantA, b.work(t, tenantA, run, flow, seconds(0, 4)))
	require.NoError(t, err)
	_, err = b.Register(t.Context(), tenantA, b.work(t, tenantA, run, flow, seconds(3, 5)))
	require.ErrorContains(t, err, "[3:0_5:0)")
	require.ErrorContains(t, err, "[0:0_4:0)")
	_, err = b.Register(t.Context(), tenantA, b.work(t, tenantA, run, flow, seconds(6, 8), seconds(7, 9)))
	require.True(t, fault.Is(err, fault.SegmentOverlap), "%v", err)
	// What was refused left nothing behind: the same work may be registered right.
	require.Equal(t, store.Totals{Segments: 1, Bytes: 1000, Grains: 1}, b.totals(t, flow))
}

func (b *bundle) totals(t *testing.T, flow uuid.UUID) store.Totals {
	t.Helper()
	f, err := b.Flow(t.Context(), tenantA, flow)
	require.NoError(t, err)
	return f.Totals
}

func TestUnusedObjectsAreCondemned(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	run := b.newRun(t, tenantA, flow)
	r := b.work(t, tenantA, run, flow, seconds(0, 1), seconds(1, 2), seconds(2, 3))
	r.Segments = r.Segments[:2]
	_, err := b.Register(t.Context(), tenantA, r)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"registered": 2, "condemned": 1}, b.states(t))
}

func TestRegistrationIsRefused(t *testing.T) {
	t.Parallel()
	b, flow, foreign := setup(t), uuid.New(), uuid.New()
	run := b.newRun(t, tenantA, flow)
	foreignRun := b.newRun(t, tenantB, foreign)
	cases := map[string]struct {
		tenant store.Tenant
		change func(*store.Registration)
		code   fault.Code
	}{
		"object of nobody":     {tenantA, func(r *store.Registration) { r.Segments[0].ObjectID = "x" }, fault.NotFound},
		"flow of nobody":       {tenantA, func(r *store.Registration) { r.Segments[0].FlowID = uuid.New() }, fault.NotFound},
		"flow of other tenant": {tenantA, func(r *store.Registration) { r.Segments[0].FlowID = foreign }, fault.NotFound},
		"run of other tenant":  {tenantA, func(r *store.Registration) { r.Run = foreignRun }, fault.NotFound},
		"as other tenant":      {tenantB, func(*store.Registration) {}, fault.NotFound},
		"empty range":          {tenantA, func(r *store.Registration) { r.Segments[0].Range = mediatime.Range{} }, fault.InvalidArgument},
		"open range":           {tenantA, func(r *store.Registration) { r.Segments[0].Range = mediatime.Eternity }, fault.InvalidArgument},
		"outside its object":   {tenantA, func(r *store.Registration) { r.Segments[0].Object.Range = seconds(0, 1) }, fault.InvalidArgument},
		"index of nothing":     {tenantA, func(r *store.Registration) { r.Segments[0].Object.Index = []byte("grains") }, fault.InvalidArgument},
		"index beyond bytes":   {tenantA, func(r *store.Registration) { r.Segments[0].Object.Size = 999 }, fault.InvalidArgument},
		"object twice":         {tenantA, func(r *store.Registration) { r.Segments = append(r.Segments, r.Segments[0]) }, fault.InvalidArgument},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := b.work(t, tenantA, run, flow, seconds(5, 6))
			c.change(&r)
			_, err := b.Register(t.Context(), c.tenant, r)
			require.Error(t, err)
			require.Equal(t, c.code, fault.Of(err).Code, "%v", err)
		})
	}
	require.Empty(t, b.segments(t.Context(), t, tenantA, flow))
}
