package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/subjects"
)

// Config says how a publisher works.
type Config struct {
	// Window is how many pieces of work of one lane may be outstanding.
	Window int
	// Lease is how long a claimed row is left alone if its publisher dies.
	Lease time.Duration
	// Redrive is after how long unreported work is published again.
	Redrive time.Duration
	// Poll is how often to look without a signal.
	Poll time.Duration
}

// DefaultConfig suits a small fleet.
func DefaultConfig() Config {
	return Config{Window: 64, Lease: 10 * time.Second, Redrive: 5 * time.Second, Poll: time.Second}
}

// Queue is where rows go; bus.Bus is one.
type Queue interface {
	PublishWork(ctx context.Context, subject string, payload []byte, headers map[string]string) error
	PublishRaw(ctx context.Context, subject string, payload []byte, headers map[string]string) error
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
}

// NewPublisher makes a publisher of facts and of the given lanes. It sends nothing
// before Run.
func NewPublisher(db *pg.DB, queue Queue, signal *pg.Signal, lanes []subjects.Layer, config Config, log *slog.Logger) *Publisher {
	return &Publisher{db, queue, lanes, config, log, signal}
}

// Run publishes until ctx ends: at each signal after a commit, and by polling.
func (p *Publisher) Run(ctx context.Context) error {
	if err := p.queue.EnsureStreams(ctx, p.lanes...); err != nil && ctx.Err() == nil {
		p.log.WarnContext(ctx, "streams are not there yet", "err", err)
	}
	redrive := time.NewTicker(p.config.Redrive / 2)
	defer redrive.Stop()
	poll := time.NewTicker(p.config.Poll)
	defer poll.Stop()
	for {
		if err := p.drain(ctx); err != nil && ctx.Err() == nil {
			// The streams may be gone with JetStream's whole store.
			err = errors.Join(err, p.queue.EnsureStreams(ctx, p.lanes...))
			p.log.WarnContext(ctx, "outbox is not being published", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-p.signal.C():
		case <-poll.C:
		case <-redrive.C:
			if err := p.redrive(ctx); err != nil && ctx.Err() == nil {
				err = errors.Join(err, p.queue.EnsureStreams(ctx, p.lanes...))
				p.log.WarnContext(ctx, "unreported work is not being published again", "err", err)
			}
		}
	}
}

// drain publishes facts and lanes side by side until nothing more can go.
func (p *Publisher) drain(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return repeat(func() (int, error) { return p.publishFacts(ctx) }) })
	for _, lane := range p.lanes {
		group.Go(func() error { return repeat(func() (int, error) { return p.publishLane(ctx, lane) }) })
	}
	return group.Wait()
}

// repeat calls step until it did nothing.
func repeat(step func() (int, error)) error {
	for {
		if n, err := step(); n == 0 || err != nil {
			return err
		}
	}
}

// row is one claimed row.
type row struct {
	id          int64
	tenant      string
	subject     string
	payload     []byte
	traceParent string
}

const batchSize = 200

// claim runs a statement that leases rows and returns them.
func (p *Publisher) claim(ctx context.Context, sql string, args ...any) ([]row, error) {
	rows, err := p.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("claim outbox rows: %w", err)
	}
	claimed, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (row, error) {
		var c row
		return c, r.Scan(&c.id, &c.tenant, &c.subject, &c.payload, &c.traceParent)
	})
	if err != nil {
		return nil, fmt.Errorf("claim outbox rows: %w", err)
	}
	return claimed, nil
}

const claimFacts = `
	UPDATE outbox SET lease_until = now() + $1 WHERE id IN (
		SELECT id FROM outbox WHERE lane IS NULL AND (lease_until IS NULL OR lease_until < now())
		ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
	RETURNING id, tenant_id, subject, payload, trace_parent`

func (p *Publisher) publishFacts(ctx context.Context) (int, error) {
	rows, err := p.claim(ctx, claimFacts, p.config.Lease, batchSize)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	sortByID(rows)
	sent, err := p.send(ctx, rows, p.queue.PublishRaw)
	if len(sent) > 0 {
		if _, delErr := p.db.Exec(ctx, `DELETE FROM outbox WHERE id = ANY($1)`, sent); delErr != nil {
			return 0, fmt.Errorf("delete published facts: %w", delErr)
		}
	}
	return len(sent), err
}

