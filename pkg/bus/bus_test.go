package bus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

const (
	patience = 10 * time.Second
	tick     = 5 * time.Millisecond
)

// mesh is a bus with streams, and the server behind it.
type mesh struct {
	*bus.Bus
	js    jetstream.JetStream
	trace *telemetry.Tracing
}

func newMesh(t *testing.T) *mesh {
	t.Helper()
	return newMeshWithLog(t, telemetry.Discard())
}

func newMeshWithLog(t *testing.T, log *slog.Logger) *mesh {
	t.Helper()
	account := meshtest.NATS(t)
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	b, err := bus.Connect(bus.Config{URL: account.URL, Name: "owner", Option: account.Option()}, trace, log)
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.NoError(t, b.EnsureStreams(t.Context(), subjects.Layers()...))
	return &mesh{b, account.JetStream(t), trace}
}

// work publishes one piece of work of layer read.
func (m *mesh) work(t *testing.T, id string) error {
	t.Helper()
	return m.Publish(t.Context(), []bus.Outgoing{{Subject: subjects.Read.Work("wav", id), Tenant: "acme"}})[0]
}

// queued returns how many messages the layer's stream holds.
func (m *mesh) queued(t *testing.T) uint64 {
	t.Helper()
	stream, err := m.js.Stream(t.Context(), subjects.Read.Stream())
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	return info.State.Msgs
}

func policy() bus.Policy {
	return bus.Policy{AckWait: patience, MaxAckPending: 100, Slots: 4, RetryDelay: 10 * time.Millisecond, StopGrace: patience}
}

// consume runs handle until the test or the returned function stops it.
func (m *mesh) consume(t *testing.T, p bus.Policy, handle bus.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Consume(ctx, subjects.Read, p, handle) }()
	stop = func() {
		cancel()
		require.NoError(t, <-done)
		done <- nil
	}
	t.Cleanup(stop)
	return stop
}

func TestDoneWorkIsGone(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	got := make(chan string, 10)
	m.consume(t, policy(), func(_ context.Context, msg *bus.Message) error {
		got <- msg.GetLayer() + " " + msg.GetKind() + " " + msg.GetId()
		return nil
	})
	require.NoError(t, m.work(t, "1"))
	require.Equal(t, "read wav 1", <-got)
	require.Eventually(t, func() bool { return m.queued(t) == 0 }, patience, tick)
	require.NoError(t, m.work(t, "1"), "what is done can be queued again")
	require.Equal(t, "read wav 1", <-got)
}

func TestRetriedWorkComesAgain(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	deliveries := make(chan time.Time, 10)
	m.consume(t, policy(), func(context.Context, *bus.Message) error {
		deliveries <- time.Now()
		if len(deliveries) < 3 {
			return bus.Retry(errors.New("the owner is away"))
		}
		return nil
	})
	require.NoError(t, m.work(t, "1"))
	require.Eventually(t, func() bool { return len(deliveries) == 3 && m.queued(t) == 0 }, patience, tick)
	first, second := <-deliveries, <-deliveries
	require.GreaterOrEqual(t, second.Sub(first), policy().RetryDelay)
}

// An error that is not marked is taken like one that another delivery may cure.
func TestUnmarkedErrorIsRetried(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	var n atomic.Int32
	m.consume(t, policy(), func(context.Context, *bus.Message) error {
		if n.Add(1) == 1 {
			return errors.New("something")
		}
		return nil
	})
	require.NoError(t, m.work(t, "1"))
	require.Eventually(t, func() bool { return n.Load() == 2 && m.queued(t) == 0 }, patience, tick)
}

func TestDroppedWorkIsGone(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	var n atomic.Int32
	m.consume(t, policy(), func(_ context.Context, msg *bus.Message) error {
		if msg.GetId() == "bad" {
			n.Add(1)
			return bus.Drop(errors.New("it makes no sense"))
		}
		return nil
	})
	require.NoError(t, m.work(t, "bad"))
	require.Eventually(t, func() bool { return m.queued(t) == 0 }, patience, tick)
	require.NoError(t, m.work(t, "good"))
	require.Eventually(t, func() bool { return m.queued(t) == 0 }, patience, tick)
	require.EqualValues(t, 1, n.Load())
}

// A message that is left alone goes to another when its time is up.
func TestLeftWorkComesAgain(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	p := policy()
	p.AckWait = 50 * time.Millisecond
	var n atomic.Int32
	m.consume(t, p, func(context.Context, *bus.Message) error {
		if n.Add(1) == 1 {
			return bus.Leave(errors.New("another has it"))
		}
		return nil
	})
	require.NoError(t, m.work(t, "1"))
	require.Eventually(t, func() bool { return n.Load() == 2 && m.queued(t) == 0 }, patience, tick)
}

