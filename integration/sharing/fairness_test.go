package sharing_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	jobapi "github.com/grainmesh/grainmesh/services/job-api"
	"github.com/grainmesh/grainmesh/services/reader"
)

const (
	// look is how often a condition is looked at, patience how long.
	look     = 5 * time.Millisecond
	patience = 60 * time.Second

	// grainBytes is a grain of 40 ms of the WAV, which is a chunk here.
	grainBytes = harness.SampleRate / 25 * harness.FrameBytes
	largeJob   = 2_000 // chunks
	// outstanding is how many chunks of one job are handed out at a time.
	outstanding = 4
)

// TestLargeJobDoesNotStandInTheWay counts how many chunks of a large job end before the
// one chunk of a small one: no more than there are slots is no more than the time of one
// chunk.
func TestLargeJobDoesNotStandInTheWay(t *testing.T) {
	t.Parallel()
	for _, slots := range []int{outstanding, 2 * outstanding} {
		t.Run(fmt.Sprintf("%d slots", slots), func(t *testing.T) {
			t.Parallel()
			mesh := harness.New(t, harness.Options{Adjust: smallChunks(slots)})
			gate := newTickets()
			mesh.Source.MisbehaveAt("/large.wav", gate.hold)
			large, small := mesh.User(t, "studio"), mesh.User(t, "reporter")
			hog := large.Submit(t, &jobv1.IngestSpec{Url: mesh.Source.Set("/large.wav", fileOf(largeJob))}).GetId()
			await(t, large, hog, jobv1.JobState_JOB_STATE_READING)
			require.Eventually(t, func() bool { return gate.holding(outstanding) }, patience, look, "the large job does not fill the readers")

			clip := small.Submit(t, &jobv1.IngestSpec{Url: mesh.Source.Set("/clip.wav", fileOf(1))}).GetId()
			await(t, small, clip, jobv1.JobState_JOB_STATE_READING, jobv1.JobState_JOB_STATE_CLOSING, jobv1.JobState_JOB_STATE_COMPLETED)
			before := letThrough(t, gate, slots, func() bool { return isRead(t, small, clip) })
			t.Logf("%d chunks of the large job went before", before)

			require.Equal(t, jobv1.JobState_JOB_STATE_COMPLETED, small.Await(t, clip).GetState())
			require.EqualValues(t, largeJob, jobOf(t, large, hog).GetChunksTotal())
			_, err := large.Jobs.CancelJob(t.Context(), &jobv1.CancelJobRequest{Id: hog})
			require.NoError(t, err)
			gate.endAll()
			require.Equal(t, jobv1.JobState_JOB_STATE_CANCELLED, large.Await(t, hog).GetState())
		})
	}
}

// smallChunks makes a chunk of every grain, and readers of so many slots.
func smallChunks(slots int) func(config any) {
	return func(config any) {
		switch c := config.(type) {
		case *jobapi.Config:
			c.OutstandingPerJob = outstanding
			c.ChunkBytes, c.ChunkDuration, c.AudioObject = grainBytes, 40*time.Millisecond, grainBytes
		case *reader.Config:
			c.Slots = slots
		}
	}
}

// letThrough lets chunks of the large job end, one at a time, until the small one has
// had its turn, and returns how many. Whenever a slot is free it waits for who takes it.
func letThrough(t *testing.T, gate *tickets, slots int, turn func() bool) int {
	t.Helper()
	for given := 0; ; given++ {
		require.Eventually(t, func() bool { return turn() || gate.holding(slots) }, patience, look, "a free slot is not used")
		if turn() {
			return given
		}
		require.Less(t, given, slots, "every slot was given back once")
		gate.give()
	}
}

func fileOf(chunks int) rangetest.File {
	return harness.File(harness.WAV(chunks * grainBytes / harness.FrameBytes))
}

func jobOf(t *testing.T, user *harness.User, id string) *jobv1.Job {
	t.Helper()
	response, err := user.Jobs.GetJob(t.Context(), &jobv1.GetJobRequest{Id: id})
	require.NoError(t, err)
	return response.GetJob()
}

func await(t *testing.T, user *harness.User, id string, states ...jobv1.JobState) {
	t.Helper()
	require.Eventually(t, func() bool { return slices.Contains(states, jobOf(t, user, id).GetState()) }, patience, look, "job %s is none of %v", id, states)
}

// isRead says whether the chunks of a job are done, of which there is at least one. A
// reader tells so before it takes the next.
func isRead(t *testing.T, user *harness.User, id string) bool {
	t.Helper()
	job := jobOf(t, user, id)
	return job.GetChunksTotal() > 0 && job.GetChunksDone() == job.GetChunksTotal()
}
