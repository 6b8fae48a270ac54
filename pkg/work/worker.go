package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// Owner is who work is asked of and failures are told to; jobv1.Reports is one.
type Owner interface {
	StartWork(ctx context.Context, r *jobv1.StartWorkRequest) (*jobv1.StartWorkResponse, error)
	FailWork(ctx context.Context, r *jobv1.FailWorkRequest) (*jobv1.FailWorkResponse, error)
}

var _ Owner = jobv1.Reports(nil)

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

// Do does a task and reports its success.
type Do func(ctx context.Context, t *Task) error

// Worker takes the work of one layer.
type Worker struct {
	Layer  subjects.Layer
	Policy bus.Policy
	Bus    *bus.Bus
	Owner  Owner
	// Name of this instance, for people.
	Name string
	Log  *slog.Logger
}

// Run works until ctx ends and what is in hand is done or given back.
func (w *Worker) Run(ctx context.Context, do Do) error {
	return w.Bus.Consume(ctx, w.Layer, w.Policy, func(ctx context.Context, m *bus.Message) error {
		return w.handle(ctx, m, do)
	})
}

func (w *Worker) handle(ctx context.Context, m *bus.Message, do Do) error {
	started, err := w.Owner.StartWork(ctx, &jobv1.StartWorkRequest{Id: m.GetId(), Worker: w.Name})
	if err != nil {
		return bus.Retry(fmt.Errorf("start %s work %s: %w", w.Layer, m.GetId(), err))
	}
	if started.GetStatus() != jobv1.StartStatus_START_STATUS_STARTED {
		return nil
	}
	ctx = auth.ForTenant(ctx, started.GetTenant())
	ctx = telemetry.With(ctx, slog.String("job_id", started.GetJobId()), slog.String("tenant", started.GetTenant()))
	task := &Task{StartWorkResponse: started, ID: m.GetId(), message: m, every: w.Policy.AckWait / 4}
	begun := time.Now()
	err = do(ctx, task)
	if ctx.Err() != nil && err != nil {
		// The process stops: the work goes to another without counting as a failure.
		return bus.Retry(err)
	}
	return w.outcome(ctx, task, begun, err)
}

// outcome logs one line for the attempt, and tells the owner of a failure.
func (w *Worker) outcome(ctx context.Context, t *Task, begun time.Time, err error) error {
	attrs := []any{"layer", w.Layer, "work_id", t.ID, "epoch", t.GetEpoch(), "took", time.Since(begun).Round(time.Millisecond)}
	switch {
	case err == nil:
		w.Log.InfoContext(ctx, "work done", attrs...)
		return nil
	case fault.Is(err, fault.StaleEpoch):
		w.Log.InfoContext(ctx, "work was another's by the end", append(attrs, "err", err)...)
		return nil
	}
	w.Log.WarnContext(ctx, "work failed", append(attrs, "code", fault.Of(err).Code, "err", err)...)
	_, reportErr := w.Owner.FailWork(ctx, &jobv1.FailWorkRequest{Id: t.ID, Epoch: t.GetEpoch(), Failure: fault.Proto(err)})
	if reportErr != nil && !fault.Is(reportErr, fault.StaleEpoch) {
		return bus.Retry(errors.Join(err, fmt.Errorf("report the failure: %w", reportErr)))
	}
	return nil
}
