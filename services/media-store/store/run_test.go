package store_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// code returns the code of an error, "" for none.
func code(err error) fault.Code {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func TestPutFlowsTwiceIsOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	video, audio, multi := audioFlow(uuid.New()), audioFlow(uuid.New()), &media.Flow{
		ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatMulti, Label: "film",
	}
	multi.Collection = []media.Member{{FlowID: video.ID, Role: "video"}, {FlowID: audio.ID, Role: "audio"}}
	run := store.Run{Job: "film", Number: 1}
	for range 2 {
		require.NoError(t, b.PutFlows(t.Context(), tenantA, run, "chunker", []*media.Flow{multi, video, audio}, nil))
	}
	require.Equal(t, 6, b.facts(t, "created"))
	got, err := b.Flow(t.Context(), tenantA, multi.ID)
	require.NoError(t, err)
	require.Equal(t, multi.Collection, got.Collection)
	member, err := b.Flow(t.Context(), tenantA, audio.ID)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{multi.ID}, member.CollectedBy)
	require.Equal(t, run, member.Run)

	_, err = b.Register(t.Context(), tenantA, b.work(t, tenantA, run, video.ID, seconds(2, 3)))
	require.NoError(t, err)
	_, err = b.Register(t.Context(), tenantA, b.work(t, tenantA, run, audio.ID, seconds(1, 2)))
	require.NoError(t, err)
	got, err = b.Flow(t.Context(), tenantA, multi.ID)
	require.NoError(t, err)
	require.Equal(t, seconds(1, 3), got.Timerange)
}

func TestPutFlowsConflicts(t *testing.T) {
	t.Parallel()
	b, id := setup(t), uuid.New()
	b.newRun(t, tenantA, id)
	put := func(tenant store.Tenant, f *media.Flow) fault.Code {
		return code(b.PutFlows(t.Context(), tenant, store.Run{Job: "other", Number: 1}, "chunker", []*media.Flow{f}, nil))
	}
	other := audioFlow(uuid.New())
	other.SourceID = audioFlow(id).SourceID
	pictures := audioFlow(uuid.New())
	pictures.SourceID, pictures.Format = other.SourceID, media.FormatVideo

	require.Equal(t, fault.Conflict, put(tenantA, audioFlow(id)), "flow of another job")
	require.Equal(t, fault.Conflict, put(tenantB, audioFlow(id)), "flow of another tenant")
	require.Equal(t, fault.Conflict, put(tenantB, other), "source of another tenant")
	require.Equal(t, fault.Conflict, put(tenantA, pictures), "source of another format")
	require.Equal(t, fault.InvalidArgument, put(tenantA, &media.Flow{ID: uuid.New(), SourceID: uuid.New(), Format: "film"}), "unknown format")
	require.Empty(t, put(tenantA, other), "one more flow of a source")
}

func TestClosedRunTakesNothingMore(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	run := b.newRun(t, tenantA, flow)
	done := b.work(t, tenantA, run, flow, seconds(0, 2), seconds(2, 4))
	late := b.work(t, tenantA, run, flow, seconds(4, 5))
	_, err := b.Register(t.Context(), tenantA, done)
	require.NoError(t, err)

	for range 2 {
		totals, err := b.EndRun(t.Context(), tenantA, run, store.Close)
		require.NoError(t, err)
		require.Equal(t, store.Totals{Segments: 2, Bytes: 2000, Grains: 2}, totals)
	}
	got, err := b.Flow(t.Context(), tenantA, flow)
	require.NoError(t, err)
	require.Equal(t, media.StatusComplete, got.Status)
	require.EqualValues(t, 4, got.AvgBitRate)
	require.EqualValues(t, 4, got.MaxBitRate)
	require.Equal(t, 1, b.facts(t, "closed"))

	_, err = b.Register(t.Context(), tenantA, late)
	require.Equal(t, fault.RunEnded, code(err))
	_, err = b.Allocate(t.Context(), tenantA, "", uuid.New(), map[uuid.UUID]int{flow: 1})
	require.Equal(t, fault.Gone, code(err))
	_, err = b.EndRun(t.Context(), tenantA, run, store.Discard)
	require.Equal(t, fault.WrongState, code(err))
	stored, err := b.Register(t.Context(), tenantA, done)
	require.NoError(t, err, "a repeat is answered with what the first one stored")
	require.False(t, stored)
}

