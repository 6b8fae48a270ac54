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

func TestStartHandsOutTheDocumentOfEachLayer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	started := jobv1.StartStatus_START_STATUS_STARTED
	j := b.submit()

	analyse := b.work(j.ID, subjects.Analyse, 0)
	r := b.startAs(analyse, started)
	require.Equal(t, []string{tenantA, j.ID.String()}, []string{r.GetTenant(), r.GetJobId()})
	require.Equal(t, []int32{1, 1, 1}, []int32{r.GetEpoch(), r.GetAttempt(), r.GetRun()})
	requireSame(t, j.Spec, r.GetAnalyse().GetSpec())
	require.NoError(t, b.ReportAnalysis(t.Context(), b.by(analyse, 1), analysis()))

	chunk := b.work(j.ID, subjects.Chunk, 0)
	r = b.startAs(chunk, started)
	requireSame(t, analysis(), r.GetChunk().GetAnalysis())
	requireSame(t, config().Sizes, r.GetChunk().GetSizes())
	planned := plan(1, 1)
	require.NoError(t, b.ReportChunks(t.Context(), b.by(chunk, planned.GetEpoch()), planned))

	r = b.startAs(b.work(j.ID, subjects.Read, 0), started)
	require.Equal(t, []string{j.Spec.GetUrl(), "wav", `"one"`}, []string{r.GetRead().GetUrl(), r.GetRead().GetFormat(), r.GetRead().GetEtag()})
	require.EqualValues(t, 3000, r.GetRead().GetSize())
	requireSame(t, planned.GetChunks()[0], r.GetRead().GetChunk())
	require.Len(t, r.GetRead().GetFlows(), 1, "the Flows that the chunk writes, and no other")
	requireSame(t, planned.GetFlows()[0], r.GetRead().GetFlows()[0])

	b.complete(j.ID, 0)
	r = b.startAs(b.work(j.ID, subjects.Close, 0), started)
	require.False(t, r.GetClose().GetDiscard())
	require.False(t, r.GetClose().GetFailed())
}

func TestEachStartIsANewEpoch(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.work(b.submit().ID, subjects.Analyse, 0)
	for epoch := range int32(maxAttempts) {
		r := b.startAs(id, jobv1.StartStatus_START_STATUS_STARTED)
		require.Equal(t, epoch+1, r.GetEpoch())
		require.Equal(t, epoch+1, r.GetAttempt())
	}
}

func TestAttemptsWithoutReportEndTheJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.planned(2)
	id := b.work(j.ID, subjects.Read, 1)
	for range maxAttempts {
		b.start(id)
	}
	b.startAs(id, jobv1.StartStatus_START_STATUS_DEAD)
	require.Equal(t, ingest.Dead, b.workState(id))
	require.Equal(t, ingest.WorkCancelled, b.workState(b.work(j.ID, subjects.Read, 0)))
	j = b.inState(j.ID, ingest.Discarding)
	require.Equal(t, string(fault.Exhausted), j.Failure.GetCode())
	require.Contains(t, j.Failure.GetMessage(), "read work 1 ended 3 times without a report")
	b.startAs(id, jobv1.StartStatus_START_STATUS_DEAD)
	b.closed(j.ID)
	b.inState(j.ID, ingest.Failed)
}

func TestToCloseIsTriedForEver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.planned(0)
	id := b.work(j.ID, subjects.Close, 0)
	for range 3 * maxAttempts {
		retried, err := b.Fail(t.Context(), b.by(id, b.start(id)), &jobv1.FailWorkRequest{Failure: truncated()})
		require.NoError(t, err)
		require.True(t, retried)
	}
	b.closed(j.ID)
	b.inState(j.ID, ingest.Completed)
}

func TestWhatMayNotStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone, cancelled, dead := jobv1.StartStatus_START_STATUS_GONE, jobv1.StartStatus_START_STATUS_CANCELLED, jobv1.StartStatus_START_STATUS_DEAD
	b.startAs(uuid.New(), gone)

	j := b.planned(1)
	b.startAs(b.work(j.ID, subjects.Analyse, 0), gone)
	b.startAs(b.work(j.ID, subjects.Chunk, 0), gone)

	read := b.work(j.ID, subjects.Read, 0)
	_, err := b.Cancel(t.Context(), tenantA, j.ID)
	require.NoError(t, err)
	b.startAs(read, cancelled)
	b.closed(j.ID)
	_, err = b.Retry(t.Context(), tenantA, j.ID)
	require.NoError(t, err)
	b.startAs(read, gone) // of a run that is over

	failed := b.submit()
	analyse := b.work(failed.ID, subjects.Analyse, 0)
	b.fail(analyse, b.start(analyse))
	b.startAs(analyse, dead)
}

func TestARefusedStartTakesTheWorkOffTheOutbox(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.work(b.submit().ID, subjects.Analyse, 0)
	_, err := b.db.Exec(t.Context(), `UPDATE work SET state = 'cancelled', finished_at = now() WHERE id = $1`, id)
	require.NoError(t, err)
	require.True(t, b.queued(id))
	b.startAs(id, jobv1.StartStatus_START_STATUS_CANCELLED)
	require.False(t, b.queued(id))
}

// An attempt that is released while a second delivery is being refused must not
// be taken for one too many.
func TestARefusedStartLooksAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.work(b.submit().ID, subjects.Analyse, 0)
	var epoch int32
	for range maxAttempts {
		epoch = b.start(id)
	}
	lock, err := b.db.Begin(t.Context())
	require.NoError(t, err)
	_, err = lock.Exec(t.Context(), `SELECT FROM job FOR UPDATE`)
	require.NoError(t, err)
	answer := make(chan jobv1.StartStatus, 1)
	go func() {
		r, err := b.Start(t.Context(), id, "worker-2")
		if err != nil {
			t.Error(err)
		}
		answer <- r.GetStatus()
	}()
	b.waitForLock(1)
	// What Fail does for a released attempt, before the second delivery's turn.
	_, err = lock.Exec(t.Context(), `UPDATE work SET state = 'waiting', attempts = attempts - 1 WHERE id = $1 AND epoch = $2`, id, epoch)
	require.NoError(t, err)
	require.NoError(t, lock.Commit(t.Context()))
	require.Equal(t, jobv1.StartStatus_START_STATUS_STARTED, <-answer)
}
