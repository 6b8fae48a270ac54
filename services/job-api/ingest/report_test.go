package ingest_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

// report is a report of one layer, with how to bring a job to where it is due.
type report struct {
	layer subjects.Layer
	stand ingest.State
	call  func(id uuid.UUID, epoch int32) error
	after ingest.State
}

func (b *bundle) reports(ctx context.Context) map[string]report {
	return map[string]report{
		"analysis": {subjects.Analyse, ingest.Analysing, func(id uuid.UUID, epoch int32) error {
			return b.ReportAnalysis(ctx, b.by(id, epoch), analysis())
		}, ingest.Chunking},
		"chunks": {subjects.Chunk, ingest.Chunking, func(id uuid.UUID, epoch int32) error {
			return b.ReportChunks(ctx, b.by(id, epoch), plan(0, 2))
		}, ingest.Reading},
		"chunk": {subjects.Read, ingest.Reading, func(id uuid.UUID, epoch int32) error {
			_, _, err := b.CompleteChunk(ctx, b.by(id, epoch))
			return err
		}, ingest.Reading},
		"close": {subjects.Close, ingest.Closing, func(id uuid.UUID, epoch int32) error {
			return b.CompleteClose(ctx, b.by(id, epoch))
		}, ingest.Completed},
		"discard": {subjects.Close, ingest.Discarding, func(id uuid.UUID, epoch int32) error {
			return b.CompleteClose(ctx, b.by(id, epoch))
		}, ingest.Cancelled},
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, r := range b.reports(t.Context()) {
		t.Run(name, func(t *testing.T) {
			b := b.in(t)
			j := b.stands()[r.stand]()
			id := b.work(j.ID, r.layer, 0)
			requireFault(t, r.call(id, 1), fault.StaleEpoch, "waiting") // nobody has started it
			stale := b.start(id)
			epoch := b.start(id)
			requireFault(t, r.call(id, stale), fault.StaleEpoch, "epoch 1 of work "+id.String()+" is over: it is running, epoch 2")
			requireFault(t, r.call(id, epoch+1), fault.StaleEpoch, "epoch 2")
			b.inState(j.ID, r.stand)

			require.NoError(t, r.call(id, epoch))
			once := b.inState(j.ID, r.after)
			require.Equal(t, ingest.Done, b.workState(id))
			require.False(t, b.queued(id))

			require.NoError(t, r.call(id, epoch), "a repeated report is no error")
			requireSame(t, once.Public(), b.get(j.ID).Public()) // and changes nothing
			requireFault(t, r.call(id, stale), fault.StaleEpoch, "it is done, epoch 2")
			requireFault(t, r.call(uuid.New(), 1), fault.NotFound, "there is no work")
		})
	}
}

func TestReportsOfAnotherLayerAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reports := b.reports(t.Context())
	for name, due := range reports {
		id := b.work(b.stands()[due.stand]().ID, due.layer, 0)
		epoch := b.start(id)
		for other, r := range reports {
			if r.layer != due.layer {
				requireFault(t, r.call(id, epoch), fault.InvalidArgument, "is of layer "+string(due.layer))
				require.Equal(t, ingest.Running, b.workState(id), "%s after %s", name, other)
			}
		}
	}
}

func TestReportsAfterACancelAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, r := range b.reports(t.Context()) {
		if r.layer == subjects.Close {
			continue // is not cancelled
		}
		j := b.stands()[r.stand]()
		id := b.work(j.ID, r.layer, 0)
		epoch := b.start(id)
		_, err := b.Cancel(t.Context(), tenantA, j.ID)
		require.NoError(t, err)
		requireFault(t, r.call(id, epoch), fault.StaleEpoch, "it is cancelled")
		_, err = b.Fail(t.Context(), b.by(id, epoch), &jobv1.FailWorkRequest{Failure: truncated()})
		require.True(t, fault.Is(err, fault.StaleEpoch), name)
		require.Nil(t, b.get(j.ID).Failure)
	}
}

func TestAnAnalysisGivesTheJobItsKindAndSize(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.analysed(edit(func(s *jobv1.IngestSpec) { s.MimeType = "" }))
	require.Equal(t, "wav", j.Kind)
	require.EqualValues(t, 3000, j.BytesTotal)
	requireSame(t, analysis(), j.Analysis)
	subject := value[string](b, `SELECT subject FROM outbox WHERE lane = 'chunk'`)
	require.Equal(t, "work.chunk.wav."+b.work(j.ID, subjects.Chunk, 0).String(), subject)
}

