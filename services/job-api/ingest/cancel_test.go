package ingest_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

func TestCancelInEachState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	after := map[ingest.State]ingest.State{ // where it is not refused
		ingest.Analysing: ingest.Cancelled, ingest.Chunking: ingest.Discarding, ingest.Reading: ingest.Discarding,
		ingest.Discarding: ingest.Discarding, ingest.Cancelled: ingest.Cancelled,
	}
	for state, stand := range b.stands() {
		t.Run(string(state), func(t *testing.T) {
			b := b.in(t)
			before := b.inState(stand().ID, state)
			j, err := b.Cancel(t.Context(), tenantA, before.ID)
			want, taken := after[state]
			if !taken {
				requireFault(t, err, fault.WrongState, "is "+string(state)+" and cannot be cancelled")
				requireSame(t, before.Public(), b.get(before.ID).Public())
				return
			}
			require.NoError(t, err)
			requireSame(t, j.Public(), b.inState(j.ID, want).Public())
			if want == state {
				requireSame(t, before.Public(), j.Public())
				return
			}
			require.Equal(t, ingest.Cancelled, *j.Outcome)
			open := value[int](b, `SELECT count(*) FROM work WHERE job_id = $1 AND state IN ('waiting', 'running') AND layer <> 'close'`, j.ID)
			require.Zero(t, open)
			if want == ingest.Discarding {
				b.closed(j.ID)
				b.inState(j.ID, ingest.Cancelled)
			}
		})
	}
}

func TestJobsOfOtherTenants(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.submit()
	for name, call := range map[string]func(id uuid.UUID) error{
		"get":    func(id uuid.UUID) error { _, err := b.Get(t.Context(), tenantB, id); return err },
		"cancel": func(id uuid.UUID) error { _, err := b.Cancel(t.Context(), tenantB, id); return err },
		"retry":  func(id uuid.UUID) error { _, err := b.Retry(t.Context(), tenantB, id); return err },
		"chunks": func(id uuid.UUID) error { _, err := b.Chunks(t.Context(), tenantB, id, -1, 0); return err },
	} {
		t.Run(name, func(t *testing.T) {
			requireFault(t, call(j.ID), fault.NotFound, "there is no job "+j.ID.String())
			requireFault(t, call(uuid.New()), fault.NotFound, "there is no job")
		})
	}
	b.inState(j.ID, ingest.Analysing)
}

func TestRetryInEachState(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for state, stand := range b.stands() {
		t.Run(string(state), func(t *testing.T) {
			b := b.in(t)
			before := b.inState(stand().ID, state)
			j, err := b.Retry(t.Context(), tenantA, before.ID)
			if state != ingest.Failed && state != ingest.Cancelled {
				requireFault(t, err, fault.WrongState, "is "+string(state)+"; only failed and cancelled jobs can be retried")
				requireSame(t, before.Public(), b.get(before.ID).Public())
				return
			}
			require.NoError(t, err)
			requireSame(t, j.Public(), b.inState(j.ID, ingest.Analysing).Public())
			require.EqualValues(t, 2, j.Run)
			require.Nil(t, j.Failure)
			require.Nil(t, j.Outcome)
			require.Nil(t, j.Analysis)
			require.Nil(t, j.Finished)
			require.Empty(t, j.FlowIDs)
			require.Zero(t, j.ChunksTotal+j.ChunksRemaining)
			require.Zero(t, j.BytesTotal+j.BytesDone)
			require.True(t, b.queued(b.work(j.ID, subjects.Analyse, 0)))
		})
	}
}

func TestARetryIsAnewRunToTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.planned(1, edit(func(s *jobv1.IngestSpec) { s.MimeType = "" }))
	require.Equal(t, "wav", j.Kind)
	old, stale := b.work(j.ID, subjects.Read, 0), int32(1)
	require.Equal(t, stale, b.start(old))
	_, err := b.Cancel(t.Context(), tenantA, j.ID)
	require.NoError(t, err)
	b.closed(j.ID)
	j, err = b.Retry(t.Context(), tenantA, j.ID)
	require.NoError(t, err)
	require.Equal(t, "any", j.Kind, "the file may be another by now")

	analyse := b.work(j.ID, subjects.Analyse, 0)
	require.NoError(t, b.ReportAnalysis(t.Context(), b.by(analyse, b.start(analyse)), analysis()))
	chunk := b.work(j.ID, subjects.Chunk, 0)
	require.NoError(t, b.ReportChunks(t.Context(), b.by(chunk, b.start(chunk)), plan(0, 1)))
	again := b.work(j.ID, subjects.Read, 0)
	require.NotEqual(t, old, again, "each run has work of its own")

	_, _, err = b.CompleteChunk(t.Context(), b.by(old, stale))
	requireFault(t, err, fault.StaleEpoch, "it is cancelled")
	b.complete(j.ID, 0)
	b.closed(j.ID)
	require.EqualValues(t, 2, b.inState(j.ID, ingest.Completed).Run)
}

// A run that kept its Flows cannot be followed by one that names the same Flows.
func TestRetryOfKeptFlowsThatTheJobNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	keep := func(s *jobv1.IngestSpec) { s.OnFailure = jobv1.OnFailure_ON_FAILURE_KEEP }
	name := func(s *jobv1.IngestSpec) {
		s.FlowIds = map[int32]string{1: uuid.NewString()} // version 4
	}
	ended := func(edits ...func(s *jobv1.IngestSpec)) *ingest.Job {
		j := b.planned(1, edit(func(s *jobv1.IngestSpec) {
			for _, f := range edits {
				f(s)
			}
		}))
		_, err := b.Cancel(t.Context(), tenantA, j.ID)
		require.NoError(t, err)
		b.closed(j.ID)
		return j
	}
	_, err := b.Retry(t.Context(), tenantA, ended(keep, name).ID)
	requireFault(t, err, fault.WrongState, "delete them first")
	for _, j := range []*ingest.Job{ended(keep), ended(name)} {
		_, err := b.Retry(t.Context(), tenantA, j.ID)
		require.NoError(t, err)
	}
}
