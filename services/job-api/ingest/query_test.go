package ingest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

// labels lists all pages of a request, by label.
func (b *bundle) labels(tenant string, r *jobv1.ListJobsRequest) [][]string {
	b.t.Helper()
	var pages [][]string
	for {
		jobs, next, err := b.List(b.t.Context(), tenant, r)
		require.NoError(b.t, err)
		page := []string{}
		for _, j := range jobs {
			page = append(page, j.Spec.GetLabel())
		}
		pages = append(pages, page)
		if r.PageToken = next; next == "" {
			return pages
		}
	}
}

func named(label string) func(r *jobv1.CreateJobRequest) {
	return edit(func(s *jobv1.IngestSpec) { s.Label = label })
}

func TestListPagesInBothOrders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, [][]string{{}}, b.labels(tenantA, &jobv1.ListJobsRequest{}))
	for i := range 5 {
		b.submit(named(fmt.Sprint(i)))
	}
	require.Equal(t, [][]string{{"4", "3"}, {"2", "1"}, {"0"}}, b.labels(tenantA, &jobv1.ListJobsRequest{PageSize: 2}))
	require.Equal(t, [][]string{{"0", "1"}, {"2", "3"}, {"4"}}, b.labels(tenantA, &jobv1.ListJobsRequest{PageSize: 2, OldestFirst: true}))
	require.Equal(t, [][]string{{"4", "3", "2", "1", "0"}}, b.labels(tenantA, &jobv1.ListJobsRequest{PageSize: 5}), "no empty page follows")
	require.Equal(t, [][]string{{}}, b.labels(tenantB, &jobv1.ListJobsRequest{}))
}

