package reader

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/work"
	readerv1 "github.com/grainmesh/grainmesh/rpc/reader/v1"
)

// active are the chunks in hand.
type active struct {
	mu     sync.Mutex
	chunks map[string]*chunkProgress
}

// tellEvery bounds how often one chunk tells how far it is.
const tellEvery = 250 * time.Millisecond

// chunkProgress is how far a chunk is.
type chunkProgress struct {
	task    *work.Task
	chunk   int32
	total   int64
	started time.Time
	done    atomic.Int64
	told    atomic.Int64 // Unix ns
	bus     *bus.Bus
}

func (s *Service) track(t *work.Task, c *formats.Chunk) *chunkProgress {
	p := &chunkProgress{task: t, chunk: int32(c.Number), total: c.End - c.Start, started: time.Now(), bus: s.deps.Worker.Bus}
	p.told.Store(p.started.UnixNano())
	s.active.mu.Lock()
	defer s.active.mu.Unlock()
	s.active.chunks[t.ID] = p
	return p
}

func (s *Service) untrack(id string) {
	s.active.mu.Lock()
	defer s.active.mu.Unlock()
	delete(s.active.chunks, id)
}

// moved counts bytes that were read, and tells those who watch.
func (p *chunkProgress) moved(n int) {
	done := min(p.done.Add(int64(n)), p.total)
	now, told := time.Now().UnixNano(), p.told.Load()
	if now-told < int64(tellEvery) || !p.told.CompareAndSwap(told, now) {
		return
	}
	// Progress that is lost costs nothing.
	_ = bus.Progress(p.bus, subjects.ChunkProgressed, p.task.ID, &readerv1.ChunkProgressed{
		WorkId: p.task.ID, JobId: p.task.GetJobId(), Tenant: p.task.GetTenant(), Run: p.task.GetRun(), Epoch: p.task.GetEpoch(),
		Chunk: p.chunk, BytesDone: done, BytesTotal: p.total,
	})
}
