package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

const (
	patience = 10 * time.Second
	tick     = 5 * time.Millisecond
	schema   = "owner"
)

// recorder is a queue that notes what it is given.
type recorder struct {
	mu   sync.Mutex
	sent []string // last element of each subject
	fail func(m bus.Outgoing) error
}

func (r *recorder) Publish(_ context.Context, messages []bus.Outgoing) []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	failures := make([]error, len(messages))
	for i, m := range messages {
		if r.fail != nil {
			failures[i] = r.fail(m)
		}
		if failures[i] == nil {
			r.sent = append(r.sent, m.Subject[strings.LastIndexByte(m.Subject, '.')+1:])
		}
	}
	return failures
}

func (r *recorder) EnsureStreams(context.Context, ...subjects.Layer) error { return nil }

func (r *recorder) failWith(fail func(m bus.Outgoing) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = fail
}

func (r *recorder) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent)
}

// bench is a database with an outbox and its publisher.
type bench struct {
	t         *testing.T
	db        *pg.DB
	publisher *outbox.Publisher
	queue     *recorder
	perGroup  int
}

// config has short times; what must not happen by time alone has long ones.
func config() outbox.Config {
	return outbox.Config{
		Window: map[subjects.Layer]int{subjects.Read: 4, subjects.Chunk: 4},
		Lease:  100 * time.Millisecond, Redrive: time.Hour, Poll: 20 * time.Millisecond,
	}
}

func newDB(t *testing.T) *pg.DB {
	t.Helper()
	db, err := pg.Open(t.Context(), meshtest.Database(t, meshtest.Template{}), schema, 8)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	_, err = db.Exec(t.Context(), "CREATE SCHEMA "+schema+";"+outbox.Schema)
	require.NoError(t, err)
	return db
}

// newBench makes a publisher that runs.
func newBench(t *testing.T, c outbox.Config) *bench {
	t.Helper()
	b := &bench{t: t, db: newDB(t), queue: &recorder{}, perGroup: 100}
	b.publisher = b.run(b.queue, c)
	return b
}

// run starts a publisher until the test ends.
func (b *bench) run(queue outbox.Queue, c outbox.Config) *outbox.Publisher {
	b.t.Helper()
	p := outbox.NewPublisher(b.db, queue, b.db.NewSignal("outbox"), []subjects.Layer{subjects.Read, subjects.Chunk}, c, telemetry.Discard())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	b.t.Cleanup(func() {
		cancel()
		require.NoError(b.t, <-done)
	})
	return p
}

// change commits changes of a publisher. One that does not run is a process that
// dies right after.
func (b *bench) change(p *outbox.Publisher, queue func(c *outbox.Changes)) {
	b.t.Helper()
	require.NoError(b.t, b.write(p, queue))
}

func (b *bench) write(p *outbox.Publisher, queue func(c *outbox.Changes)) error {
	return b.db.Write(b.t.Context(), pg.OnDisk, func(u *pg.Unit) error {
		queue(p.Begin(u))
		return nil
	})
}

func id(name string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(name)) }

// piece is work of layer read; its group is the part of the name before the dash.
func piece(name, tenant string, priority int32) outbox.Work {
	group, _, _ := strings.Cut(name, "-")
	return outbox.Work{
		ID: id(name), Group: id(group), Tenant: tenant, Lane: subjects.Read, Subject: subjects.Read.Work("wav", name), Priority: priority,
	}
}

// add writes work of one group.
func (b *bench) add(work ...outbox.Work) {
	b.t.Helper()
	b.change(b.publisher, func(c *outbox.Changes) { c.AddWork("", b.perGroup, work...) })
}

func (b *bench) settle(name string) {
	b.t.Helper()
	b.change(b.publisher, func(c *outbox.Changes) { c.Settle(id(name)) })
}

// sent waits until exactly these have been published, in this order.
func (b *bench) sent(want ...string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return len(b.queue.all()) >= len(want) }, patience, tick, "%v", b.queue.all())
	require.Equal(b.t, want, b.queue.all())
}

// quiet checks that nothing more is published for some rounds of polling.
func (b *bench) quiet() {
	b.t.Helper()
	before := len(b.queue.all())
	require.Never(b.t, func() bool { return len(b.queue.all()) != before }, 100*time.Millisecond, tick)
}

