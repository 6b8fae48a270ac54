package faults_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	wire "github.com/grainmesh/grainmesh/pkg/fault"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// requireComplete says that the job has completed as if nothing had happened.
func requireComplete(t *testing.T, s *scene) {
	t.Helper()
	job := s.user.Await(t, s.job)
	require.Equal(t, jobv1.JobState_JOB_STATE_COMPLETED, job.GetState(), "%v", job.GetFailure())
	require.EqualValues(t, chunks, job.GetChunksDone())
	s.requireWorkEnded(t, "done")

	flow := job.GetFlowIds()[0]
	held, err := s.user.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: flow})
	require.NoError(t, err)
	require.EqualValues(t, 25*chunks, held.GetGrains(), "grains of 40 ms")
	s.requireOnTimeLine(t, flow, 25*chunks)
	essence := s.user.Window(t, flow, "format=raw&timerange=_")
	require.Equal(t, http.StatusOK, essence.Status, "%.500s", essence.Body)
	require.Equal(t, sha256.Sum256(s.file[harness.WAVHeader:]), sha256.Sum256(essence.Body), "the samples of the source")
}

// requireNothing says that the job has failed, and that nothing of it can be read.
func requireNothing(t *testing.T, s *scene) {
	t.Helper()
	job := s.user.Await(t, s.job)
	require.Equal(t, jobv1.JobState_JOB_STATE_FAILED, job.GetState())
	require.Equal(t, string(wire.SourceChanged), job.GetFailure().GetCode(), job.GetFailure().GetMessage())
	s.requireOutboxEmpty(t)
	for _, flow := range job.GetFlowIds() {
		gone := s.user.Get(t, harness.TAMS+"/flows/"+flow)
		require.Equal(t, http.StatusNotFound, gone.Status, "%s", gone.Body)
		s.requireOnTimeLine(t, flow, 0)
	}
	s.requireNone(t, "objects are still referred to", `
		SELECT count(*) FROM store.object o JOIN store.flow f ON f.id = o.flow_id WHERE f.job_id = $1 AND o.state = 'registered'`, s.job)
}

// requireWorkEnded says that each piece of work ended once, in the given state, and
// that the owner takes no report of an older epoch.
func (s *scene) requireWorkEnded(t *testing.T, state string) {
	t.Helper()
	s.requireNone(t, "work that has not ended so", `SELECT count(*) FROM job.work WHERE job_id = $1 AND state <> $2`, s.job, state)
	s.requireOutboxEmpty(t)
	rows, err := s.database.Query(t.Context(), `SELECT id::text, epoch FROM job.work WHERE job_id = $1 AND layer = 'read'`, s.job)
	require.NoError(t, err)
	defer rows.Close()
	reports := s.mesh.Reports(t, "reader")
	for rows.Next() {
		var id string
		var epoch int32
		require.NoError(t, rows.Scan(&id, &epoch))
		_, err := reports.CompleteChunk(t.Context(), &jobv1.CompleteChunkRequest{Id: id, Epoch: epoch - 1})
		require.True(t, wire.Is(err, wire.StaleEpoch), "%v", err)
	}
	require.NoError(t, rows.Err())
}

// requireOutboxEmpty waits until no work of the job is to be published again; that of a
// killed publisher goes with the start that finds it done.
func (s *scene) requireOutboxEmpty(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		var n int
		err := s.database.QueryRow(t.Context(), `SELECT count(*) FROM job.outbox WHERE group_id = $1`, s.job).Scan(&n)
		return err == nil && n == 0
	}, patience, look, "work is left in the outbox")
}

// requireOnTimeLine says that the segments of a Flow hold so many grains, follow one
// another without gap and overlap, and that no object stands on it twice.
func (s *scene) requireOnTimeLine(t *testing.T, flow string, grains int) {
	t.Helper()
	var held, objects, segments, breaks int
	err := s.database.QueryRow(t.Context(), `
		SELECT coalesce(sum(grains), 0), count(DISTINCT object_id), count(*), count(*) FILTER (WHERE start_ns <> before)
		FROM (
			SELECT s.object_id, s.start_ns, o.grains, lag(s.end_ns) OVER (ORDER BY s.start_ns) AS before
			FROM store.segment s JOIN store.object o ON o.tenant_id = s.tenant_id AND o.id = s.object_id AND o.state = 'registered'
			WHERE s.flow_id = $1
		) line`, flow).Scan(&held, &objects, &segments, &breaks)
	require.NoError(t, err)
	require.Equal(t, grains, held)
	require.Equal(t, objects, segments)
	require.Zero(t, breaks, "gaps and overlaps")
}

func (s *scene) requireNone(t *testing.T, what, query string, args ...any) {
	t.Helper()
	var n int
	require.NoError(t, s.database.QueryRow(context.WithoutCancel(t.Context()), query, args...).Scan(&n))
	require.Zero(t, n, what)
}
