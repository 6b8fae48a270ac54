package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/subjects"
)

// Config says how a publisher works.
type Config struct {
	// Window is how many pieces of work of a lane may be outstanding.
	Window map[subjects.Layer]int
	// Lease is how long a fact is left to the process that wrote or claimed it.
	Lease time.Duration
	// Redrive is after how long unreported work is published again.
	Redrive time.Duration
	// Poll is how often to look without a signal.
	Poll time.Duration
}

// DefaultConfig suits owners of facts; those of work set a Window for each lane.
func DefaultConfig() Config {
	return Config{Lease: 5 * time.Second, Redrive: 5 * time.Second, Poll: time.Second}
}

// Queue is where rows go; bus.Bus is one.
type Queue interface {
	// Publish sends messages in order, and returns an error for each.
	Publish(ctx context.Context, messages []bus.Outgoing) []error
	// EnsureStreams makes the streams that are missing.
	EnsureStreams(ctx context.Context, layers ...subjects.Layer) error
}

var _ Queue = (*bus.Bus)(nil)

// Publisher sends the rows of one schema's outbox.
type Publisher struct {
	db     *pg.DB
	queue  Queue
	lanes  []subjects.Layer
	config Config
	log    *slog.Logger
	signal *pg.Signal

	mu          sync.Mutex
	facts       []row                    // committed, to be published
	work        []row                    // committed, to be published
	outstanding map[subjects.Layer]int64 // as far as this process knows
	backlog     map[subjects.Layer]bool  // ready rows may be waiting for room
	left        map[subjects.Layer]int   // how often that has become so
	haveFacts   chan struct{}
	haveWork    chan struct{}
	haveRoom    chan struct{}
}

// NewPublisher makes a publisher of facts and of the given lanes. It sends nothing
// before Run.
func NewPublisher(db *pg.DB, queue Queue, signal *pg.Signal, lanes []subjects.Layer, config Config, log *slog.Logger) *Publisher {
	return &Publisher{
		db: db, queue: queue, lanes: lanes, config: config, log: log, signal: signal,
		outstanding: map[subjects.Layer]int64{}, backlog: map[subjects.Layer]bool{}, left: map[subjects.Layer]int{},
		haveFacts: make(chan struct{}, 1), haveWork: make(chan struct{}, 1), haveRoom: make(chan struct{}, 1),
	}
}

// room returns how many more pieces of a lane this process may let out by itself:
// none while others may be waiting, whose turn it is.
func (p *Publisher) room(lane subjects.Layer) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.backlog[lane] {
		return 0
	}
	return max(0, int64(p.config.Window[lane])-p.outstanding[lane])
}

// take accepts what a unit has committed.
func (p *Publisher) take(c *Changes) {
	p.mu.Lock()
	p.facts = append(p.facts, c.facts...)
	for lane, rows := range c.work {
		p.work = append(p.work, rows...)
		p.outstanding[lane] += int64(len(rows))
	}
	for lane, left := range c.left {
		if left {
			p.backlog[lane] = true
			p.left[lane]++
		}
	}
	for _, lane := range c.settled {
		p.outstanding[lane] = max(0, p.outstanding[lane]-1)
	}
	claimable := len(p.claimable()) > 0
	p.mu.Unlock()
	if len(c.facts) > 0 {
		raise(p.haveFacts)
	}
	if len(c.work) > 0 {
		raise(p.haveWork)
	}
	if claimable {
		raise(p.haveRoom)
	}
	if len(c.left) > 0 {
		p.signal.Raise()
	}
}

// claimable lists the lanes with rows that wait and enough room for them. A claim
// costs about the same for one row as for many, so it is put off until a sixteenth of
// the window is free: half a slot of a fleet that the window suits. The caller holds
// the lock.
func (p *Publisher) claimable() []subjects.Layer {
	var lanes []subjects.Layer
	for _, lane := range p.lanes {
		window := int64(p.config.Window[lane])
		if p.backlog[lane] && window-p.outstanding[lane] >= max(1, window/16) {
			lanes = append(lanes, lane)
		}
	}
	return lanes
}

func raise(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// taken empties a list of committed rows.
func (p *Publisher) taken(list *[]row) []row {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows := *list
	*list = nil
	return rows
}

// Run publishes until ctx ends: what this process commits at once, what others left
// at each signal and by polling.
func (p *Publisher) Run(ctx context.Context) error {
	if err := p.queue.EnsureStreams(ctx, p.lanes...); err != nil && ctx.Err() == nil {
		p.log.WarnContext(ctx, "streams are not there yet", "err", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return p.onEach(ctx, p.haveFacts, func() error { return p.publishFacts(ctx, p.taken(&p.facts)) })
	})
	group.Go(func() error {
		return p.onEach(ctx, p.haveWork, func() error { return p.publishWork(ctx, p.taken(&p.work)) })
	})
	group.Go(func() error { return p.onEach(ctx, p.haveRoom, func() error { return p.claimBacklog(ctx) }) })
	group.Go(func() error { return p.onEach(ctx, p.signal.C(), func() error { return p.claimAll(ctx) }) })
	group.Go(func() error { return p.every(ctx, p.config.Poll, func() error { return p.sweep(ctx) }) })
	return group.Wait()
}

// onEach runs do at each wake-up until ctx ends. A failure is logged: the rows are
// leased, and come round again.
func (p *Publisher) onEach(ctx context.Context, wake <-chan struct{}, do func() error) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
			p.attempt(ctx, do)
		}
	}
}

