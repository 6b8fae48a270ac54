package work_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	"github.com/grainmesh/grainmesh/pkg/work"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

const (
	patience = 10 * time.Second
	tick     = 5 * time.Millisecond
)

// owner answers as a test says, and notes what it is told.
type owner struct {
	start func(attempt int32) (*jobv1.StartWorkResponse, error)
	fail  func(*jobv1.FailWorkRequest) error

	attempts atomic.Int32
	mu       sync.Mutex
	failures []*jobv1.FailWorkRequest
}

func (o *owner) StartWork(_ context.Context, r *jobv1.StartWorkRequest) (*jobv1.StartWorkResponse, error) {
	attempt := o.attempts.Add(1)
	if o.start != nil {
		return o.start(attempt)
	}
	if r.GetWorker() != "worker@test" {
		return nil, errors.New("a worker without its name")
	}
	return started(attempt), nil
}

func started(epoch int32) *jobv1.StartWorkResponse {
	return &jobv1.StartWorkResponse{Status: jobv1.StartStatus_START_STATUS_STARTED, Epoch: epoch, Tenant: "acme", JobId: "j1"}
}

func (o *owner) FailWork(_ context.Context, r *jobv1.FailWorkRequest) (*jobv1.FailWorkResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.failures = append(o.failures, r)
	if o.fail != nil {
		return nil, o.fail(r)
	}
	return &jobv1.FailWorkResponse{}, nil
}

func (o *owner) told() []*jobv1.FailWorkRequest {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]*jobv1.FailWorkRequest(nil), o.failures...)
}

// bench is a worker of layer read that runs, with one piece of work in its queue.
type bench struct {
	t     *testing.T
	owner *owner
	js    jetstream.JetStream
	log   *bytes.Buffer
	stop  func()
}

func newBench(t *testing.T, o *owner, do work.Do) *bench {
	t.Helper()
	policy := bus.Policy{AckWait: patience, MaxAckPending: 10, Slots: 2, RetryDelay: 10 * time.Millisecond, StopGrace: 50 * time.Millisecond}
	return newBenchWith(t, policy, o, do)
}

func newBenchWith(t *testing.T, policy bus.Policy, o *owner, do work.Do) *bench {
	t.Helper()
	account := meshtest.NATS(t)
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	connection, err := bus.Connect(bus.Config{URL: account.URL, Name: "owner", Option: account.Option()}, trace, telemetry.Discard())
	require.NoError(t, err)
	t.Cleanup(connection.Close)
	require.NoError(t, connection.EnsureStreams(t.Context(), subjects.Read))
	require.NoError(t, connection.Publish(t.Context(), []bus.Outgoing{{Subject: subjects.Read.Work("wav", "w1")}})[0])

	b := &bench{t: t, owner: o, js: account.JetStream(t), log: &bytes.Buffer{}}
	worker := work.Worker{Layer: subjects.Read, Policy: policy, Bus: connection, Owner: o, Name: "worker@test", Log: telemetry.NewLogger(b.log, 0)}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx, do) }()
	var once sync.Once
	b.stop = func() {
		once.Do(func() {
			cancel()
			require.NoError(t, <-done)
		})
	}
	t.Cleanup(b.stop)
	return b
}

// settled waits until the queue is empty.
func (b *bench) settled() {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.queued() == 0 }, patience, tick)
}

func (b *bench) queued() uint64 {
	stream, err := b.js.Stream(b.t.Context(), subjects.Read.Stream())
	if err != nil {
		return 0
	}
	return stream.CachedInfo().State.Msgs
}

func TestDone(t *testing.T) {
	t.Parallel()
	done := make(chan string, 1)
	b := newBench(t, &owner{}, func(ctx context.Context, task *work.Task) error {
		id := auth.From(ctx)
		require.Nil(t, id, "a worker is nobody's call")
		done <- task.ID + " " + task.GetJobId()
		return nil
	})
	require.Equal(t, "w1 j1", <-done)
	b.settled()
	b.stop()
	require.Empty(t, b.owner.told())
	require.Contains(t, b.log.String(), `"job_id":"j1"`)
	require.Contains(t, b.log.String(), `"tenant":"acme"`)
	require.Equal(t, 1, strings.Count(b.log.String(), "\n"), "one line for an attempt")
}

// What the owner does not want done is not done, and does not come again.
func TestNotStarted(t *testing.T) {
	t.Parallel()
	for _, status := range []jobv1.StartStatus{
		jobv1.StartStatus_START_STATUS_GONE, jobv1.StartStatus_START_STATUS_CANCELLED, jobv1.StartStatus_START_STATUS_DEAD,
	} {
		o := &owner{start: func(int32) (*jobv1.StartWorkResponse, error) { return &jobv1.StartWorkResponse{Status: status}, nil }}
		b := newBench(t, o, func(context.Context, *work.Task) error {
			t.Error("it was done")
			return nil
		})
		b.settled()
		b.stop()
		require.EqualValues(t, 1, o.attempts.Load(), status)
		require.Equal(t, 1, strings.Count(b.log.String(), "\n"), "one line for what was not started")
		require.Contains(t, b.log.String(), status.String())
	}
}

