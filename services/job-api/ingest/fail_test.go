package ingest_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

// unreachable is a failure that another attempt may cure.
func unreachable() *mediav1.Failure {
	return fault.Proto(fault.New(fault.SourceUnreachable, "media.example does not answer"))
}

// delay returns how long a piece of work is kept back.
func (b *bundle) delay(id uuid.UUID) time.Duration {
	b.t.Helper()
	return time.Until(value[time.Time](b, `SELECT not_before FROM outbox WHERE work_id = $1`, id))
}

func TestARetryableFailureIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.submit()
	id := b.work(j.ID, subjects.Analyse, 0)
	want := config().RetryBase
	for range maxAttempts - 1 {
		epoch := b.start(id)
		r := &jobv1.FailWorkRequest{Epoch: epoch, Failure: unreachable()}
		retried, err := b.Fail(t.Context(), b.by(id, r.GetEpoch()), r)
		require.NoError(t, err)
		require.True(t, retried)
		require.Equal(t, ingest.Waiting, b.workState(id))
		require.InDelta(t, want, b.delay(id), float64(30*time.Second))
		want *= 2

		_, err = b.Fail(t.Context(), b.by(id, r.GetEpoch()), r)
		requireFault(t, err, fault.StaleEpoch, "it is waiting")
	}
	b.inState(j.ID, ingest.Analysing)

	retried, err := b.Fail(t.Context(), b.by(id, b.start(id)), &jobv1.FailWorkRequest{Failure: unreachable()})
	require.NoError(t, err)
	require.False(t, retried, "it was the last attempt")
	j = b.inState(j.ID, ingest.Failed)
	requireSame(t, unreachable(), j.Failure)
	require.NotNil(t, j.Finished)
}

func TestDelaysAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := config()
	c.MaxAttempts = 100
	b.Jobs = b.owner(c)
	id := b.work(b.submit().ID, subjects.Analyse, 0)
	for range 40 { // past where 2^attempts overflows
		_, err := b.Fail(t.Context(), b.by(id, b.start(id)), &jobv1.FailWorkRequest{Failure: unreachable()})
		require.NoError(t, err)
	}
	require.InDelta(t, 5*time.Minute, b.delay(id), float64(30*time.Second))
}

func TestAReleasedAttemptDoesNotCount(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.planned(1)
	id := b.work(j.ID, subjects.Read, 0)
	for i := range int32(2 * maxAttempts) {
		r := b.startAs(id, jobv1.StartStatus_START_STATUS_STARTED)
		require.EqualValues(t, 1, r.GetAttempt())
		require.Equal(t, i+1, r.GetEpoch())
		retried, err := b.Fail(t.Context(), b.by(id, r.GetEpoch()), &jobv1.FailWorkRequest{Released: true, Failure: truncated()})
		require.NoError(t, err)
		require.True(t, retried)
		require.LessOrEqual(t, b.delay(id), time.Duration(0))
	}
	b.inState(j.ID, ingest.Reading)
}

func TestAPermanentFailureDiscardsWhatWasWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.planned(3)
	id := b.work(j.ID, subjects.Read, 1)
	b.complete(j.ID, 0)
	b.fail(id, b.start(id))

	j = b.inState(j.ID, ingest.Discarding)
	require.Nil(t, j.Finished, "its outcome is not told before its Flows have gone")
	require.Equal(t, ingest.Failed, *j.Outcome)
	requireSame(t, truncated(), j.Failure)
	require.Equal(t, ingest.Done, b.workState(b.work(j.ID, subjects.Read, 0)))
	require.Equal(t, ingest.Dead, b.workState(id))
	require.Equal(t, ingest.WorkCancelled, b.workState(b.work(j.ID, subjects.Read, 2)))
	require.Equal(t, []string{"close"}, b.lanes(), "nothing but the work to discard goes out")

	r := b.startAs(b.work(j.ID, subjects.Close, 0), jobv1.StartStatus_START_STATUS_STARTED)
	require.True(t, r.GetClose().GetDiscard())
	require.True(t, r.GetClose().GetFailed())
	b.closed(j.ID)
	j = b.inState(j.ID, ingest.Failed)
	require.NotNil(t, j.Finished)
	requireSame(t, truncated(), j.Failure)
}

// lanes are the layers of the work in the outbox.
func (b *bundle) lanes() []string {
	b.t.Helper()
	return value[[]string](b, `SELECT array_agg(lane ORDER BY id) FROM outbox WHERE lane IS NOT NULL`)
}

func TestOnFailureKeep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.planned(2, edit(func(s *jobv1.IngestSpec) { s.OnFailure = jobv1.OnFailure_ON_FAILURE_KEEP }))
	id := b.work(j.ID, subjects.Read, 0)
	b.fail(id, b.start(id))
	r := b.startAs(b.work(j.ID, subjects.Close, 0), jobv1.StartStatus_START_STATUS_STARTED)
	require.False(t, r.GetClose().GetDiscard())
	require.True(t, r.GetClose().GetFailed())
	b.closed(j.ID)
	b.inState(j.ID, ingest.Failed)
}

func TestAFailedChunkPlanDiscards(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.analysed()
	id := b.work(j.ID, subjects.Chunk, 0)
	b.fail(id, b.start(id))
	b.inState(j.ID, ingest.Discarding)
}

func TestFailingWhatIsNotThere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Fail(t.Context(), b.by(uuid.New(), 1), &jobv1.FailWorkRequest{Failure: truncated()})
	requireFault(t, err, fault.NotFound, "there is no work")
}
