package economy_test

import (
	"context"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// watchEvery is how often memory is looked at.
const watchEvery = 5 * time.Millisecond

// peak returns the most memory that objects took while something was done, above what
// they took before. Garbage counts: it is what the process needs.
func peak(t *testing.T, do func()) int64 {
	t.Helper()
	runtime.GC()
	before := heap()
	var most atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				most.Store(max(most.Load(), heap()))
			}
		}
	}()
	do()
	stop()
	<-done
	return most.Load() - before
}

func heap() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64())
}

// TestMemoryDoesNotGrowWithTheFile ingests a film, and one eight times as long; the
// whole mesh, its object store and the server of the source are in this process.
//
//nolint:paralleltest // memory of tests beside it would count
func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	b := setup(t)
	const frames = 600
	ingest := func(name string, frames int) int64 {
		file := newMovie(t, frames, arrangement{moovLast: true}).file()
		url := b.mesh.Source.Set(name, file)
		most := peak(t, func() { b.user.Ingest(t, &jobv1.IngestSpec{Url: url}) })
		t.Logf("%s: %d MB took %d MB", name, file.Size/megabyte, most/megabyte)
		return most
	}
	ingest("/warm.mov", frames)
	short := ingest("/short.mov", frames)
	long := ingest("/long.mov", 8*frames)
	require.Less(t, long, 2*short+64*megabyte)
}
