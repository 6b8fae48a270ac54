package bus_test

import (
	"context"
	"math"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/embed"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

// say publishes a fact, whose data is its id.
func (m *mesh) say(t *testing.T, ids ...string) {
	t.Helper()
	for _, id := range ids {
		require.NoError(t, m.Publish(t.Context(), []bus.Outgoing{{Subject: subjects.FlowCreated.Subject(id), Tenant: "acme", Data: []byte(id)}})[0])
	}
}

// follow follows the events after a position until the test or the returned function
// stops it.
func follow(t *testing.T, b *bus.Bus, after bus.Position) (chan bus.Event, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	following, events, done := make(chan struct{}), make(chan bus.Event, 10), make(chan error, 1)
	go func() { done <- b.Follow(ctx, after, func() { close(following) }, func(e bus.Event) { events <- e }) }()
	<-following
	return events, func() {
		cancel()
		require.NoError(t, <-done)
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	m.say(t, "before")
	fromNow, stop := follow(t, m.Bus, bus.Position{})
	m.say(t, "after")
	first := <-fromNow
	require.NotZero(t, first.At.Stream)
	require.Equal(t, bus.Event{
		Subject: subjects.FlowCreated.Subject("after"), Tenant: "acme", At: bus.Position{Stream: first.At.Stream, Sequence: 2}, Data: []byte("after"),
	}, first)
	stop()
	m.say(t, "later")
	for _, after := range []bus.Position{{Sequence: 1}, {Stream: first.At.Stream, Sequence: 1}} {
		caughtUp, stop := follow(t, m.Bus, after)
		require.EqualValues(t, 2, (<-caughtUp).At.Sequence)
		require.EqualValues(t, 3, (<-caughtUp).At.Sequence)
		stop()
	}
	upToDate, stop := follow(t, m.Bus, bus.Position{Stream: first.At.Stream, Sequence: 3})
	m.say(t, "last")
	require.EqualValues(t, 4, (<-upToDate).At.Sequence)
	stop()
}

// Who asks for events that are not there any more, or never were, is told so, and hears
// what comes.
func TestFollowSaysWhatIsLost(t *testing.T) {
	t.Parallel()
	m := newMesh(t)
	m.say(t, "1", "2", "3", "4")
	stream, err := m.js.Stream(t.Context(), subjects.EventStream)
	require.NoError(t, err)
	made := stream.CachedInfo().Created.UnixNano()
	require.NoError(t, stream.Purge(t.Context(), jetstream.WithPurgeSequence(3))) // as age does
	for name, after := range map[string]bus.Position{
		"too old":                   {Sequence: 1},
		"not reached":               {Sequence: 5000},
		"not reached, at the brink": {Stream: made, Sequence: 5},
		"as far as numbers go":      {Sequence: math.MaxUint64},
		"of another stream":         {Stream: made - 1, Sequence: 3},
	} {
		events, stop := follow(t, m.Bus, after)
		require.Equal(t, bus.Event{Gap: true, At: bus.Position{Stream: made, Sequence: 4}}, <-events, name)
		stop()
	}
	events, stop := follow(t, m.Bus, bus.Position{Sequence: 2})
	require.EqualValues(t, 3, (<-events).At.Sequence, "the next is the first that is left")
	stop()

	lost, stop := follow(t, m.Bus, bus.Position{Sequence: 5000})
	require.True(t, (<-lost).Gap)
	m.say(t, "5")
	require.Equal(t, "5", string((<-lost).Data))
	stop()
	require.NoError(t, m.js.DeleteStream(t.Context(), subjects.EventStream))
	require.NoError(t, m.EnsureStreams(t.Context()))
	empty, stop := follow(t, m.Bus, bus.Position{Stream: made, Sequence: 5})
	gap := <-empty
	require.True(t, gap.Gap)
	m.say(t, "1")
	require.Equal(t, "1", string((<-empty).Data))
	stop()
	again, stop := follow(t, m.Bus, gap.At)
	require.Equal(t, "1", string((<-again).Data), "what came after the gap is not lost")
	stop()
}

// TestFollowEndsWithItsStream wipes the server's store under one who follows.
func TestFollowEndsWithItsStream(t *testing.T) {
	t.Parallel()
	owner, err := embed.NewIdentity("owner")
	require.NoError(t, err)
	everything := []string{">"}
	start := func(port int) (*embed.NATS, func()) {
		server, err := embed.StartNATS(t.Context(), embed.NATSConfig{Dir: t.TempDir(), Port: port, Users: []embed.User{owner.User(everything, everything)}})
		require.NoError(t, err)
		stop := sync.OnceFunc(func() { require.NoError(t, server.Stop(context.WithoutCancel(t.Context()))) })
		t.Cleanup(stop)
		return server, stop
	}
	server, stop := start(0)
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	b, err := bus.Connect(bus.Config{URL: server.URL(), Name: "owner", Option: func(o *nats.Options) error {
		for _, option := range owner.Options() {
			if err := option(o); err != nil {
				return err
			}
		}
		return nil
	}}, trace, telemetry.Discard())
	require.NoError(t, err)
	t.Cleanup(b.Close)
	require.Eventually(t, func() bool { return b.EnsureStreams(t.Context()) == nil }, patience, tick)
	following, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- b.Follow(t.Context(), bus.Position{}, func() { close(following) }, func(bus.Event) {}) }()
	<-following
	address, err := url.Parse(server.URL())
	require.NoError(t, err)
	port, err := strconv.Atoi(address.Port())
	require.NoError(t, err)
	stop()
	start(port)
	select {
	case err := <-done:
		require.Error(t, err)
	case <-time.After(3 * patience): // the consumer asks the server that comes back, for up to ten seconds
		require.Fail(t, "it waits for events of a stream that is gone")
	}
}

func TestPositions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bus.Position{
		"7": {Sequence: 7}, "0-12": {Stream: 12}, "18446744073709551615-9": {Stream: 9, Sequence: math.MaxUint64},
	} {
		got, err := bus.ParsePosition(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got)
		require.Equal(t, text, got.String())
	}
	for _, text := range []string{"", "x", "-", "7-", "-7", "7-x", "7-8-9", "18446744073709551616"} {
		_, err := bus.ParsePosition(text)
		require.Error(t, err, text)
	}
}
