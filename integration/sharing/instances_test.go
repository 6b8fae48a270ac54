package sharing_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// TestTwoInstancesDoEachJobOnce has two of every service on the same neighbours.
func TestTwoInstancesDoEachJobOnce(t *testing.T) {
	t.Parallel()
	const jobs = 50
	mesh := harness.New(t, harness.Options{})
	instances := []*harness.Mesh{mesh, mesh.Twin(t)}
	requests := make([]*jobv1.CreateJobRequest, jobs)
	files := map[string][]byte{} // by URL
	for i := range requests {
		// Each file differs in its length.
		file := harness.WAV(harness.SampleRate + i)
		url := mesh.Source.Set(fmt.Sprintf("/%d.wav", i), harness.File(file))
		files[url] = file
		requests[i] = &jobv1.CreateJobRequest{Spec: &jobv1.IngestSpec{Url: url}}
	}
	var ids []string
	for i, instance := range instances {
		half := requests[i*jobs/2 : (i+1)*jobs/2]
		response, err := instance.User(t, "acme").Jobs.CreateJobs(t.Context(), &jobv1.CreateJobsRequest{Jobs: half})
		require.NoError(t, err)
		for _, job := range response.GetJobs() {
			ids = append(ids, job.GetId())
		}
	}
	for i, id := range ids {
		user := instances[i%2].User(t, "acme") // whichever is asked
		job := user.Await(t, id)
		require.Equal(t, jobv1.JobState_JOB_STATE_COMPLETED, job.GetState(), "%v", job.GetFailure())
		require.Len(t, job.GetFlowIds(), 2)
		essence := user.Window(t, job.GetFlowIds()[0], "format=raw&timerange=_")
		require.Equal(t, http.StatusOK, essence.Status, "%.500s", essence.Body)
		require.Equal(t, sha256.Sum256(files[job.GetSpec().GetUrl()][harness.WAVHeader:]), sha256.Sum256(essence.Body))
	}
	requireDoneOnce(t, mesh, jobs)
}

// requireDoneOnce says that every piece of work is done, and that each of so many jobs
// of one chunk has one segment.
func requireDoneOnce(t *testing.T, mesh *harness.Mesh, jobs int) {
	t.Helper()
	var unfinished, registrations, segments int
	err := mesh.Database(t).QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM job.work WHERE state <> 'done'),
			(SELECT count(*) FROM store.registration), (SELECT count(*) FROM store.segment)`).Scan(&unfinished, &registrations, &segments)
	require.NoError(t, err)
	require.Zero(t, unfinished)
	require.Equal(t, jobs, registrations)
	require.Equal(t, jobs, segments)
}
