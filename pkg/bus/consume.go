package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/attribute"

	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	workv1 "github.com/grainmesh/grainmesh/rpc/work/v1"
)

// Policy is how one layer consumes its work: the one place where timeouts,
// concurrency and backoff are set. It is part of a layer's settings.
type Policy struct {
	// AckWait is how long a worker may be silent before its work goes to another.
	AckWait time.Duration `envconfig:"ACK_WAIT" default:"30s"`
	// MaxAckPending bounds what all instances together have in flight.
	MaxAckPending int `envconfig:"MAX_IN_FLIGHT" default:"4096"`
	// Slots is how many pieces one instance works on at a time.
	Slots int `envconfig:"SLOTS" default:"16"`
	// RetryDelay is how long work waits when its owner could not be reached.
	RetryDelay time.Duration `envconfig:"RETRY_DELAY" default:"1s"`
	// StopGrace is how long work in hand may go on when the process stops.
	StopGrace time.Duration `envconfig:"STOP_GRACE" default:"20s"`
}

// Validate names the setting that makes no sense.
func (p *Policy) Validate() error {
	return config.Positive(map[string]int64{
		"ACK_WAIT": int64(p.AckWait), "MAX_IN_FLIGHT": int64(p.MaxAckPending), "SLOTS": int64(p.Slots),
		"RETRY_DELAY": int64(p.RetryDelay), "STOP_GRACE": int64(p.StopGrace),
	})
}

// Message is one delivery of a piece of work.
type Message struct {
	*workv1.Work
	msg jetstream.Msg
}

// Working says that the work is going on, which puts AckWait off. To be called only
// when bytes moved: a worker that is stuck must lose its work.
func (m *Message) Working() error {
	if err := m.msg.InProgress(); err != nil {
		return fmt.Errorf("say that %s is in progress: %w", m.GetId(), err)
	}
	return nil
}

// Handler does one piece of work.
type Handler func(ctx context.Context, m *Message) error

type retryError struct{ error }

func (e retryError) Unwrap() error { return e.error }

type dropError struct{ error }

func (e dropError) Unwrap() error { return e.error }

type leaveError struct{ error }

func (e leaveError) Unwrap() error { return e.error }

// Leave marks an error after which the message is not touched, because it may be
// another's by now: an ack would take it away from who works on it.
func Leave(err error) error { return leaveError{err} }

// Retry marks an error that another delivery may cure.
func Retry(err error) error { return retryError{err} }

// Drop marks an error of a message that makes no sense.
func Drop(err error) error { return dropError{err} }