func (b *bench) rows() (n int) {
	b.t.Helper()
	require.NoError(b.t, b.db.QueryRow(b.t.Context(), "SELECT count(*) FROM outbox").Scan(&n))
	return n
}

func TestFacts(t *testing.T) {
	t.Parallel()
	b := newBench(t, config())
	b.change(b.publisher, func(c *outbox.Changes) {
		for _, name := range []string{"a", "b", "c"} {
			c.AddFact("", outbox.Fact{Tenant: "acme", Subject: "event.flow." + name, Payload: []byte(name)})
		}
	})
	b.sent("a", "b", "c")
	require.Eventually(t, func() bool { return b.rows() == 0 }, patience, tick)
}

// A fact that cannot be published stays until it can.
func TestFactsWaitForTheQueue(t *testing.T) {
	t.Parallel()
	b := newBench(t, config())
	b.queue.failWith(func(m bus.Outgoing) error {
		if strings.HasSuffix(m.Subject, "large") {
			return bus.ErrTooLarge
		}
		return errors.New("no responders")
	})
	b.change(b.publisher, func(c *outbox.Changes) {
		c.AddFact("", outbox.Fact{Tenant: "acme", Subject: "event.flow.large"})
		c.AddFact("", outbox.Fact{Tenant: "acme", Subject: "event.flow.a"})
	})
	require.Eventually(t, func() bool { return b.rows() == 1 }, patience, tick, "what is too large is given up")
	b.queue.failWith(nil)
	b.sent("a")
	require.Eventually(t, func() bool { return b.rows() == 0 }, patience, tick)
}

// What was rolled back never happened.
func TestRollback(t *testing.T) {
	t.Parallel()
	b := newBench(t, config())
	failed := errors.New("the transaction fails")
	err := b.db.Write(t.Context(), pg.OnDisk, func(u *pg.Unit) error {
		c := b.publisher.Begin(u)
		c.AddFact("", outbox.Fact{Tenant: "acme", Subject: "event.flow.a"})
		c.AddWork("", 10, piece("j-1", "acme", 0))
		return errors.Join(u.Send(), failed)
	})
	require.ErrorIs(t, err, failed)
	b.quiet()
	require.Zero(t, b.rows())
}

// The process that committed dies before it publishes: its lease runs out, and
// another publishes.
func TestWriterDies(t *testing.T) {
	t.Parallel()
	c := config()
	c.Redrive = 100 * time.Millisecond
	b := newBench(t, c)
	dead := outbox.NewPublisher(b.db, &recorder{}, b.db.NewSignal("outbox"), []subjects.Layer{subjects.Read}, c, telemetry.Discard())
	b.change(dead, func(c *outbox.Changes) {
		c.AddFact("", outbox.Fact{Tenant: "acme", Subject: "event.flow.fact"})
		c.AddWork("", 10, piece("j-1", "acme", 0))
	})
	require.Eventually(t, func() bool {
		sent := b.queue.all()
		return slices.Contains(sent, "fact") && slices.Contains(sent, "j-1")
	}, patience, tick)
}

// At most perGroup of a job are let out; each that is settled lets the next out.
func TestPerGroup(t *testing.T) {
	t.Parallel()
	b := newBench(t, config())
	b.perGroup = 2
	b.add(piece("j-1", "acme", 0), piece("j-2", "acme", 0), piece("j-3", "acme", 0), piece("j-4", "acme", 0))
	b.sent("j-1", "j-2")
	b.quiet()
	b.settle("j-2")
	b.sent("j-1", "j-2", "j-3")
	b.add(piece("j-5", "acme", 0))
	b.quiet()
	b.settle("j-1")
	b.settle("j-3")
	b.sent("j-1", "j-2", "j-3", "j-4", "j-5")
	b.settle("j-3") // again, and of what is gone
	b.settle("j-4")
	b.settle("j-5")
	require.Zero(t, b.rows())
}

