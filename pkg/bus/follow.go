package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/grainmesh/grainmesh/pkg/subjects"
)

// Position is a place in the stream of events. Its zero value is "from now on".
type Position struct {
	// Stream says which stream is meant, by when it was made, in Unix nanoseconds: one
	// that was lost and made again counts from 1. 0 where it is not known.
	Stream int64
	// Sequence is that of the event there; it grows.
	Sequence uint64
}

// String writes a position as [ParsePosition] reads it.
func (p Position) String() string {
	text := strconv.FormatUint(p.Sequence, 10)
	if p.Stream != 0 {
		text += "-" + strconv.FormatInt(p.Stream, 10)
	}
	return text
}

// ParsePosition reads a position, or the number alone of an event.
func ParsePosition(text string) (Position, error) {
	number, stream, named := strings.Cut(text, "-")
	sequence, err := strconv.ParseUint(number, 10, 64)
	p := Position{Sequence: sequence}
	if err == nil && named {
		p.Stream, err = strconv.ParseInt(stream, 10, 64)
	}
	if err != nil {
		return Position{}, fmt.Errorf("%q is no position in a stream: %w", text, err)
	}
	return p, nil
}

// leads says whether the events after a position are all in a stream. nats-server does
// not: it lets who asks for a sequence that was never reached wait for it, and gives who
// asks for one that is gone the next that it has.
func (p Position) leads(info *jetstream.StreamInfo) bool {
	return (p.Stream == 0 || p.Stream == info.Created.UnixNano()) &&
		p.Sequence <= info.State.LastSeq && p.Sequence+1 >= info.State.FirstSeq
}

// Event is a fact from the stream of events.
type Event struct {
	// Gap says that this is no fact: the events up to here that were asked for are lost.
	Gap     bool
	Subject string
	Tenant  string
	At      Position
	Data    []byte
}

// errAnotherStream ends following: events of the one that was followed are lost.
var errAnotherStream = errors.New("the stream was made anew")

// Follow calls handle for every event after a position, in order, until ctx ends. If
// some of those are lost, because they are too old or the stream itself was lost, it
// says so first, by an event that is a gap. It calls following once, when no later event
// is missed, and fails if the stream is lost meanwhile.
func (b *Bus) Follow(ctx context.Context, after Position, following func(), handle func(Event)) error {
	connected := b.conn.StatusChanged(nats.CONNECTED)
	defer b.conn.RemoveStatusListener(connected)
	stream, err := b.js.Stream(ctx, subjects.EventStream)
	if err != nil {
		return fmt.Errorf("follow %s: %w", subjects.EventStream, err)
	}
	info := stream.CachedInfo()
	made := info.Created.UnixNano()
	config := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverNewPolicy}
	if after != (Position{}) {
		if !after.leads(info) {
			after = Position{made, info.State.LastSeq}
			handle(Event{Gap: true, At: after})
		}
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, after.Sequence+1
	}
	consumer, err := stream.OrderedConsumer(ctx, config)
	if err != nil {
		return fmt.Errorf("follow %s: %w", subjects.EventStream, err)
	}
	consuming, err := consumer.Consume(func(msg jetstream.Msg) {
		meta, err := msg.Metadata()
		if err != nil {
			return // not from a stream
		}
		handle(Event{Subject: msg.Subject(), Tenant: msg.Headers().Get(TenantHeader), At: Position{made, meta.Sequence.Stream}, Data: msg.Data()})
	})
	if err != nil {
		return fmt.Errorf("follow %s: %w", subjects.EventStream, err)
	}
	defer consuming.Stop() // it may wait some seconds for a request of the consumer that nobody answers
	following()
	return b.whileMade(ctx, made, connected)
}

// whileMade waits until ctx ends, or until the server that comes back after a while has
// another stream than the one that was made then: the consumer would wait for what it
// never reaches.
func (b *Bus) whileMade(ctx context.Context, made int64, connected <-chan nats.Status) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, open := <-connected:
			if !open {
				connected = nil // the bus is closed
				continue
			}
		}
		stream, err := b.js.Stream(ctx, subjects.EventStream)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was asked to end
		}
		if err != nil {
			return fmt.Errorf("follow %s: %w", subjects.EventStream, err)
		}
		if stream.CachedInfo().Created.UnixNano() != made {
			return fmt.Errorf("follow %s: %w", subjects.EventStream, errAnotherStream)
		}
	}
}