func TestAPlanInParts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.analysed()
	id := b.work(j.ID, subjects.Chunk, 0)
	whole := plan(b.start(id), 5)
	first := &jobv1.ReportChunksRequest{Epoch: 1, Flows: whole.GetFlows(), Chunks: whole.GetChunks()[:2]}
	second := &jobv1.ReportChunksRequest{Epoch: 1, Chunks: whole.GetChunks()[2:], Last: true}

	require.NoError(t, b.ReportChunks(t.Context(), b.by(id, first.GetEpoch()), first))
	j = b.inState(j.ID, ingest.Chunking)
	require.EqualValues(t, 2, j.ChunksTotal)
	require.Equal(t, whole.GetFlows()[1].GetId(), j.FlowID.String(), "the multi Flow is the last")
	require.Len(t, j.FlowIDs, 2)

	require.NoError(t, b.ReportChunks(t.Context(), b.by(id, first.GetEpoch()), first), "an answer may have been lost")
	require.EqualValues(t, 2, b.get(j.ID).ChunksTotal)

	b.complete(j.ID, 0) // reading begins before the plan is whole
	b.complete(j.ID, 1)
	j = b.inState(j.ID, ingest.Chunking)
	require.Zero(t, j.ChunksRemaining)
	require.EqualValues(t, 2000, j.BytesDone)

	require.NoError(t, b.ReportChunks(t.Context(), b.by(id, second.GetEpoch()), second))
	j = b.inState(j.ID, ingest.Reading)
	require.EqualValues(t, 5, j.ChunksTotal)
	require.EqualValues(t, 3, j.ChunksRemaining)
	require.True(t, j.PlanComplete)
	require.EqualValues(t, 5000, j.BytesTotal, "what is to be read, whatever the size of the file")
}

func TestThePlanIsWrittenOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.analysed()
	id := b.work(j.ID, subjects.Chunk, 0)
	kept := plan(b.start(id), 2)
	kept.Last = false
	require.NoError(t, b.ReportChunks(t.Context(), b.by(id, kept.GetEpoch()), kept))

	// The chunker died, and another makes a plan that differs.
	other := plan(b.start(id), 3)
	other.Chunks[0].ByteEnd = 5
	require.NoError(t, b.ReportChunks(t.Context(), b.by(id, other.GetEpoch()), other))
	j = b.inState(j.ID, ingest.Reading)
	require.EqualValues(t, 3, j.ChunksTotal)
	require.Equal(t, kept.GetFlows()[1].GetId(), j.FlowID.String())
	r := b.startAs(b.work(j.ID, subjects.Read, 0), jobv1.StartStatus_START_STATUS_STARTED)
	requireSame(t, kept.GetChunks()[0], r.GetRead().GetChunk())
}

func TestChunksAfterWhichAllAreDoneClose(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.analysed()
	id := b.work(j.ID, subjects.Chunk, 0)
	whole := plan(b.start(id), 1)
	whole.Last = false
	require.NoError(t, b.ReportChunks(t.Context(), b.by(id, whole.GetEpoch()), whole))
	b.complete(j.ID, 0)
	b.inState(j.ID, ingest.Chunking)
	require.NoError(t, b.ReportChunks(t.Context(), b.by(id, 1), &jobv1.ReportChunksRequest{Last: true}))
	b.inState(j.ID, ingest.Closing)
}

func TestAFlowIDThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.analysed()
	id := b.work(j.ID, subjects.Chunk, 0)
	r := &jobv1.ReportChunksRequest{Epoch: b.start(id), Flows: []*mediav1.Flow{{Id: "film"}}, Last: true}
	requireFault(t, b.ReportChunks(t.Context(), b.by(id, r.GetEpoch()), r), fault.InvalidArgument, `"film"`)
	b.inState(j.ID, ingest.Chunking)
}

func TestACompletedChunkTellsTheJobAsItIsThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.planned(2)
	id := b.work(j.ID, subjects.Read, 1)
	epoch := b.start(id)
	after, number, err := b.CompleteChunk(t.Context(), b.by(id, epoch))
	require.NoError(t, err)
	require.EqualValues(t, 1, number)
	require.EqualValues(t, 1, after.ChunksRemaining)
	require.EqualValues(t, 1000, after.BytesDone)
	after, _, err = b.CompleteChunk(t.Context(), b.by(id, epoch))
	require.NoError(t, err)
	require.Nil(t, after, "a repeated report is told to nobody")
}

// The chunks of a run are counted down under the job's row: of two that complete at
// once, exactly one is the last.
func TestOfTwoLastChunksOneCloses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 50 {
		j := b.planned(2)
		var group sync.WaitGroup
		for number := range int32(2) {
			id := b.work(j.ID, subjects.Read, number)
			epoch := b.start(id)
			for range 2 { // each is reported twice
				group.Go(func() {
					if _, _, err := b.CompleteChunk(t.Context(), b.by(id, epoch)); err != nil {
						t.Error(err)
					}
				})
			}
		}
		group.Wait()
		j = b.inState(j.ID, ingest.Closing)
		require.Zero(t, j.ChunksRemaining)
		require.EqualValues(t, 2000, j.BytesDone)
		require.Equal(t, 1, value[int](b, `SELECT count(*) FROM work WHERE job_id = $1 AND layer = 'close'`, j.ID))
	}
}