// A tenant with much work does not keep another waiting: who has least in flight
// goes next, within a tenant by priority and age.
func TestShareBetweenTenants(t *testing.T) {
	t.Parallel()
	b := newBench(t, config())
	for i := range 12 {
		b.add(piece(fmt.Sprintf("big%d-1", i), "acme", 0))
	}
	b.sent("big0-1", "big1-1", "big2-1", "big3-1") // the window
	b.add(piece("small-1", "umbrella", 0))
	b.add(piece("small-2", "umbrella", 7))
	b.add(piece("urgent-1", "acme", 9))
	b.quiet()
	b.settle("big0-1")
	b.sent("big0-1", "big1-1", "big2-1", "big3-1", "small-2")
	b.settle("big1-1")
	b.sent("big0-1", "big1-1", "big2-1", "big3-1", "small-2", "small-1")
	b.settle("big2-1")
	b.sent("big0-1", "big1-1", "big2-1", "big3-1", "small-2", "small-1", "urgent-1")
	b.settle("small-2")
	b.sent("big0-1", "big1-1", "big2-1", "big3-1", "small-2", "small-1", "urgent-1", "big4-1")
}

// A lane that is full does not stand in the way of another.
func TestLanesAreApart(t *testing.T) {
	t.Parallel()
	b := newBench(t, config())
	for i := range 6 {
		b.add(piece(fmt.Sprintf("j%d-1", i), "acme", 0))
	}
	other := piece("plan-1", "acme", 0)
	other.Lane, other.Subject = subjects.Chunk, subjects.Chunk.Work("wav", "plan-1")
	b.add(other)
	b.sent("j0-1", "j1-1", "j2-1", "j3-1", "plan-1")
}

// Work whose report does not come is published again, until it is settled.
func TestRedrive(t *testing.T) {
	t.Parallel()
	c := config()
	c.Redrive = 50 * time.Millisecond
	b := newBench(t, c)
	b.add(piece("j-1", "acme", 0))
	require.Eventually(t, func() bool { return len(b.queue.all()) >= 3 }, patience, tick)
	b.settle("j-1")
	after := len(b.queue.all())
	require.Never(t, func() bool { return len(b.queue.all()) > after+1 }, 300*time.Millisecond, tick, "one may have been on its way")
}

// Delayed work comes again when its time has come, and not before; it still counts
// as one of its group.
func TestDelay(t *testing.T) {
	t.Parallel()
	b := newBench(t, config())
	b.perGroup = 1
	b.add(piece("j-1", "acme", 0), piece("j-2", "acme", 0))
	b.sent("j-1")
	due := time.Now().Add(200 * time.Millisecond)
	b.change(b.publisher, func(c *outbox.Changes) { c.Delay(id("j-1"), due) })
	b.quiet()
	b.sent("j-1", "j-1")
	require.False(t, time.Now().Before(due.Add(-50*time.Millisecond)))
	b.settle("j-1")
	b.sent("j-1", "j-1", "j-2")
}

func TestDropGroup(t *testing.T) {
	t.Parallel()
	b := newBench(t, config())
	b.perGroup = 1
	b.add(piece("j-1", "acme", 0), piece("j-2", "acme", 0))
	b.add(piece("k-1", "acme", 0))
	b.sent("j-1", "k-1")
	b.change(b.publisher, func(c *outbox.Changes) { c.DropGroup(id("j")) })
	require.Equal(t, 1, b.rows())
	b.quiet()
}

// The same piece of work twice is refused by the table.
func TestWorkIsUnique(t *testing.T) {
	t.Parallel()
	b := newBench(t, config())
	b.add(piece("j-1", "acme", 0))
	err := b.write(b.publisher, func(c *outbox.Changes) { c.AddWork("", 10, piece("j-1", "acme", 0)) })
	require.True(t, pg.IsUnique(err, ""), "%v", err)
}

// Two owners' processes share one outbox: each fact is published, and none by both.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	b := newBench(t, config())
	b.run(b.queue, config())
	// They are left by a third one that dies.
	c := config()
	c.Lease = time.Millisecond
	dead := outbox.NewPublisher(b.db, &recorder{}, b.db.NewSignal("outbox"), nil, c, telemetry.Discard())
	const facts = 500
	var want []string
	for i := range facts / 10 {
		b.change(dead, func(c *outbox.Changes) {
			for j := range 10 {
				name := fmt.Sprintf("f%d", 10*i+j)
				want = append(want, name)
				c.AddFact("", outbox.Fact{Tenant: "acme", Subject: "event.flow." + name})
			}
		})
	}
	require.Eventually(t, func() bool { return b.rows() == 0 }, patience, tick)
	require.ElementsMatch(t, want, b.queue.all())
}
