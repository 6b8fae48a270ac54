package ingest_test

import (
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

// ours says whether an error is one that a worker may meet in a race.
func ours(err error) bool {
	return err == nil || fault.Is(err, fault.StaleEpoch) || fault.Is(err, fault.WrongState)
}

// worker starts a piece of work and reports it in some way, until it is not wanted.
func (b *bundle) worker(id uuid.UUID, random *rand.Rand) {
	for {
		r, err := b.Start(b.t.Context(), id, "worker")
		if err != nil {
			b.t.Error(err)
			return
		}
		if r.GetStatus() != jobv1.StartStatus_START_STATUS_STARTED {
			return
		}
		switch epoch := r.GetEpoch(); random.IntN(4) {
		case 0: // dies without a word
		case 1:
			_, err = b.Fail(b.t.Context(), b.by(id, epoch), &jobv1.FailWorkRequest{Released: true, Failure: unreachable()})
		default:
			_, _, err = b.CompleteChunk(b.t.Context(), b.by(id, epoch))
		}
		if !ours(err) {
			b.t.Error(err)
			return
		}
	}
}

// Workers, second deliveries and a cancel race on one job. Whoever wins: no
// deadlock, and the rows agree with one another.
func TestRacesOnOneJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const chunksOfJob, rounds = 8, 12
	for round := range rounds {
		j := b.planned(chunksOfJob)
		ids := make([]uuid.UUID, chunksOfJob)
		for number := range ids {
			ids[number] = b.work(j.ID, subjects.Read, int32(number))
		}
		var group sync.WaitGroup
		for i := range 2 * chunksOfJob { // each is delivered twice
			random := rand.New(rand.NewPCG(uint64(round), uint64(i)))
			group.Go(func() { b.worker(ids[i%chunksOfJob], random) })
		}
		if round%2 == 0 {
			group.Go(func() {
				if _, err := b.Cancel(t.Context(), tenantA, j.ID); !ours(err) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		b.requireInvariants(j.ID)
		if state := b.get(j.ID).State; state == ingest.Closing || state == ingest.Discarding {
			b.closed(j.ID)
			b.requireInvariants(j.ID)
		}
		require.True(t, b.get(j.ID).State.Ended())
	}
	require.Zero(t, value[int](b, `SELECT count(*) FROM outbox WHERE lane IS NOT NULL`), "ended jobs leave no work in the outbox")
}

// requireInvariants requires that the rows of a job agree.
func (b *bundle) requireInvariants(id uuid.UUID) {
	b.t.Helper()
	j := b.get(id)
	count := func(condition string) int {
		return value[int](b, `SELECT count(*) FROM work WHERE job_id = $1 AND run = $2 AND `+condition, id, j.Run)
	}
	require.EqualValues(b.t, j.ChunksRemaining, count(`layer = 'read' AND state <> 'done'`))
	require.EqualValues(b.t, j.ChunksTotal, count(`layer = 'read'`))
	require.EqualValues(b.t, j.BytesDone, 1000*count(`layer = 'read' AND state = 'done'`))
	require.LessOrEqual(b.t, count(`layer = 'close'`), 1)
	open := value[int](b, `SELECT count(*) FROM work w LEFT JOIN outbox o ON o.work_id = w.id
		WHERE w.job_id = $1 AND (w.state IN ('waiting', 'running')) <> (o.id IS NOT NULL)`, id)
	require.Zero(b.t, open, "work is in the outbox while it is wanted, and no longer")
	switch j.State {
	case ingest.Closing, ingest.Completed:
		require.Zero(b.t, j.ChunksRemaining)
		require.Nil(b.t, j.Failure)
	case ingest.Discarding, ingest.Failed, ingest.Cancelled:
		require.Zero(b.t, count(`layer <> 'close' AND state IN ('waiting', 'running')`))
		require.Equal(b.t, *j.Outcome == ingest.Failed, j.Failure != nil)
	}
	var last int64
	for _, event := range b.facts(id) {
		require.Greater(b.t, event.GetRevision(), last)
		last = event.GetRevision()
	}
	require.Equal(b.t, j.Revision, last)
}

// Cancel and retry by several people at once make one run after the other.
func TestCancelAndRetryRace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.submit()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 10 {
				if _, err := b.Cancel(t.Context(), tenantA, j.ID); !ours(err) {
					t.Error(err)
				}
				if _, err := b.Retry(t.Context(), tenantA, j.ID); !ours(err) {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	b.requireInvariants(j.ID)
	j = b.get(j.ID)
	require.Equal(t, j.Run, value[int32](b, `SELECT count(*) FROM work WHERE job_id = $1 AND layer = 'analyse'`, j.ID))
	require.LessOrEqual(t, value[int](b, `SELECT count(*) FROM work WHERE job_id = $1 AND state IN ('waiting', 'running')`, j.ID), 1)
}