// A failure is told to the owner, with its code; the owner decides what comes next.
func TestFailed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   work.Do
		code fault.Code
		says string
	}{
		"fault": {func(context.Context, *work.Task) error {
			return fault.New(fault.TruncatedFile, "clip.wav ends at byte 7")
		}, fault.TruncatedFile, "clip.wav"},
		"anything": {func(context.Context, *work.Task) error { return errors.New("hunter2") }, fault.Internal, "log of the service"},
		"panic":    {func(context.Context, *work.Task) error { panic("hunter2") }, fault.Internal, "panicked"},
	} {
		b := newBench(t, &owner{}, c.do)
		b.settled()
		b.stop()
		require.Len(t, b.owner.told(), 1, name)
		told := b.owner.told()[0]
		require.Equal(t, "w1", told.GetId())
		require.EqualValues(t, 1, told.GetEpoch())
		require.False(t, told.GetReleased())
		require.Equal(t, string(c.code), told.GetFailure().GetCode(), name)
		require.Contains(t, told.GetFailure().GetMessage(), c.says)
		require.NotContains(t, told.GetFailure().GetMessage(), "hunter2")
	}
}

// While the owner is away the work waits in its queue, before and after it is done.
func TestOwnerIsAway(t *testing.T) {
	t.Parallel()
	away := fault.New(fault.Unavailable, "connection refused")
	t.Run("at the start", func(t *testing.T) {
		t.Parallel()
		var done atomic.Int32
		o := &owner{start: func(attempt int32) (*jobv1.StartWorkResponse, error) {
			if attempt < 3 {
				return nil, away
			}
			return started(attempt), nil
		}}
		b := newBench(t, o, func(context.Context, *work.Task) error { done.Add(1); return nil })
		b.settled()
		require.EqualValues(t, 1, done.Load())
		require.EqualValues(t, 3, o.attempts.Load())
	})
	t.Run("at the report of a failure", func(t *testing.T) {
		t.Parallel()
		o := &owner{fail: func(r *jobv1.FailWorkRequest) error {
			if r.GetEpoch() < 3 {
				return away
			}
			return nil
		}}
		b := newBench(t, o, func(context.Context, *work.Task) error { return errors.New("broken") })
		b.settled()
		require.Len(t, o.told(), 3)
	})
}

// Work that is another's by now is left to it: an ack would take it away.
func TestStale(t *testing.T) {
	t.Parallel()
	stale := fault.New(fault.StaleEpoch, "epoch 1 is over")
	for name, c := range map[string]struct{ done, reported error }{
		"as the success is reported": {stale, nil},
		"as the failure is reported": {errors.New("broken"), stale},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan struct{}, 1)
			o := &owner{fail: func(*jobv1.FailWorkRequest) error { return c.reported }}
			b := newBench(t, o, func(context.Context, *work.Task) error {
				ended <- struct{}{}
				return c.done
			})
			<-ended
			require.Never(t, func() bool { return b.queued() == 0 || o.attempts.Load() > 1 }, 200*time.Millisecond, tick)
		})
	}
}

// Work that is cut off because the process stops goes back, and is no failure of it.
func TestReleased(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{}, 1)
	b := newBench(t, &owner{}, func(ctx context.Context, _ *work.Task) error {
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	<-begun
	b.stop()
	require.Len(t, b.owner.told(), 1)
	require.True(t, b.owner.told()[0].GetReleased())
}

// Bytes that move keep the work from going to another.
func TestWorking(t *testing.T) {
	t.Parallel()
	policy := bus.Policy{AckWait: time.Second, MaxAckPending: 10, Slots: 2, RetryDelay: 10 * time.Millisecond, StopGrace: time.Second}
	var moved atomic.Int64
	b := newBenchWith(t, policy, &owner{}, func(_ context.Context, task *work.Task) error {
		slow := task.Input(dripping{}, func(n int) { moved.Add(int64(n)) })
		copied, err := io.Copy(io.Discard, task.Reader(io.NewSectionReader(slow, 0, slow.Size())))
		if copied != slow.Size() {
			t.Errorf("%d bytes were copied", copied)
		}
		return err
	})
	b.settled()
	b.stop()
	require.EqualValues(t, 1, b.owner.attempts.Load())
	require.Equal(t, dripping{}.Size(), moved.Load())
}

// dripping is a file that takes longer than twice AckWait to read.
type dripping struct{}

func (dripping) Size() int64 { return 30 }

func (dripping) ReadAt(p []byte, off int64) (int, error) {
	<-time.After(80 * time.Millisecond)
	n := min(len(p), 1, int(dripping{}.Size()-off))
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// A report is repeated while its receiver is away, and not when it refuses.
func TestReport(t *testing.T) {
	t.Parallel()
	result := make(chan string, 1)
	b := newBench(t, &owner{}, func(ctx context.Context, task *work.Task) error {
		calls := 0
		err := task.Report(ctx, func(context.Context) error {
			if calls++; calls < 3 {
				return fault.New(fault.Unavailable, "connection refused")
			}
			return nil
		})
		if err != nil || calls != 3 {
			t.Errorf("%d calls: %v", calls, err)
		}
		calls = 0
		err = task.Report(ctx, func(context.Context) error {
			calls++
			return fault.New(fault.StaleEpoch, "it is over")
		})
		if !fault.Is(err, fault.StaleEpoch) || calls != 1 {
			t.Errorf("%d calls: %v", calls, err)
		}
		result <- "reported"
		return nil
	})
	require.Equal(t, "reported", <-result)
	b.settled()
}
