package outbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/subjects"
)

// row is one row that is this process's to publish.
type row struct {
	id          int64
	tenant      string
	subject     string
	payload     []byte
	traceParent string
}

// batchSize bounds the rows that one statement claims.
const batchSize = 200

// claim is a statement that leases rows, and what it brought, in the order in which
// the rows were written.
type claim struct {
	sql  string
	args []any
	rows []row
}

// claim runs claims in one transaction, which need not reach the disk: rows that a
// crash of the database gives back are published again.
func (p *Publisher) claim(ctx context.Context, claims ...*claim) error {
	err := p.db.Write(ctx, pg.InMemory, func(u *pg.Unit) error {
		for _, c := range claims {
			u.Note(func(rows pgx.Rows) (err error) {
				c.rows, err = pgx.CollectRows(rows, scanRow)
				slices.SortFunc(c.rows, func(a, b row) int { return cmp.Compare(a.id, b.id) })
				return err
			}, c.sql, c.args...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("claim outbox rows: %w", err)
	}
	return nil
}

func scanRow(r pgx.CollectableRow) (row, error) {
	var c row
	return c, r.Scan(&c.id, &c.tenant, &c.subject, &c.payload, &c.traceParent)
}

const claimFacts = `
	UPDATE outbox SET lease_until = now() + $1::interval WHERE id IN (
		SELECT id FROM outbox WHERE lane IS NULL AND (lease_until IS NULL OR lease_until < now())
		ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
	RETURNING id, tenant_id, subject, payload, trace_parent`

// claimLane picks, for one lane, as many ready rows as its window has room for:
// within a tenant by priority and age, between tenants by who has least in flight.
// Tenants are found by a loose scan of the index, a probe each.
const claimLane = `
	WITH RECURSIVE
	flying AS (SELECT tenant_id, count(*) AS n FROM outbox WHERE lane = $1 AND published_at IS NOT NULL GROUP BY tenant_id),
	room AS (SELECT least($4, greatest(0, $2 - coalesce(sum(n), 0)))::bigint AS n FROM flying),
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
			ORDER BY o.priority DESC, o.id LIMIT (SELECT n FROM room)) c
	),
	picked AS (SELECT id FROM candidates ORDER BY share, id LIMIT (SELECT n FROM room)),
	locked AS (SELECT o.id FROM outbox o JOIN picked USING (id) WHERE o.published_at IS NULL FOR UPDATE OF o SKIP LOCKED)
	UPDATE outbox SET lease_until = now() + $3::interval, published_at = now() FROM locked WHERE outbox.id = locked.id
	RETURNING outbox.id, tenant_id, subject, payload, trace_parent`

// wakeDelayed makes delayed work ready whose time has come. It stood apart until
// then, so that a long queue of it does not stand in the way of every claim.
func (p *Publisher) wakeDelayed(ctx context.Context) error {
	if _, err := p.db.Exec(ctx, `UPDATE outbox SET ready = true, not_before = NULL WHERE not_before <= now()`); err != nil {
		return fmt.Errorf("wake delayed work: %w", err)
	}
	return nil
}

// claimUnreported leases work that was published and whose report has not come.
const claimUnreported = `
	UPDATE outbox SET lease_until = now() + $1::interval WHERE id IN (
		SELECT id FROM outbox WHERE lane = ANY($2) AND published_at IS NOT NULL AND lease_until < now()
		LIMIT $3 FOR UPDATE SKIP LOCKED)
	RETURNING id, tenant_id, subject, payload, trace_parent`

// countOutstanding says how much of each lane is handed out, by all processes.
func (p *Publisher) countOutstanding(ctx context.Context) (map[subjects.Layer]int64, error) {
	rows, err := p.db.Query(ctx, `SELECT lane, count(*) FROM outbox WHERE lane IS NOT NULL AND published_at IS NOT NULL GROUP BY lane`)
	if err != nil {
		return nil, fmt.Errorf("count outstanding work: %w", err)
	}
	counts := map[subjects.Layer]int64{}
	var lane subjects.Layer
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&lane, &n}, func() error {
		counts[lane] = n
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count outstanding work: %w", err)
	}
	return counts, nil
}
