package work

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
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
	if status := started.GetStatus(); status != jobv1.StartStatus_START_STATUS_STARTED {
		w.Log.InfoContext(ctx, "work not started", "layer", w.Layer, "work_id", m.GetId(), "status", status.String())
		return nil
	}
	ctx = auth.ForTenant(ctx, started.GetTenant())
	ctx = telemetry.With(ctx, slog.String("job_id", started.GetJobId()), slog.String("tenant", started.GetTenant()))
	task := &Task{StartWorkResponse: started, ID: m.GetId(), message: m, every: w.Policy.AckWait / 4}
	begun := time.Now()
	return w.outcome(ctx, task, begun, w.guarded(ctx, task, do))
}

// guarded turns a panic over a hostile file into a failure of this one attempt.
func (w *Worker) guarded(ctx context.Context, t *Task, do Do) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.Log.ErrorContext(ctx, "work panicked", "layer", w.Layer, "work_id", t.ID, "panic", p, "stack", string(debug.Stack()))
			err = fault.Newf(fault.Internal, "%s work panicked", w.Layer)
		}
	}()
	return do(ctx, t)
}

// outcome logs one line for the attempt, and tells the owner of a failure. Work that
// was cut off because the process stops is handed back, and does not count.
func (w *Worker) outcome(ctx context.Context, t *Task, begun time.Time, err error) error {
	attrs := []any{"layer", w.Layer, "work_id", t.ID, "epoch", t.GetEpoch(), "took", time.Since(begun).Round(time.Millisecond)}
	switch {
	case err == nil:
		w.Log.InfoContext(ctx, "work done", attrs...)
		return nil
	case fault.Is(err, fault.StaleEpoch):
		return bus.Leave(err)
	}
	released := ctx.Err() != nil
	w.Log.WarnContext(ctx, "work failed", append(attrs, "code", fault.Of(err).Code, "released", released, "err", err)...)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), failTimeout)
	defer cancel()
	_, reportErr := w.Owner.FailWork(ctx, &jobv1.FailWorkRequest{Id: t.ID, Epoch: t.GetEpoch(), JobId: t.GetJobId(), Failure: fault.Proto(err), Released: released})
	switch {
	case reportErr == nil:
		return nil
	case fault.Is(reportErr, fault.StaleEpoch):
		return bus.Leave(reportErr)
	default:
		return bus.Retry(errors.Join(err, fmt.Errorf("report the failure: %w", reportErr)))
	}
}

// failTimeout bounds the report of a failure, also of one that stopping caused.
const failTimeout = 10 * time.Second
