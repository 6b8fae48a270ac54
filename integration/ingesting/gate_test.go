package ingesting_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/integration/harness"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// gate holds back what the reader asks for, chunk by chunk.
type gate struct {
	chunks []*mediav1.Chunk

	mu      sync.Mutex
	arrived map[int]bool
	opened  []chan struct{}
	failed  []bool
}

// planOf returns the chunks that a job was read in. The plan is a pure function of the
// file: another job has the same.
func planOf(t *testing.T, mesh *harness.Mesh, job string) []*mediav1.Chunk {
	t.Helper()
	rows, err := mesh.Database(t).Query(t.Context(), `SELECT document FROM job.work WHERE job_id = $1 AND layer = 'read' ORDER BY number`, job)
	require.NoError(t, err)
	defer rows.Close()
	var chunks []*mediav1.Chunk
	for rows.Next() {
		var document []byte
		require.NoError(t, rows.Scan(&document))
		chunk := &mediav1.Chunk{}
		require.NoError(t, proto.Unmarshal(document, chunk))
		chunks = append(chunks, chunk)
	}
	require.NoError(t, rows.Err())
	return chunks
}

// newGate makes a gate that is closed for all chunks, and opens it with the test's end.
func newGate(t *testing.T, chunks []*mediav1.Chunk) *gate {
	t.Helper()
	g := &gate{chunks: chunks, arrived: map[int]bool{}, opened: make([]chan struct{}, len(chunks)), failed: make([]bool, len(chunks))}
	for n := range g.opened {
		g.opened[n] = make(chan struct{})
	}
	t.Cleanup(func() {
		for n := range g.opened {
			g.open(n)
		}
	})
	return g
}

// hold is a rangetest.Fault. The readers of chunks alone begin where one begins.
func (g *gate) hold(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
	for n, chunk := range g.chunks {
		if !strings.HasPrefix(r.Header.Get("Range"), fmt.Sprintf("bytes=%d-", chunk.GetByteStart())) {
			continue
		}
		g.arrive(n)
		select {
		case <-g.opened[n]:
		case <-r.Context().Done():
			return
		}
		if g.fails(n) {
			http.NotFound(w, r)
			return
		}
	}
	serve(w, r)
}

func (g *gate) arrive(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.arrived[n] = true
}

func (g *gate) fails(n int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.failed[n]
}

// holding says whether all chunks wait at once, or were let through.
func (g *gate) holding() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.arrived) == len(g.chunks)
}

// open lets a chunk through.
func (g *gate) open(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.opened[n]:
	default:
		close(g.opened[n])
	}
}

// fail answers for a chunk that the file is not there.
func (g *gate) fail(n int) {
	g.mu.Lock()
	g.failed[n] = true
	g.mu.Unlock()
	g.open(n)
}