// A worker that is silent for too long loses its work; one that says that bytes
// move keeps it.
func TestSilentWorkerLosesItsWork(t *testing.T) {
	t.Parallel()
	for name, says := range map[string]bool{"silent": false, "working": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMesh(t)
			p := policy()
			p.AckWait = time.Second // a machine that is busy may keep a worker silent for a while
			var n atomic.Int32
			m.consume(t, p, func(ctx context.Context, msg *bus.Message) error {
				if n.Add(1) > 1 {
					return nil
				}
				ticker := time.NewTicker(p.AckWait / 16)
				defer ticker.Stop()
				for range 40 { // more than twice as long as it may be silent
					select {
					case <-ticker.C:
					case <-ctx.Done():
					}
					if says {
						if err := msg.Working(); err != nil {
							return err
						}
					}
				}
				return nil
			})
			require.NoError(t, m.work(t, "1"))
			require.Eventually(t, func() bool { return m.queued(t) == 0 }, patience, tick)
			if says {
				require.EqualValues(t, 1, n.Load())
			} else {
				require.Greater(t, n.Load(), int32(1))
			}
		})
	}
}

// What is queued or in flight is refused, however often it is published.
func TestDuplicatesAreRefused(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	require.NoError(t, m.work(t, "1"))
	for range 3 {
		require.ErrorIs(t, m.work(t, "1"), bus.ErrQueued)
	}
	begun, finish := make(chan struct{}), make(chan struct{})
	m.consume(t, policy(), func(_ context.Context, msg *bus.Message) error {
		if msg.GetId() == "1" {
			close(begun)
			<-finish
		}
		return nil
	})
	<-begun
	require.ErrorIs(t, m.work(t, "1"), bus.ErrQueued, "in flight")
	failures := m.Publish(t.Context(), []bus.Outgoing{
		{Subject: subjects.Read.Work("wav", "2")}, {Subject: subjects.Read.Work("wav", "1")}, {Subject: subjects.Read.Work("wav", "3")},
	})
	require.NoError(t, failures[0])
	require.ErrorIs(t, failures[1], bus.ErrQueued)
	require.NoError(t, failures[2], "those behind it go on")
	close(finish)
	require.Eventually(t, func() bool { return m.queued(t) == 0 }, patience, tick)
}

// What the server cannot store for another reason is not queued: it must be told
// from what is there already, or it would be lost.
func TestOtherRefusalsAreNotDuplicates(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	stream, err := m.js.Stream(t.Context(), subjects.EventStream)
	require.NoError(t, err)
	config := stream.CachedInfo().Config
	config.MaxMsgs, config.Discard = 1, jetstream.DiscardNew
	_, err = m.js.UpdateStream(t.Context(), config)
	require.NoError(t, err)
	failures := m.Publish(t.Context(), []bus.Outgoing{
		{Subject: subjects.FlowCreated.Subject("1")}, {Subject: subjects.FlowCreated.Subject("2")},
		{Subject: subjects.FlowCreated.Subject("3"), Data: make([]byte, 64<<20)}, {Subject: "no.such.stream"},
	})
	require.NoError(t, failures[0])
	require.ErrorContains(t, failures[1], "maximum messages exceeded")
	require.NotErrorIs(t, failures[1], bus.ErrQueued)
	require.ErrorIs(t, failures[2], bus.ErrTooLarge)
	require.Error(t, failures[3])
}

// Losing all of JetStream costs no consumer: it goes on when its stream is there
// again.
func TestConsumerOutlivesItsStream(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	got := make(chan string, 10)
	m.consume(t, policy(), func(_ context.Context, msg *bus.Message) error {
		got <- msg.GetId()
		return nil
	})
	require.NoError(t, m.work(t, "1"))
	require.Equal(t, "1", <-got)
	for _, layer := range subjects.Layers() {
		require.NoError(t, m.js.DeleteStream(t.Context(), layer.Stream()))
	}
	require.NoError(t, m.js.DeleteStream(t.Context(), subjects.EventStream))
	require.Error(t, m.work(t, "2"))
	require.NoError(t, m.EnsureStreams(t.Context(), subjects.Layers()...))
	require.NoError(t, m.work(t, "2"))
	select {
	case id := <-got:
		require.Equal(t, "2", id)
	case <-time.After(patience):
		require.Fail(t, "the consumer is not there again")
	}
}