// Consume takes work of a layer until ctx ends, then lets what is in hand finish,
// within the policy's grace.
func (b *Bus) Consume(ctx context.Context, layer subjects.Layer, policy Policy, handle Handler) error {
	workCtx, finished := grace(ctx, policy.StopGrace)
	defer finished()
	// What is in hand outlives a consumer that was lost, and does not hold up the next.
	hands := hands{slots: make(chan struct{}, policy.Slots), work: func(msg jetstream.Msg) {
		b.settle(workCtx, msg, policy, b.deliver(workCtx, msg, handle))
	}}
	defer hands.busy.Wait()
	pause, began := firstPause, time.Now()
	for ctx.Err() == nil {
		started := time.Now()
		err := b.consumeOnce(ctx, layer, policy, &hands)
		if ctx.Err() != nil {
			break
		}
		if time.Since(started) > policy.RetryDelay {
			pause = firstPause
		}
		// The stream may not be there yet, or be gone with JetStream's whole store: its
		// publisher makes it again.
		if errors.Is(err, jetstream.ErrStreamNotFound) && time.Since(began) < startDelays*policy.RetryDelay {
			b.log.DebugContext(ctx, "consumer waits for its stream", "layer", layer)
		} else {
			b.log.WarnContext(ctx, "consumer stopped and is made again", "layer", layer, "err", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			pause = min(2*pause, policy.RetryDelay)
		}
	}
	return nil
}

// firstPause is how long to wait for a stream the first time; processes that start
// together need no more.
const firstPause = 20 * time.Millisecond

// startDelays is for how many of a policy's RetryDelay a stream that is not there is
// nothing to warn of: processes that start together are not ready together.
const startDelays = 10

// hands are the slots of one instance for one layer.
type hands struct {
	slots chan struct{}
	work  func(jetstream.Msg)
	busy  sync.WaitGroup
}

// free waits for a slot.
func (h *hands) free(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// take works on a message in the slot that free gave; nil gives the slot back.
func (h *hands) take(msg jetstream.Msg) {
	if msg == nil {
		<-h.slots
		return
	}
	h.busy.Go(func() {
		defer func() { <-h.slots }()
		h.work(msg)
	})
}

func (b *Bus) consumeOnce(ctx context.Context, layer subjects.Layer, policy Policy, hands *hands) error {
	consumer, err := b.js.CreateOrUpdateConsumer(ctx, layer.Stream(), jetstream.ConsumerConfig{
		Durable: string(layer), AckPolicy: jetstream.AckExplicitPolicy, AckWait: policy.AckWait,
		MaxAckPending: policy.MaxAckPending, MaxDeliver: -1, FilterSubject: layer.All(),
		// What was acked has left the stream: a lost consumer delivers again only what
		// was in hand, which epochs allow for.
		MemoryStorage: true,
	})
	if err != nil {
		return fmt.Errorf("consumer of %s: %w", layer.Stream(), err)
	}
	// One message is asked for when there is a slot for it: what waits in a buffer
	// would lose its AckWait there, and be kept from an instance that is idle.
	messages, err := consumer.Messages(jetstream.PullMaxMessages(1), jetstream.PullExpiry(pullExpiry), jetstream.PullHeartbeat(pullHeartbeat))
	if err != nil {
		return fmt.Errorf("pull from %s: %w", layer.Stream(), err)
	}
	defer messages.Stop()
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	for {
		if err := hands.free(ctx); err != nil {
			return err
		}
		msg, err := messages.Next()
		if err != nil {
			hands.take(nil)
			return fmt.Errorf("next of %s: %w", layer.Stream(), err)
		}
		hands.take(msg)
	}
}

// grace returns a context that ends a while after parent does.
func grace(parent context.Context, while time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.AfterFunc(while, cancel)
		context.AfterFunc(ctx, func() { timer.Stop() })
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

const (
	pullExpiry = 30 * time.Second
	// pullHeartbeat is how often the server says that a pull stands. Two that stay away
	// tell of a consumer that is gone, as with JetStream's whole store.
	pullHeartbeat = 2 * time.Second
)

// deliver hands one message to the handler within the trace that it came from.
func (b *Bus) deliver(ctx context.Context, msg jetstream.Msg, handle Handler) error {
	work, err := subjects.ParseWork(msg.Subject())
	if err != nil {
		return Drop(err)
	}
	ctx = b.trace.Extract(ctx, headerCarrier(msg.Headers()))
	ctx, span := b.trace.Start(ctx, "work "+work.GetLayer(), attribute.String("work.id", work.GetId()))
	defer span.End()
	return handle(ctx, &Message{work, msg})
}

// settle turns a handler's error into one of the outcomes.
func (b *Bus) settle(ctx context.Context, msg jetstream.Msg, policy Policy, err error) {
	var drop dropError
	var leave leaveError
	var settled error
	switch {
	case errors.As(err, &leave):
		b.log.InfoContext(ctx, "work message left alone", "subject", msg.Subject(), "err", err)
	case err == nil:
		settled = msg.Ack()
	case errors.As(err, &drop):
		b.log.ErrorContext(ctx, "work message dropped", "subject", msg.Subject(), "err", err)
		settled = msg.TermWithReason(err.Error())
	default:
		if ctx.Err() == nil {
			b.log.WarnContext(ctx, "work goes back to its queue", "subject", msg.Subject(), "err", err)
		}
		settled = msg.NakWithDelay(policy.RetryDelay)
	}
	if settled != nil {
		b.log.WarnContext(ctx, "outcome did not reach the queue", "subject", msg.Subject(), "err", settled)
	}
}