// claimLane picks, for one lane, as many ready rows as its window has room for:
// within a tenant by priority and age, between tenants by who has least in flight.
// Tenants are found by a loose scan of the index, a probe each.
const claimLane = `
	WITH RECURSIVE
	flying AS (SELECT tenant_id, count(*) AS n FROM outbox WHERE lane = $1 AND published_at IS NOT NULL GROUP BY tenant_id),
	room AS (SELECT greatest(0, $2 - coalesce(sum(n), 0))::bigint AS n FROM flying),
	tenants AS (
		(SELECT tenant_id FROM outbox WHERE lane = $1 AND ready AND published_at IS NULL ORDER BY tenant_id LIMIT 1)
		UNION ALL
		SELECT (SELECT o.tenant_id FROM outbox o WHERE o.lane = $1 AND o.ready AND o.published_at IS NULL
				AND o.tenant_id > t.tenant_id ORDER BY o.tenant_id LIMIT 1)
		FROM tenants t WHERE t.tenant_id IS NOT NULL
	),
	candidates AS (
		SELECT c.id, coalesce(f.n, 0) + row_number() OVER (PARTITION BY t.tenant_id ORDER BY c.priority DESC, c.id) AS share
		FROM tenants t LEFT JOIN flying f USING (tenant_id) CROSS JOIN LATERAL (
			SELECT id, priority FROM outbox o
			WHERE o.lane = $1 AND o.ready AND o.published_at IS NULL AND o.tenant_id = t.tenant_id
				AND o.not_before <= now() AND (o.lease_until IS NULL OR o.lease_until < now())
			ORDER BY o.priority DESC, o.id LIMIT (SELECT n FROM room)) c
	),
	picked AS (SELECT id FROM candidates ORDER BY share, id LIMIT (SELECT n FROM room)),
	locked AS (SELECT o.id FROM outbox o JOIN picked USING (id) WHERE o.published_at IS NULL FOR UPDATE OF o SKIP LOCKED)
	UPDATE outbox SET lease_until = now() + $3, published_at = now() FROM locked WHERE outbox.id = locked.id
	RETURNING outbox.id, tenant_id, subject, payload, trace_parent`

func (p *Publisher) publishLane(ctx context.Context, lane subjects.Layer) (int, error) {
	rows, err := p.claim(ctx, claimLane, lane, p.config.Window, p.config.Redrive)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	sortByID(rows)
	return p.sendWork(ctx, rows)
}

// claimRedrive leases work that was published and whose report has not come.
const claimRedrive = `
	UPDATE outbox SET lease_until = now() + $1 WHERE id IN (
		SELECT id FROM outbox WHERE lane = ANY($2) AND published_at IS NOT NULL AND lease_until < now()
		LIMIT $3 FOR UPDATE SKIP LOCKED)
	RETURNING id, tenant_id, subject, payload, trace_parent`

// redrive publishes again what has not been reported; what is queued or in flight
// is refused, which is well.
func (p *Publisher) redrive(ctx context.Context) error {
	return repeat(func() (int, error) {
		rows, err := p.claim(ctx, claimRedrive, p.config.Redrive, p.lanes, batchSize)
		if err != nil || len(rows) == 0 {
			return 0, err
		}
		return p.sendWork(ctx, rows)
	})
}

func (p *Publisher) sendWork(ctx context.Context, rows []row) (int, error) {
	sent, err := p.send(ctx, rows, p.queue.PublishWork)
	return len(sent), err
}

// send publishes rows in order and returns the ids of
// those that arrived.
func (p *Publisher) send(ctx context.Context, rows []row, publish func(context.Context, string, []byte, map[string]string) error) ([]int64, error) {
	sent := make([]int64, 0, len(rows))
	for _, r := range rows {
		headers := map[string]string{bus.TenantHeader: r.tenant}
		if r.traceParent != "" {
			headers["traceparent"] = r.traceParent
		}
		err := publish(ctx, r.subject, r.payload, headers)
		if err != nil && !errors.Is(err, bus.ErrQueued) {
			return sent, err
		}
		sent = append(sent, r.id)
	}
	return sent, nil
}

func sortByID(rows []row) {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.id, b.id) })
}
