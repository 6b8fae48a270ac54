package faults_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// step is somewhere on the way of an ingest.
type step struct {
	name string
	// busy are the services that have a hand in it.
	busy []string
	// reach submits a job and brings it there.
	reach func(t *testing.T, s *scene)
	// letGo lets it go on.
	letGo func(t *testing.T, s *scene)
	// ends says how it ended.
	ends func(t *testing.T, s *scene)
}

// steps lists all of them, in the order of an ingest.
func steps() []step {
	thaw := func(service string) func(*testing.T, *scene) {
		return func(t *testing.T, s *scene) { t.Helper(); s.mesh.Thaw(t, service) }
	}
	open := func(_ *testing.T, s *scene) { s.gate.open() }
	return []step{
		{"analysing", []string{"analyser", "job-api"}, analysing, open, requireComplete},
		{"chunking", []string{"chunker", "job-api", "media-store"}, chunking, thaw("media-store"), requireComplete},
		{"reading", []string{"reader", "job-api", "media-store"}, reading, open, requireComplete},
		{"completing a registered chunk", []string{"reader", "job-api"}, registered, thaw("job-api"), requireComplete},
		{"closing", []string{"job-api", "media-store"}, closing, thaw("media-store"), requireComplete},
		{"discarding", []string{"job-api", "media-store"}, discarding, thaw("media-store"), requireNothing},
	}
}

// chunks of the file that is ingested: no more than are handed out at a time.
const chunks = 4

// scene is one job on a mesh.
type scene struct {
	mesh     *harness.Mesh
	user     *harness.User
	database *pgxpool.Pool
	file     []byte
	path     string
	gate     *gate
	job      string
}

// begin makes a source that no other scene knows.
func begin(t *testing.T, m *harness.Mesh) *scene {
	t.Helper()
	s := &scene{
		mesh: m, user: m.User(t, "acme"), database: m.Database(t), gate: newGate(),
		file: harness.WAV(chunks * harness.SampleRate), path: "/" + uuid.NewString() + ".wav",
	}
	m.Source.MisbehaveAt(s.path, s.gate.hold)
	t.Cleanup(s.gate.open)
	return s
}

func (s *scene) submit(t *testing.T) {
	t.Helper()
	s.job = s.user.Submit(t, &jobv1.IngestSpec{Url: s.mesh.Source.Set(s.path, harness.File(s.file))}).GetId()
}

// look is how often a condition is looked at, patience how long.
const (
	look     = 10 * time.Millisecond
	patience = 30 * time.Second
)

// await waits until a query counts at least so many.
func (s *scene) await(t *testing.T, what string, least int, query string, args ...any) {
	t.Helper()
	require.Eventually(t, func() bool {
		var n int
		err := s.database.QueryRow(t.Context(), query, args...).Scan(&n)
		return err == nil && n >= least
	}, patience, look, "%s: not %d", what, least)
}

func (s *scene) awaitRunning(t *testing.T, layer subjects.Layer) {
	t.Helper()
	s.await(t, "work running", 1, `SELECT count(*) FROM job.work WHERE job_id = $1 AND layer = $2 AND state = 'running'`, s.job, layer)
}

func (s *scene) awaitRegistered(t *testing.T, least int) {
	t.Helper()
	s.await(t, "chunks registered", least, `SELECT count(*) FROM store.registration WHERE job_id = $1`, s.job)
}

func analysing(t *testing.T, s *scene) {
	t.Helper()
	s.gate.closeFor(everyRequest, 0)
	s.submit(t)
	s.gate.awaitHeld(t)
}

// chunking waits in the chunker for the store, which is to make the Flows.
func chunking(t *testing.T, s *scene) {
	t.Helper()
	s.mesh.Freeze(t, "media-store")
	s.submit(t)
	s.awaitRunning(t, subjects.Chunk)
}

// reading has one chunk done and others under way.
func reading(t *testing.T, s *scene) {
	t.Helper()
	s.gate.closeFor(pinnedRequest, 1)
	s.submit(t)
	s.gate.awaitHeld(t)
	s.awaitRegistered(t, 1)
}

// registered has every chunk in the store, and none of the later reports has arrived.
func registered(t *testing.T, s *scene) {
	t.Helper()
	reading(t, s)
	s.mesh.Freeze(t, "job-api")
	s.gate.open()
	s.awaitRegistered(t, 2)
}

// closing waits for the store, which is to close the Flows.
func closing(t *testing.T, s *scene) {
	t.Helper()
	reading(t, s)
	s.await(t, "all chunks handed out", chunks, `SELECT count(*) FROM job.work WHERE job_id = $1 AND layer = 'read' AND state IN ('running', 'done')`, s.job)
	s.mesh.Freeze(t, "job-api")
	s.gate.open()
	s.awaitRegistered(t, chunks)
	s.mesh.Freeze(t, "media-store")
	s.mesh.Thaw(t, "job-api")
	s.awaitRunning(t, subjects.Close)
}

// discarding waits for the store, which is to take back what a job wrote whose source
// has changed.
func discarding(t *testing.T, s *scene) {
	t.Helper()
	reading(t, s)
	s.mesh.Freeze(t, "media-store")
	s.gate.openWith(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPreconditionFailed) })
	s.awaitRunning(t, subjects.Close)
}

// everyRequest and pinnedRequest choose what a gate holds: requests that name the
// version of the file that they want are those after the analysis.
func everyRequest(*http.Request) bool { return true }

func pinnedRequest(r *http.Request) bool { return r.Header.Get("If-Match") != "" }
