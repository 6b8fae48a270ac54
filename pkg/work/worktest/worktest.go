package worktest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	"github.com/grainmesh/grainmesh/pkg/work"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// Queue is the queue of one layer, with the worker that takes from it.
type Queue struct {
	// Worker is what a service of the layer is made with.
	Worker *work.Worker
}

// Policy suits tests: work that fails comes back at once.
func Policy() bus.Policy {
	return bus.Policy{AckWait: time.Minute, MaxAckPending: 16, Slots: 2, RetryDelay: 10 * time.Millisecond, StopGrace: time.Second}
}

// New makes a queue of its own for a test.
func New(t testing.TB, layer subjects.Layer) *Queue {
	t.Helper()
	account := meshtest.NATS(t)
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	b, err := bus.Connect(bus.Config{URL: account.URL, Name: "owner", Option: account.Option()}, trace, telemetry.Discard())
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.EnsureStreams(t.Context(), layer))
	return &Queue{&work.Worker{Layer: layer, Policy: Policy(), Bus: b, Name: "worker@test", Log: telemetry.Discard()}}
}

// Do queues one piece of work, lets do have it once, and returns what do returned.
// The owner starts it with the given answer, under epoch 1 unless it says another.
func (q *Queue) Do(t testing.TB, started *jobv1.StartWorkResponse, do work.Do) error {
	t.Helper()
	started.Status = jobv1.StartStatus_START_STATUS_STARTED
	started.Epoch = max(started.GetEpoch(), 1)
	worker := *q.Worker
	worker.Owner = owner{started}
	id := uuid.NewString()
	require.NoError(t, worker.Bus.Publish(t.Context(), []bus.Outgoing{{Subject: worker.Layer.Work("any", id), Tenant: started.GetTenant()}})[0])

	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	result := make(chan error, 1)
	running.Go(func() {
		err := worker.Run(ctx, func(ctx context.Context, task *work.Task) error {
			err := do(ctx, task)
			result <- err
			return err
		})
		if err != nil {
			t.Errorf("the worker stopped: %v", err)
		}
	})
	return <-result
}

// owner starts everything, and has nothing tried again.
type owner struct{ started *jobv1.StartWorkResponse }

func (o owner) StartWork(context.Context, *jobv1.StartWorkRequest) (*jobv1.StartWorkResponse, error) {
	return o.started, nil
}

func (o owner) FailWork(context.Context, *jobv1.FailWorkRequest) (*jobv1.FailWorkResponse, error) {
	return &jobv1.FailWorkResponse{}, nil
}
