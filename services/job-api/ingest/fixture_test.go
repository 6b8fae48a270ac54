package ingest_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats/all"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
	"github.com/grainmesh/grainmesh/services/job-api/migrations"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

const tenantA, tenantB = "alpha", "beta"

// maxAttempts is after how many attempts work is dead in these tests.
const maxAttempts = 3

// queue is an outbox.Queue that is told what to answer.
type queue struct {
	publish func(messages []bus.Outgoing) []error
}

var _ outbox.Queue = (*queue)(nil)

func (q *queue) Publish(_ context.Context, messages []bus.Outgoing) []error {
	return q.publish(messages)
}

func (q *queue) EnsureStreams(context.Context, ...subjects.Layer) error { return nil }

// bundle is the owner of jobs on a database of its own. Nobody publishes its outbox
// unless a test runs the publisher: what goes out stands in the table.
type bundle struct {
	*ingest.Jobs
	t         *testing.T
	db        *pg.DB
	queue     *queue
	publisher *outbox.Publisher
}

func config() ingest.Config {
	return ingest.Config{
		Region: "here", PerJob: 2, MaxAttempts: maxAttempts, RetryBase: time.Minute,
		Sizes: &jobv1.Sizes{ChunkBytes: 1 << 20, MaxChunkBytes: 1 << 22},
	}
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db := openDB(t, meshtest.Database(t, migrated(t)))
	b := &bundle{t: t, db: db, queue: &queue{}}
	signal := db.NewSignal("outbox")
	publishing := outbox.DefaultConfig()
	publishing.Window = map[subjects.Layer]int{subjects.Analyse: 32, subjects.Chunk: 32, subjects.Read: 32, subjects.Close: 32}
	b.publisher = outbox.NewPublisher(db, b.queue, signal, subjects.Layers(), publishing, telemetry.Discard())
	b.Jobs = b.owner(config())
	return b
}

// in returns the bundle for a subtest.
func (b *bundle) in(t *testing.T) *bundle {
	c := *b
	c.t = t
	return &c
}

// owner makes an owner of the same jobs with another configuration.
func (b *bundle) owner(c ingest.Config) *ingest.Jobs {
	b.t.Helper()
	trace, err := telemetry.NewTracing(b.t.Context(), "test", "")
	require.NoError(b.t, err)
	registry, err := all.Registry()
	require.NoError(b.t, err)
	return ingest.New(b.db, b.publisher, trace, registry, c)
}

// migrated is the template of a database with the schema job.
func migrated(t *testing.T) meshtest.Template {
	t.Helper()
	names, err := fs.Glob(migrations.FS, "*.sql")
	require.NoError(t, err)
	hash := sha256.New()
	for _, name := range names {
		text, err := fs.ReadFile(migrations.FS, name)
		require.NoError(t, err)
		_, _ = hash.Write(text)
	}
	return meshtest.Template{
		Name: "job", Hash: hex.EncodeToString(hash.Sum(nil))[:16],
		Migrate: func(ctx context.Context, url string) error {
			db, err := pg.Open(ctx, url, "job", 2)
			if err != nil {
				return err
			}
			defer db.Close()
			return db.Migrate(ctx, migrations.FS)
		},
	}
}