func TestDiscardedRunLeavesNothing(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	run := b.newRun(t, tenantA, flow)
	late := b.work(t, tenantA, run, flow, seconds(4, 5))
	_, err := b.Register(t.Context(), tenantA, b.work(t, tenantA, run, flow, seconds(0, 2)))
	require.NoError(t, err)
	for range 2 {
		_, err := b.EndRun(t.Context(), tenantA, run, store.Discard)
		require.NoError(t, err)
	}
	_, err = b.Flow(t.Context(), tenantA, flow)
	require.Equal(t, fault.Gone, code(err))
	require.Empty(t, b.segments(t.Context(), t, tenantA, flow))
	require.Equal(t, map[string]int{"condemned": 1, "allocated": 1}, b.states(t))
	require.Equal(t, 1, b.facts(t, "deleted"))
	_, err = b.Register(t.Context(), tenantA, late)
	require.Equal(t, fault.RunEnded, code(err))
	err = b.PutFlows(t.Context(), tenantA, run, "chunker", []*media.Flow{audioFlow(flow)}, nil)
	require.Equal(t, fault.RunEnded, code(err))
	// Another run may use the same ids.
	again := store.Run{Job: run.Job, Number: 2}
	require.NoError(t, b.PutFlows(t.Context(), tenantA, again, "chunker", []*media.Flow{audioFlow(flow)}, nil))
}

func TestRunMayEndBeforeItsFlowsCome(t *testing.T) {
	t.Parallel()
	b, run := setup(t), store.Run{Job: "cancelled", Number: 1}
	_, err := b.EndRun(t.Context(), tenantA, run, store.Discard)
	require.NoError(t, err)
	err = b.PutFlows(t.Context(), tenantA, run, "chunker", []*media.Flow{audioFlow(uuid.New())}, nil)
	require.Equal(t, fault.RunEnded, code(err))
}

// Who works for an open run is told what is gone, which is not the run.
func TestWhatIsGoneFromAnOpenRun(t *testing.T) {
	t.Parallel()
	b, flow, other := setup(t), uuid.New(), uuid.New()
	run := b.newRun(t, tenantA, flow, other)
	deleted, stale := b.work(t, tenantA, run, flow, seconds(0, 1)), b.work(t, tenantA, run, other, seconds(0, 1))
	require.NoError(t, b.DeleteFlow(t.Context(), tenantA, flow))
	_, err := b.Register(t.Context(), tenantA, deleted)
	require.Equal(t, fault.Gone, code(err))
	_, err = b.CondemnStale(t.Context(), 0, 10)
	require.NoError(t, err)
	_, err = b.Register(t.Context(), tenantA, stale)
	require.Equal(t, fault.Gone, code(err))
}

func TestOtherTenantsSeeNothing(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	run := b.newRun(t, tenantA, flow)
	_, err := b.Register(t.Context(), tenantA, b.work(t, tenantA, run, flow, seconds(0, 2)))
	require.NoError(t, err)

	_, err = b.Flow(t.Context(), tenantB, flow)
	require.Equal(t, fault.NotFound, code(err))
	require.Empty(t, b.segments(t.Context(), t, tenantB, flow))
	_, err = b.Allocate(t.Context(), tenantB, "", uuid.New(), map[uuid.UUID]int{flow: 1})
	require.Equal(t, fault.NotFound, code(err))
	_, err = b.EndRun(t.Context(), tenantB, run, store.Discard) // another run of the same name
	require.NoError(t, err)
	require.Len(t, b.segments(t.Context(), t, tenantA, flow), 1)
}

func TestKeptRunEndsAtItsFirstGap(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	run := b.newRun(t, tenantA, flow)
	_, err := b.Register(t.Context(), tenantA, b.work(t, tenantA, run, flow, seconds(0, 2), seconds(2, 4), seconds(5, 6), seconds(6, 8)))
	require.NoError(t, err)
	totals, err := b.EndRun(t.Context(), tenantA, run, store.CloseAtGap)
	require.NoError(t, err)
	require.Equal(t, store.Totals{Segments: 2, Bytes: 2000, Grains: 2}, totals)
	got, err := b.Flow(t.Context(), tenantA, flow)
	require.NoError(t, err)
	require.Equal(t, seconds(0, 4), got.Timerange)
	require.Equal(t, media.StatusComplete, got.Status)
}
