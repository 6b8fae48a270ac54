package work

import (
	"context"
	"io"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// Task is one attempt at a piece of work.
type Task struct {
	*jobv1.StartWorkResponse
	// ID is the work's id, to be reported with its epoch.
	ID string

	message *bus.Message
	every   time.Duration
	said    atomic.Int64 // when Working last told the queue, Unix ns
}

// Working tells the queue that bytes have moved, which keeps the work from being
// given to another. It may be called as often as bytes move.
func (t *Task) Working() {
	now := time.Now().UnixNano()
	said := t.said.Load()
	if now-said < int64(t.every) || !t.said.CompareAndSwap(said, now) {
		return
	}
	// If the queue is not reached another worker may take the work, and epochs sort
	// that out.
	_ = t.message.Working()
}

// Input returns the file with every read counted as work going on. Moved, if not
// nil, is told of each.
func (t *Task) Input(in formats.Input, moved func(n int)) formats.Input { return input{in, t, moved} }

type input struct {
	formats.Input
	task  *Task
	moved func(n int)
}

func (i input) ReadAt(b []byte, off int64) (int, error) {
	n, err := i.Input.ReadAt(b, off)
	i.task.Working()
	if i.moved != nil {
		i.moved(n)
	}
	return n, err
}

// Reader returns r with every read counted as work going on.
func (t *Task) Reader(r io.Reader) io.Reader { return reader{r, t} }

type reader struct {
	io.Reader
	task *Task
}

func (r reader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.task.Working()
	return n, err
}

// reportFor is how long a report is tried while its receiver is away.
const reportFor = 20 * time.Second

// Report makes a call that says what was done, again while the receiver cannot be
// reached: what took long to do shall not be lost to a restart. The call must be
// idempotent.
func (t *Task) Report(ctx context.Context, call func(ctx context.Context) error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		t.Working()
		err := call(ctx)
		if err != nil && !fault.Is(err, fault.Unavailable) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithMaxElapsedTime(reportFor))
	return err
}