// A consumer may start before the stream is made.
func TestConsumerWaitsForItsStream(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	require.NoError(t, m.js.DeleteStream(t.Context(), subjects.Read.Stream()))
	got := make(chan string, 1)
	m.consume(t, policy(), func(_ context.Context, msg *bus.Message) error {
		got <- msg.GetId()
		return nil
	})
	require.NoError(t, m.EnsureStreams(t.Context(), subjects.Read))
	require.NoError(t, m.work(t, "1"))
	require.Equal(t, "1", <-got)
}

// A stream that is not there yet is worth a warning only if it does not come: services
// that start together are not ready together.
func TestMissingStreamIsWarnedOfWhenItStaysAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		delay time.Duration
		want  string
	}{
		"at the start": {patience, "waits for its stream"},
		"for long":     {time.Millisecond, "is made again"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lines := make(logLines, 100)
			m := newMeshWithLog(t, slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: slog.LevelDebug})))
			require.NoError(t, m.js.DeleteStream(t.Context(), subjects.Read.Stream()))
			p := policy()
			p.RetryDelay = c.delay
			m.consume(t, p, func(context.Context, *bus.Message) error { return nil })
			for line := range lines {
				warning := strings.Contains(line, "level=WARN")
				require.Equal(t, strings.Contains(line, "is made again"), warning, "%s", line)
				if strings.Contains(line, c.want) {
					return
				}
				require.False(t, warning, "%s", line)
			}
		})
	}
}

// logLines are the lines of a log, as far as they are taken.
type logLines chan string

// Write implements io.Writer.
func (l logLines) Write(line []byte) (int, error) {
	select {
	case l <- string(line):
	default:
	}
	return len(line), nil
}

// No more is taken than there are slots for.
func TestSlots(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	var now, most atomic.Int32
	m.consume(t, policy(), func(context.Context, *bus.Message) error {
		n := now.Add(1)
		defer now.Add(-1)
		for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
		}
		return nil
	})
	for i := range 50 {
		require.NoError(t, m.work(t, fmt.Sprint(i)))
	}
	require.Eventually(t, func() bool { return m.queued(t) == 0 }, patience, tick)
	require.LessOrEqual(t, most.Load(), int32(4))
}

// Work in hand may finish when the process stops; past the grace its context ends
// and it goes to another.
func TestStop(t *testing.T) {
	t.Parallel()
	for name, graceful := range map[string]bool{"within the grace": true, "past the grace": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMesh(t)
			p := policy()
			if !graceful {
				p.StopGrace = 20 * time.Millisecond
			}
			begun, finish := make(chan struct{}), make(chan struct{})
			cut := false
			stop := m.consume(t, p, func(ctx context.Context, _ *bus.Message) error {
				close(begun)
				select {
				case <-finish:
					return nil
				case <-ctx.Done():
					cut = true
					return ctx.Err()
				}
			})
			require.NoError(t, m.work(t, "1"))
			<-begun
			if graceful {
				time.AfterFunc(20*time.Millisecond, func() { close(finish) })
			}
			stop()
			require.Equal(t, !graceful, cut)
			want := uint64(1)
			if graceful {
				want = 0
			}
			require.Eventually(t, func() bool { return m.queued(t) == want }, patience, tick)
		})
	}
}

// Work belongs to the trace of what caused it.
func TestWorkCarriesItsTrace(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	ctx, span := m.trace.Start(t.Context(), "job")
	defer span.End()
	got := make(chan string, 1)
	m.consume(t, policy(), func(ctx context.Context, _ *bus.Message) error {
		got <- telemetry.TraceID(ctx)
		return nil
	})
	message := bus.Outgoing{Subject: subjects.Read.Work("wav", "1"), Tenant: "acme", TraceParent: m.trace.TraceParent(ctx)}
	require.NoError(t, m.Publish(ctx, []bus.Outgoing{message})[0])
	require.Equal(t, telemetry.TraceID(ctx), <-got)
}

func TestProgress(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	ctx, cancel := context.WithCancel(t.Context())
	got, done := make(chan *jobv1.JobProgressed, 100), make(chan error, 1)
	go func() {
		done <- bus.OnProgress(ctx, m.Bus, subjects.JobProgressed, func(p *jobv1.JobProgressed) {
			select {
			case got <- p:
			default:
			}
		})
	}()
	require.Eventually(t, func() bool {
		require.NoError(t, bus.Progress(m.Bus, subjects.JobProgressed, "j1", &jobv1.JobProgressed{JobId: "j1"}))
		return len(got) > 0
	}, patience, tick)
	require.Equal(t, "j1", (<-got).GetJobId())
	cancel()
	require.NoError(t, <-done)
	require.NoError(t, m.Healthy())
	m.Close()
	require.Error(t, m.Healthy())
}