// Jobs of one bulk may have been made in the same microsecond.
func TestListPagesThroughJobsOfOneInstant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := b.Submit(t.Context(), tenantA, slices.Repeat([]*jobv1.CreateJobRequest{request()}, 10))
	require.NoError(t, err)
	_, err = b.db.Exec(t.Context(), `UPDATE job SET created_at = '2026-01-01 00:00:00.123456Z'`)
	require.NoError(t, err)
	seen := map[uuid.UUID]bool{}
	r := &jobv1.ListJobsRequest{PageSize: 3}
	for pages := 1; ; pages++ {
		jobs, next, err := b.List(t.Context(), tenantA, r)
		require.NoError(t, err)
		for _, j := range jobs {
			require.False(t, seen[j.ID])
			seen[j.ID] = true
		}
		if r.PageToken = next; next == "" {
			require.Equal(t, 4, pages)
			break
		}
	}
	require.Len(t, seen, 10)
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.submit(named("Night of 100% rain"))
	b.submit(named("day"), edit(func(s *jobv1.IngestSpec) { s.Url = "https://media.example/under_score.wav" }))
	j := b.planned(1, named("reading"))
	for _, c := range []struct {
		request *jobv1.ListJobsRequest
		want    []string
	}{
		{&jobv1.ListJobsRequest{Text: "NIGHT"}, []string{"Night of 100% rain"}},
		{&jobv1.ListJobsRequest{Text: "0%"}, []string{"Night of 100% rain"}},
		{&jobv1.ListJobsRequest{Text: "r_s"}, []string{"day"}},
		{&jobv1.ListJobsRequest{Text: "n_g"}, []string{}},
		{&jobv1.ListJobsRequest{Text: `\`}, []string{}},
		{&jobv1.ListJobsRequest{Text: "'; DROP TABLE job; --"}, []string{}},
		{&jobv1.ListJobsRequest{Text: j.ID.String()[20:]}, []string{"reading"}},
		{&jobv1.ListJobsRequest{States: []jobv1.JobState{jobv1.JobState_JOB_STATE_READING}}, []string{"reading"}},
		{&jobv1.ListJobsRequest{States: []jobv1.JobState{jobv1.JobState_JOB_STATE_FAILED}}, []string{}},
		{&jobv1.ListJobsRequest{
			States: []jobv1.JobState{jobv1.JobState_JOB_STATE_READING, jobv1.JobState_JOB_STATE_ANALYSING}, Text: "day",
		}, []string{"day"}},
		{&jobv1.ListJobsRequest{States: []jobv1.JobState{jobv1.JobState_JOB_STATE_UNSPECIFIED}}, []string{}},
	} {
		require.Equal(t, [][]string{c.want}, b.labels(tenantA, c.request), "%v", c.request)
	}
}

// Who may list jobs must not find out by searching what the list does not show.
func TestListSearchesNoSecrets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.submit(named("signed"), edit(func(s *jobv1.IngestSpec) {
		s.Url = "https://ada:hunter2@media.example/clip.wav?X-Amz-Signature=c0ffee#sesame"
	}))
	for text, found := range map[string]bool{
		"media.example/clip": true, "X-Amz-Signature": true, "c0ffee": false, "hunter2": false, "ada": false, "sesame": false, "Signature=c": false,
	} {
		want := []string{}
		if found {
			want = []string{"signed"}
		}
		require.Equal(t, [][]string{want}, b.labels(tenantA, &jobv1.ListJobsRequest{Text: text}), text)
	}
}

func TestListRefusesWhatItDidNotGive(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, token := range []string{"!", "bm90aGluZw", "MjAyNi0wMS0wMVQwMDowMDowMFogeA"} {
		_, _, err := b.List(t.Context(), tenantA, &jobv1.ListJobsRequest{PageToken: token})
		requireFault(t, err, fault.InvalidArgument, "page_token")
	}
	_, _, err := b.List(t.Context(), tenantA, &jobv1.ListJobsRequest{Text: "a\x00"})
	requireFault(t, err, fault.InvalidArgument, "text holds a zero byte")
}

func TestPageSizesAreBounded(t *testing.T) {
	t.Parallel()
	for asked, want := range map[int32]int{-1: 100, 0: 100, 1: 1, 1000: 1000, 1001: 1000} {
		require.Equal(t, want, ingest.PageSize(asked))
	}
}

func TestChunksOfAJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.planned(6)
	b.complete(j.ID, 0)
	b.start(b.work(j.ID, subjects.Read, 1))
	failed := b.work(j.ID, subjects.Read, 2)
	_, err := b.Fail(t.Context(), b.by(failed, b.start(failed)), &jobv1.FailWorkRequest{Failure: unreachable()})
	require.NoError(t, err)
	_, err = b.db.Exec(t.Context(), `UPDATE outbox SET published_at = CASE WHEN work_id = $1 THEN now() END WHERE lane = 'read'`, b.work(j.ID, subjects.Read, 3))
	require.NoError(t, err)

	list, err := b.Chunks(t.Context(), tenantA, j.ID, -1, 0)
	require.NoError(t, err)
	require.Len(t, list, 6)
	states := make([]string, 6)
	for i, c := range list {
		require.EqualValues(t, i, c.GetNumber())
		require.EqualValues(t, 1000, c.GetBytesTotal())
		require.Equal(t, "[0:0_1:0)", c.GetTimerange())
		states[i] = c.GetState()
	}
	require.Equal(t, []string{"done", "running", "waiting", "queued", "waiting", "waiting"}, states)
	require.EqualValues(t, 1000, list[0].GetBytesDone())
	require.Zero(t, list[1].GetBytesDone())
	require.EqualValues(t, 1, list[2].GetAttempts())
	requireSame(t, unreachable(), list[2].GetFailure())

	list, err = b.Chunks(t.Context(), tenantA, j.ID, 3, 1)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.EqualValues(t, 4, list[0].GetNumber())
	list, err = b.Chunks(t.Context(), tenantA, j.ID, 5, 1)
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestTraceTellsThePathOfAJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.planned(1, withURL("https://user:hush@media.example/film.wav?token=hush"))
	read := b.work(j.ID, subjects.Read, 0)
	b.start(read)
	b.complete(j.ID, 0)
	b.closed(j.ID)
	steps, err := b.Trace(t.Context(), b.get(j.ID))
	require.NoError(t, err)
	var told []string
	for i, s := range steps {
		told = append(told, s.GetService()+" "+s.GetWhat()+" "+s.GetLayer())
		require.NotContains(t, s.GetDetail(), "hush")
		require.EqualValues(t, 1, s.GetRun())
		require.GreaterOrEqual(t, s.GetDurationNs(), int64(0))
		require.True(t, i == 0 || steps[i-1].GetAtUnixNs() <= s.GetAtUnixNs())
	}
	require.Equal(t, []string{
		"job-api accepted ", "job-api queued analyse", "analyser started analyse", "analyser done analyse",
		"job-api queued chunk", "chunker started chunk", "job-api queued read", "chunker done chunk",
		"reader started read", "reader done read",
		"job-api queued close", "media-store started close", "media-store done close", "job-api completed ",
	}, told)
	done := steps[9]
	require.Equal(t, read.String(), done.GetWorkId())
	require.EqualValues(t, 2, done.GetEpoch())
	require.Equal(t, "chunk 0 worker-1, attempt 2", done.GetDetail())
}

func TestTraceTellsFailures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	j := b.stands()[ingest.Failed]()
	_, err := b.Retry(t.Context(), tenantA, j.ID)
	require.NoError(t, err)
	steps, err := b.Trace(t.Context(), b.get(j.ID))
	require.NoError(t, err)
	dead := steps[3]
	require.Equal(t, []string{"analyser", "dead", truncated().GetMessage()}, []string{dead.GetService(), dead.GetWhat(), dead.GetDetail()})
	last := steps[len(steps)-1]
	require.Equal(t, "queued", last.GetWhat())
	require.EqualValues(t, 2, last.GetRun())
}

func TestDeleteEnded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	stands := b.stands()
	for _, stand := range stands {
		stand()
	}
	n, err := b.DeleteEnded(t.Context(), time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Zero(t, n)
	n, err = b.DeleteEnded(t.Context(), time.Now().Add(time.Hour))
	require.NoError(t, err)
	require.EqualValues(t, 3, n)
	require.Equal(t, len(stands)-3, value[int](b, `SELECT count(*) FROM job`))
	require.Zero(t, value[int](b, `SELECT count(*) FROM job WHERE finished_at IS NOT NULL`))
	require.Zero(t, value[int](b, `SELECT count(*) FROM work w LEFT JOIN job j ON j.id = w.job_id WHERE j.id IS NULL`))
}
