package outbox_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

// newBus connects to a NATS of the test's own.
func newBus(t *testing.T) (*bus.Bus, jetstream.JetStream) {
	t.Helper()
	account := meshtest.NATS(t)
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	b, err := bus.Connect(bus.Config{URL: account.URL, Name: "owner", Option: account.Option()}, trace, telemetry.Discard())
	require.NoError(t, err)
	t.Cleanup(b.Close)
	return b, account.JetStream(t)
}

func messages(t *testing.T, js jetstream.JetStream, stream string) (stored, last uint64) {
	t.Helper()
	s, err := js.Stream(t.Context(), stream)
	if err != nil {
		return 0, 0
	}
	info, err := s.Info(t.Context())
	if err != nil { // deleted meanwhile
		return 0, 0
	}
	return info.State.Msgs, info.State.LastSeq
}

// Redriving is harmless, since the server refuses what it holds; and after the loss
// of the whole store it brings back every piece of work.
func TestRedriveThroughJetStream(t *testing.T) {
	t.Parallel()
	queue, js := newBus(t)
	c := config()
	c.Redrive = 50 * time.Millisecond
	c.Window[subjects.Read] = 100
	b := &bench{t: t, db: newDB(t), perGroup: 100}
	b.publisher = b.run(queue, c)
	for i := range 20 {
		b.add(piece(fmt.Sprintf("j%d-1", i), "acme", 0))
	}
	stored := func() uint64 {
		n, _ := messages(t, js, subjects.Read.Stream())
		return n
	}
	require.Eventually(t, func() bool { return stored() == 20 }, patience, tick)
	require.Never(t, func() bool { return stored() != 20 }, 300*time.Millisecond, tick)
	_, last := messages(t, js, subjects.Read.Stream())
	require.EqualValues(t, 20, last, "nothing was ever stored twice")

	for _, layer := range []subjects.Layer{subjects.Read, subjects.Chunk} {
		require.NoError(t, js.DeleteStream(t.Context(), layer.Stream()))
	}
	require.NoError(t, js.DeleteStream(t.Context(), subjects.EventStream))
	require.Eventually(t, func() bool { return stored() == 20 }, patience, tick)
}

// Whatever the order in which work is added and settled: all of it is let out, never
// more than the window at a time, and never more of a group than perGroup.
func TestEverythingIsLetOut(t *testing.T) {
	t.Parallel()
	c := config()
	b := newBench(t, c)
	b.perGroup = 3
	random := rand.New(rand.NewPCG(1, 2))
	const groups, pieces = 12, 8
	settled := map[string]bool{}
	for g := range groups {
		for n := range pieces {
			b.add(piece(fmt.Sprintf("g%d-%d", g, n), fmt.Sprintf("tenant%d", g%3), int32(random.IntN(3))))
		}
	}
	var open []string
	look := func() bool {
		open = open[:0]
		for _, name := range b.queue.all() {
			if !settled[name] {
				open = append(open, name)
			}
		}
		return len(open) > 0
	}
	for len(settled) < groups*pieces {
		require.Eventually(t, look, patience, time.Millisecond)
		require.LessOrEqual(t, len(open), c.Window[subjects.Read])
		ofGroup := map[string]int{}
		for _, name := range open {
			group, _, _ := strings.Cut(name, "-")
			ofGroup[group]++
			require.LessOrEqual(t, ofGroup[group], b.perGroup, group)
		}
		name := open[random.IntN(len(open))]
		settled[name] = true
		b.settle(name)
	}
	require.Len(t, b.queue.all(), groups*pieces, "nothing was published twice")
	require.Zero(t, b.rows())
}
