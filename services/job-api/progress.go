package jobapi

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	readerv1 "github.com/grainmesh/grainmesh/rpc/reader/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

// progress keeps, in Redis, how far readers are within chunks that are not done:
// a hash a job, from chunk number to bytes. It may be lost at any time; the bytes of
// chunks that are done stand in the job's row.
type progress struct {
	redis *redis.Client
	bus   *bus.Bus
	log   *slog.Logger
	done  chan doneChunk
}

// maxForgetting bounds the done chunks whose progress waits to be forgotten.
const maxForgetting = 1024

func newProgress(client *redis.Client, b *bus.Bus, log *slog.Logger) *progress {
	return &progress{client, b, log, make(chan doneChunk, maxForgetting)}
}

// progressTTL is how long progress is kept after the last sign of life.
const progressTTL = 10 * time.Minute

func progressKey(job uuid.UUID) string { return "grainmesh:progress:" + job.String() }

// run gathers what readers tell until ctx ends.
func (p *progress) run(ctx context.Context) error {
	return bus.OnProgress(ctx, p.bus, subjects.ChunkProgressed, func(m *readerv1.ChunkProgressed) {
		if err := p.keep(ctx, m); err != nil && ctx.Err() == nil {
			p.log.DebugContext(ctx, "progress was lost", "err", err)
		}
	})
}

func (p *progress) keep(ctx context.Context, m *readerv1.ChunkProgressed) error {
	job, err := uuid.Parse(m.GetJobId())
	if err != nil {
		return fmt.Errorf("job id of progress: %w", err)
	}
	key := progressKey(job)
	pipe := p.redis.Pipeline()
	pipe.HSet(ctx, key, strconv.Itoa(int(m.GetChunk())), m.GetBytesDone())
	pipe.Expire(ctx, key, progressTTL)
	if _, err := pipe.Exec(ctx); err != nil {
		return fmt.Errorf("keep progress of job %s: %w", job, err)
	}
	return nil
}

// chunks returns the bytes read within chunks that are being read; none where Redis
// does not know.
func (p *progress) chunks(ctx context.Context, job uuid.UUID) map[string]int64 {
	texts, err := p.redis.HGetAll(ctx, progressKey(job)).Result()
	if err != nil {
		return nil
	}
	out := make(map[string]int64, len(texts))
	for chunk, text := range texts {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			out[chunk] = n
		}
	}
	return out
}

// readSoFar returns how many bytes have been read of chunks that are not done.
func (p *progress) readSoFar(ctx context.Context, j *ingest.Job) int64 {
	if j.State != ingest.Reading {
		return 0
	}
	var sum int64
	for _, n := range p.chunks(ctx, j.ID) {
		sum += n
	}
	return min(sum, j.BytesTotal-j.BytesDone)
}

// addTo fills in the bytes of chunks that are being read.
func (p *progress) addTo(ctx context.Context, job uuid.UUID, chunks []*jobv1.ChunkProgress) {
	bytes := p.chunks(ctx, job)
	for _, c := range chunks {
		if c.GetState() == string(ingest.Running) {
			c.BytesDone = min(bytes[strconv.Itoa(int(c.GetNumber()))], c.GetBytesTotal())
		}
	}
}

// chunkDone tells those who watch that a chunk is done, and forgets how far its
// reader was. It does not wait: a report must not be held up by a cache.
func (p *progress) chunkDone(j *ingest.Job, number int32) {
	err := bus.Progress(p.bus, subjects.JobProgressed, j.ID.String(), &jobv1.JobProgressed{
		JobId: j.ID.String(), Tenant: j.Tenant, BytesTotal: j.BytesTotal, BytesDone: j.BytesDone,
		ChunksTotal: j.ChunksTotal, ChunksDone: j.ChunksTotal - j.ChunksRemaining, AtUnixNs: time.Now().UnixNano(),
	})
	if err != nil {
		p.log.Debug("progress was not told", "err", err)
	}
	select {
	case p.done <- doneChunk{j.ID, number}:
	default: // it is forgotten with the whole job
	}
}

// doneChunk is a chunk whose progress is to be forgotten.
type doneChunk struct {
	job    uuid.UUID
	number int32
}

// forget takes the progress of done chunks out of Redis until ctx ends.
func (p *progress) forget(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-p.done:
			if err := p.redis.HDel(ctx, progressKey(c.job), strconv.Itoa(int(c.number))).Err(); err != nil && ctx.Err() == nil {
				p.log.DebugContext(ctx, "progress was not forgotten", "err", err)
			}
		}
	}
}
