package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/attribute"

	"github.com/grainmesh/grainmesh/pkg/subjects"
	workv1 "github.com/grainmesh/grainmesh/rpc/work/v1"
)

// Policy is how one layer consumes its work: the one place where timeouts,
// concurrency and backoff are set.
type Policy struct {
	// AckWait is how long a worker may be silent before its work goes to another.
	AckWait time.Duration
	// MaxAckPending bounds what all instances together have in flight.
	MaxAckPending int
	// Slots is how many pieces one instance works on at a time.
	Slots int
	// RetryDelay is how long a nak waits.
	RetryDelay time.Duration
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

// Retry marks an error that another delivery may cure.
func Retry(err error) error { return retryError{err} }

// Drop marks an error of a message that makes no sense.
func Drop(err error) error { return dropError{err} }

// Consume takes work of a layer until ctx ends, then waits for what is in hand,
// whose context ends with it.
func (b *Bus) Consume(ctx context.Context, layer subjects.Layer, policy Policy, handle Handler) error {
	pause := firstPause
	for ctx.Err() == nil {
		started := time.Now()
		err := b.consumeOnce(ctx, layer, policy, handle)
		if ctx.Err() != nil {
			break
		}
		if time.Since(started) > policy.RetryDelay {
			pause = firstPause
		}
		// The stream may not be there yet, or be gone with JetStream's whole store: its
		// publisher makes it again.
		b.log.WarnContext(ctx, "consumer stopped and is made again", "layer", layer, "err", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			pause = min(2*pause, policy.RetryDelay)
		}
	}
	return nil //nolint:nilerr // being stopped is no failure
}

// firstPause is how long to wait for a stream the first time; processes that start
// together need no more.
const firstPause = 20 * time.Millisecond

func (b *Bus) consumeOnce(ctx context.Context, layer subjects.Layer, policy Policy, handle Handler) error {
	consumer, err := b.js.CreateOrUpdateConsumer(ctx, layer.Stream(), jetstream.ConsumerConfig{
		Durable: string(layer), AckPolicy: jetstream.AckExplicitPolicy, AckWait: policy.AckWait,
		MaxAckPending: policy.MaxAckPending, MaxDeliver: -1, FilterSubject: layer.All(),
	})
	if err != nil {
		return fmt.Errorf("consumer of %s: %w", layer.Stream(), err)
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(policy.Slots), jetstream.PullExpiry(pullExpiry))
	if err != nil {
		return fmt.Errorf("pull from %s: %w", layer.Stream(), err)
	}
	var inHand sync.WaitGroup
	defer inHand.Wait()
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	defer messages.Stop()
	slots := make(chan struct{}, policy.Slots)
	for {
		msg, err := messages.Next()
		if err != nil {
			return fmt.Errorf("next of %s: %w", layer.Stream(), err)
		}
		slots <- struct{}{}
		inHand.Go(func() {
			defer func() { <-slots }()
			b.settle(ctx, msg, policy, b.deliver(ctx, msg, handle))
		})
	}
}

const pullExpiry = 30 * time.Second

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
	var settled error
	switch {
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