func (p *Publisher) every(ctx context.Context, period time.Duration, do func() error) error {
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for {
		p.attempt(ctx, do)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func (p *Publisher) attempt(ctx context.Context, do func() error) {
	err := do()
	if err == nil || ctx.Err() != nil {
		return
	}
	// The streams may be gone with JetStream's whole store.
	err = errors.Join(err, p.queue.EnsureStreams(ctx, p.lanes...))
	p.log.WarnContext(ctx, "outbox is not being published", "err", err)
}

// sweep does what nobody may have signalled: it counts anew, claims what other
// processes left, and publishes again what was not reported.
func (p *Publisher) sweep(ctx context.Context) error {
	counts, err := p.countOutstanding(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.outstanding = counts
	p.mu.Unlock()
	return errors.Join(p.wakeDelayed(ctx), p.claimAll(ctx), p.claimUnreported(ctx))
}

// claimUnreported publishes again what was not reported.
func (p *Publisher) claimUnreported(ctx context.Context) error {
	for {
		unreported := &claim{sql: claimUnreported, args: []any{p.config.Redrive, p.lanes, batchSize}}
		if err := p.claim(ctx, unreported); err != nil {
			return err
		}
		if err := p.publishWork(ctx, unreported.rows); err != nil || len(unreported.rows) < batchSize {
			return err
		}
	}
}

// claimBacklog lets out what waits for room that there is now.
func (p *Publisher) claimBacklog(ctx context.Context) error {
	for {
		p.mu.Lock()
		lanes := p.claimable()
		p.mu.Unlock()
		if more, err := p.claimLanes(ctx, lanes); err != nil || !more {
			return err
		}
	}
}

// claimAll lets out what other processes may have left, until a claim brings less
// than it could: every fact, and of each lane what there is room for.
func (p *Publisher) claimAll(ctx context.Context) error {
	for {
		facts := &claim{sql: claimFacts, args: []any{p.config.Lease, batchSize}}
		more, err := p.claimLanes(ctx, p.lanes, facts)
		err = errors.Join(err, p.publishFacts(ctx, facts.rows))
		if err != nil || !more {
			return err
		}
	}
}

// claimLanes claims and publishes work of lanes, and makes other claims with it. It
// says whether one of them brought as much as it could.
func (p *Publisher) claimLanes(ctx context.Context, lanes []subjects.Layer, claims ...*claim) (more bool, err error) {
	work := make([]*claim, len(lanes))
	before := p.standing()
	for i, lane := range lanes {
		work[i] = &claim{sql: claimLane, args: []any{lane, p.config.Window[lane], p.config.Redrive, batchSize}}
	}
	claims = append(claims, work...)
	if len(claims) == 0 {
		return false, nil
	}
	if err := p.claim(ctx, claims...); err != nil {
		return false, err
	}
	for _, c := range claims {
		more = more || len(c.rows) == batchSize
	}
	var rows []row
	for i, c := range work {
		p.claimed(lanes[i], before, len(c.rows))
		rows = append(rows, c.rows...)
	}
	return more, p.publishWork(ctx, rows)
}

// stand is how lanes stand before a claim.
type stand struct {
	outstanding map[subjects.Layer]int64
	left        map[subjects.Layer]int
}

func (p *Publisher) standing() stand {
	p.mu.Lock()
	defer p.mu.Unlock()
	return stand{maps.Clone(p.outstanding), maps.Clone(p.left)}
}

// claimed counts what a claim of a lane brought. If it did not fill the window it has
// left nothing behind but what has become ready since.
func (p *Publisher) claimed(lane subjects.Layer, before stand, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outstanding[lane] += int64(n)
	full := before.outstanding[lane]+int64(n) >= int64(p.config.Window[lane])
	p.backlog[lane] = full || p.left[lane] != before.left[lane]
}

// publishFacts sends facts and deletes those that arrived.
func (p *Publisher) publishFacts(ctx context.Context, rows []row) error {
	sent, err := p.publish(ctx, rows)
	if len(sent) == 0 {
		return err
	}
	// What a crash of the database brings back is published again, which does no harm.
	deleted := p.db.Write(ctx, pg.InMemory, func(u *pg.Unit) error {
		u.Exec(`DELETE FROM outbox WHERE id = ANY($1)`, sent)
		return nil
	})
	if deleted != nil {
		return errors.Join(err, fmt.Errorf("delete published facts: %w", deleted))
	}
	return err
}

func (p *Publisher) publishWork(ctx context.Context, rows []row) error {
	_, err := p.publish(ctx, rows)
	return err
}

// publish sends rows in order and returns the ids of those that arrived. Work that
// the server holds already has arrived.
func (p *Publisher) publish(ctx context.Context, rows []row) ([]int64, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	messages := make([]bus.Outgoing, len(rows))
	for i, r := range rows {
		messages[i] = bus.Outgoing{Subject: r.subject, Tenant: r.tenant, TraceParent: r.traceParent, Data: r.payload}
	}
	sent := make([]int64, 0, len(rows))
	var failed error
	for i, err := range p.queue.Publish(ctx, messages) {
		switch {
		case err == nil, errors.Is(err, bus.ErrQueued):
			sent = append(sent, rows[i].id)
		case errors.Is(err, bus.ErrTooLarge):
			// It can never be sent, and must not hold up what can.
			p.log.ErrorContext(ctx, "outbox row is too large and is given up", "subject", rows[i].subject, "bytes", len(rows[i].payload))
			sent = append(sent, rows[i].id)
		default:
			failed = err
		}
	}
	return sent, failed
}
