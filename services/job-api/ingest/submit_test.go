package ingest_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

func withKey(key string) *jobv1.CreateJobRequest {
	r := request()
	r.IdempotencyKey = key
	return r
}

func TestSubmitMakesAJobAndItsFirstWork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.submit(func(r *jobv1.CreateJobRequest) { r.Priority = 7 })
	j := b.get(made.ID)
	requireSame(t, made.Public(), j.Public())
	require.Equal(t, ingest.Analysing, j.State)
	require.Equal(t, "wav", j.Kind)
	require.Equal(t, "here", j.Region)
	require.EqualValues(t, 1, j.Run)
	require.EqualValues(t, 7, j.Priority)
	require.Equal(t, int64(1<<20), j.Sizes.GetChunkBytes())
	require.True(t, b.queued(b.work(j.ID, subjects.Analyse, 0)))
	require.Len(t, b.facts(j.ID), 1)
}

func TestSubmitWithoutMIMETypeLeavesTheFormatOpen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.submit(func(r *jobv1.CreateJobRequest) { r.Spec.MimeType = "" })
	require.Equal(t, "any", j.Kind)
	subject := value[string](b, `SELECT subject FROM outbox WHERE lane = 'analyse'`)
	require.Equal(t, "work.analyse.any."+b.work(j.ID, subjects.Analyse, 0).String(), subject)
}

func TestAnIdempotencyKeyMakesOneJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first, err := b.Submit(t.Context(), tenantA, []*jobv1.CreateJobRequest{withKey("k")})
	require.NoError(t, err)
	again, err := b.Submit(t.Context(), tenantA, []*jobv1.CreateJobRequest{withKey("k")})
	require.NoError(t, err)
	requireSame(t, first[0].Public(), again[0].Public())
	require.Equal(t, 1, value[int](b, `SELECT count(*) FROM job`))
	require.Equal(t, 1, value[int](b, `SELECT count(*) FROM work`))
	require.Len(t, b.facts(first[0].ID), 1)

	other, err := b.Submit(t.Context(), tenantB, []*jobv1.CreateJobRequest{withKey("k")})
	require.NoError(t, err)
	require.NotEqual(t, first[0].ID, other[0].ID, "keys of tenants are apart")

	different := withKey("k")
	different.Spec.Label = "another film"
	_, err = b.Submit(t.Context(), tenantA, []*jobv1.CreateJobRequest{different})
	requireFault(t, err, fault.IdempotencyConflict, `"k"`)
}

func TestAKeyTwiceInOneRequestMakesOneJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	jobs, err := b.Submit(t.Context(), tenantA, []*jobv1.CreateJobRequest{withKey("k"), withKey(""), withKey("k"), withKey("")})
	require.NoError(t, err)
	require.Equal(t, jobs[0].ID, jobs[2].ID)
	require.NotEqual(t, jobs[1].ID, jobs[3].ID)
	require.Equal(t, 3, value[int](b, `SELECT count(*) FROM job`))
}

func TestOneKeySubmittedAtOnceMakesOneJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	forward := []*jobv1.CreateJobRequest{withKey("a"), withKey("b"), withKey("c")}
	backward := slices.Clone(forward)
	slices.Reverse(backward) // takes the keys in the other order, which can deadlock
	ids := make([][]uuid.UUID, 8)
	var group sync.WaitGroup
	for i := range ids {
		group.Go(func() {
			requests := [][]*jobv1.CreateJobRequest{forward, backward}[i%2]
			jobs, err := b.Submit(t.Context(), tenantA, requests)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = []uuid.UUID{jobs[0].ID, jobs[1].ID, jobs[2].ID}
			if i%2 == 1 {
				slices.Reverse(ids[i])
			}
		})
	}
	group.Wait()
	for _, got := range ids {
		require.Equal(t, ids[0], got)
	}
	require.Equal(t, 3, value[int](b, `SELECT count(*) FROM job`))
}

func TestBulkIsAllOrNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bad := request()
	bad.Spec.Url = "ftp://media.example/film.wav"
	_, err := b.Submit(t.Context(), tenantA, []*jobv1.CreateJobRequest{request(), request(), bad})
	requireFault(t, err, fault.InvalidArgument, "job 3 of 3: ")
	require.Zero(t, value[int](b, `SELECT count(*) FROM job`))

	_, err = b.Submit(t.Context(), tenantA, []*jobv1.CreateJobRequest{withKey("k")})
	require.NoError(t, err)
	conflict := withKey("k")
	conflict.Priority = 1
	_, err = b.Submit(t.Context(), tenantA, []*jobv1.CreateJobRequest{request(), conflict})
	requireFault(t, err, fault.IdempotencyConflict, "job 2 of 2: ")
	require.Equal(t, 1, value[int](b, `SELECT count(*) FROM job`))
	require.Equal(t, 2, value[int](b, `SELECT count(*) FROM outbox`), "a fact and a piece of work of the one job")
}

func TestBulkIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Submit(t.Context(), tenantA, nil)
	requireFault(t, err, fault.InvalidArgument, "0 jobs in one request, want 1 to 1000")
	_, err = b.Submit(t.Context(), tenantA, slices.Repeat([]*jobv1.CreateJobRequest{request()}, ingest.MaxBulk+1))
	requireFault(t, err, fault.InvalidArgument, "1001 jobs")

	jobs, err := b.Submit(t.Context(), tenantA, slices.Repeat([]*jobv1.CreateJobRequest{request()}, ingest.MaxBulk))
	require.NoError(t, err)
	require.Len(t, jobs, ingest.MaxBulk)
	require.Equal(t, ingest.MaxBulk, value[int](b, `SELECT count(*) FROM work WHERE layer = 'analyse'`))
}

func TestWhatIsSubmittedIsPublished(t *testing.T) {
	t.Parallel()
	b := setup(t)
	sent := make(chan bus.Outgoing, 8)
	b.queue.publish = func(messages []bus.Outgoing) []error {
		for _, m := range messages {
			sent <- m
		}
		return make([]error, len(messages))
	}
	j := b.submit()
	var running sync.WaitGroup
	defer running.Wait()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	running.Go(func() {
		if err := b.publisher.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	got := []string{(<-sent).Subject, (<-sent).Subject}
	require.ElementsMatch(t, []string{
		subjects.JobChanged.Changed(j.ID.String(), "analysing"),
		subjects.Analyse.Work("wav", b.work(j.ID, subjects.Analyse, 0).String()),
	}, got)
}