func openDB(t *testing.T, url string) *pg.DB {
	t.Helper()
	db, err := pg.Open(t.Context(), url, "job", 16)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// request asks for the ingest of a WAV file.
func request() *jobv1.CreateJobRequest {
	return &jobv1.CreateJobRequest{Spec: &jobv1.IngestSpec{Url: "https://media.example/film.wav", MimeType: "audio/wav", Label: "film"}}
}

// submit makes a job.
func (b *bundle) submit(change ...func(r *jobv1.CreateJobRequest)) *ingest.Job {
	b.t.Helper()
	r := request()
	for _, f := range change {
		f(r)
	}
	jobs, err := b.Submit(b.t.Context(), tenantA, []*jobv1.CreateJobRequest{r})
	require.NoError(b.t, err)
	require.Len(b.t, jobs, 1)
	return jobs[0]
}

// get reads a job anew.
func (b *bundle) get(id uuid.UUID) *ingest.Job {
	b.t.Helper()
	j, err := b.Get(b.t.Context(), tenantA, id)
	require.NoError(b.t, err)
	return j
}

// work returns the id of a piece of work of the job's present run.
func (b *bundle) work(job uuid.UUID, layer subjects.Layer, number int32) uuid.UUID {
	b.t.Helper()
	return value[uuid.UUID](b, `SELECT w.id FROM work w JOIN job j ON j.id = w.job_id AND j.run = w.run
		WHERE j.id = $1 AND w.layer = $2 AND w.number = $3`, job, layer, number)
}

// workState returns where a piece of work stands.
func (b *bundle) workState(id uuid.UUID) ingest.WorkState {
	b.t.Helper()
	return value[ingest.WorkState](b, `SELECT state FROM work WHERE id = $1`, id)
}

// value reads one value.
func value[T any](b *bundle, sql string, args ...any) T {
	b.t.Helper()
	var v T
	require.NoError(b.t, b.db.QueryRow(b.t.Context(), sql, args...).Scan(&v))
	return v
}

// start starts a piece of work that must be wanted, and returns its epoch.
func (b *bundle) start(id uuid.UUID) int32 {
	b.t.Helper()
	r := b.startAs(id, jobv1.StartStatus_START_STATUS_STARTED)
	return r.GetEpoch()
}

// startAs starts a piece of work that must be answered with a status.
func (b *bundle) startAs(id uuid.UUID, want jobv1.StartStatus) *jobv1.StartWorkResponse {
	b.t.Helper()
	r, err := b.Start(b.t.Context(), id, "worker-1")
	require.NoError(b.t, err)
	require.Equal(b.t, want, r.GetStatus())
	return r
}

// analysis is what an analyser finds in a WAV file of 3,000 bytes.
func analysis() *mediav1.Analysis {
	return &mediav1.Analysis{
		Format: "wav", MimeType: "audio/wav", Size: 3000, Etag: `"one"`, State: []byte("private to the format"),
		Tracks: []*mediav1.Track{{Number: 1, Flow: &mediav1.Flow{
			Format: "urn:x-nmos:format:audio", CodecConfigs: []*mediav1.CodecConfig{{Fourcc: "wave", DecoderConfig: []byte("private to the codec")}},
		}}},
	}
}

// chunks makes a plan of n chunks of 1,000 bytes for a Flow.
func chunks(flow uuid.UUID, n int) []*mediav1.Chunk {
	list := make([]*mediav1.Chunk, n)
	for i := range list {
		list[i] = &mediav1.Chunk{
			Number: int32(i), ByteStart: int64(i) * 1000, ByteEnd: int64(i+1) * 1000,
			Tracks: []*mediav1.ChunkTrack{{Number: 1, FlowId: flow.String(), Timerange: "[0:0_1:0)", Objects: 1}},
		}
	}
	return list
}

// analysed brings a new job to CHUNKING.
func (b *bundle) analysed(change ...func(r *jobv1.CreateJobRequest)) *ingest.Job {
	b.t.Helper()
	j := b.submit(change...)
	id := b.work(j.ID, subjects.Analyse, 0)
	require.NoError(b.t, b.ReportAnalysis(b.t.Context(), b.by(id, b.start(id)), analysis()))
	return b.inState(j.ID, ingest.Chunking)
}

// planned brings a new job to READING (CLOSING without chunks).
func (b *bundle) planned(n int, change ...func(r *jobv1.CreateJobRequest)) *ingest.Job {
	b.t.Helper()
	j := b.analysed(change...)
	id := b.work(j.ID, subjects.Chunk, 0)
	require.NoError(b.t, b.ReportChunks(b.t.Context(), b.by(id, b.start(id)), plan(0, n)))
	return b.get(j.ID)
}

// plan is the whole report of a plan of n chunks, with new Flows.
func plan(epoch int32, n int) *jobv1.ReportChunksRequest {
	essence, multi := uuid.New(), uuid.New()
	return &jobv1.ReportChunksRequest{
		Epoch: epoch, Chunks: chunks(essence, n), Last: true,
		Flows: []*mediav1.Flow{{Id: essence.String(), Format: "urn:x-nmos:format:audio"}, {Id: multi.String(), Format: "urn:x-nmos:format:multi"}},
	}
}

// by is how the worker of an attempt reports.
func (b *bundle) by(work uuid.UUID, epoch int32) ingest.Report {
	r := ingest.Report{Work: work, Epoch: epoch}
	err := b.db.QueryRow(b.t.Context(), `SELECT job_id FROM work WHERE id = $1`, work).Scan(&r.Job)
	if !errors.Is(err, pgx.ErrNoRows) {
		require.NoError(b.t, err)
	}
	return r
}

// complete does one chunk.
func (b *bundle) complete(job uuid.UUID, number int32) {
	b.t.Helper()
	id := b.work(job, subjects.Read, number)
	_, _, err := b.CompleteChunk(b.t.Context(), b.by(id, b.start(id)))
	require.NoError(b.t, err)
}

// closed does the work of layer close.
func (b *bundle) closed(job uuid.UUID) {
	b.t.Helper()
	id := b.work(job, subjects.Close, 0)
	require.NoError(b.t, b.CompleteClose(b.t.Context(), b.by(id, b.start(id))))
}

// fail reports that an attempt failed for good.
func (b *bundle) fail(id uuid.UUID, epoch int32) {
	b.t.Helper()
	retried, err := b.Fail(b.t.Context(), b.by(id, epoch), &jobv1.FailWorkRequest{Failure: truncated()})
	require.NoError(b.t, err)
	require.False(b.t, retried)
}

// truncated is a failure that no retry can help.
func truncated() *mediav1.Failure {
	return fault.Proto(fault.New(fault.TruncatedFile, "film.wav ends at byte 10"))
}

// inState reads a job and requires its state.
func (b *bundle) inState(id uuid.UUID, want ingest.State) *ingest.Job {
	b.t.Helper()
	j := b.get(id)
	require.Equal(b.t, want, j.State)
	return j
}

// stands are ways to bring a new job into each state.
func (b *bundle) stands() map[ingest.State]func() *ingest.Job {
	cancelled := func() *ingest.Job {
		j := b.planned(2)
		_, err := b.Cancel(b.t.Context(), tenantA, j.ID)
		require.NoError(b.t, err)
		return j
	}
	return map[ingest.State]func() *ingest.Job{
		ingest.Analysing:  func() *ingest.Job { return b.submit() },
		ingest.Chunking:   func() *ingest.Job { return b.analysed() },
		ingest.Reading:    func() *ingest.Job { return b.planned(2) },
		ingest.Closing:    func() *ingest.Job { return b.planned(0) },
		ingest.Discarding: cancelled,
		ingest.Completed: func() *ingest.Job {
			j := b.planned(0)
			b.closed(j.ID)
			return j
		},
		ingest.Cancelled: func() *ingest.Job {
			j := cancelled()
			b.closed(j.ID)
			return j
		},
		ingest.Failed: func() *ingest.Job {
			j := b.submit()
			id := b.work(j.ID, subjects.Analyse, 0)
			b.fail(id, b.start(id))
			return j
		},
	}
}

// facts returns the events of a job that wait in the outbox, in order.
func (b *bundle) facts(job uuid.UUID) []*jobv1.Job {
	b.t.Helper()
	rows, err := b.db.Query(b.t.Context(), `SELECT payload FROM outbox WHERE lane IS NULL ORDER BY id`)
	require.NoError(b.t, err)
	var out []*jobv1.Job
	var payload []byte
	for rows.Next() {
		require.NoError(b.t, rows.Scan(&payload))
		event := &jobv1.JobChanged{}
		require.NoError(b.t, proto.Unmarshal(payload, event))
		if event.GetJob().GetId() == job.String() {
			out = append(out, event.GetJob())
		}
	}
	require.NoError(b.t, rows.Err())
	return out
}

// queued says whether a piece of work is in the outbox.
func (b *bundle) queued(id uuid.UUID) bool {
	b.t.Helper()
	return value[bool](b, `SELECT EXISTS (SELECT FROM outbox WHERE work_id = $1)`, id)
}

// requireFault requires a code, and a message that holds some text.
func requireFault(t *testing.T, err error, code fault.Code, text string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, code, fault.Of(err).Code, "%v", err)
	require.ErrorContains(t, err, text)
}

// requireSame requires that two messages say the same.
func requireSame(t *testing.T, want, got proto.Message) {
	t.Helper()
	require.True(t, proto.Equal(want, got), "want %v\ngot  %v", want, got)
}

// waitForLock waits until n connections to the test's database wait for a lock.
func (b *bundle) waitForLock(n int) {
	b.t.Helper()
	require.Eventually(b.t, func() bool {
		var waiting int
		err := b.db.QueryRow(b.t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting)
		return err == nil && waiting >= n
	}, 30*time.Second, 5*time.Millisecond)
}
