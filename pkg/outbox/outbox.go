package outbox

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Schema is the table that an owner's migrations create. It is part of the owner's
// schema; %s-free so that it can be pasted as it is.
const Schema = `
CREATE TABLE outbox (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id     text        NOT NULL,
    subject       text        NOT NULL,
    payload       bytea       NOT NULL,
    trace_parent  text        NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now(),
    lease_until   timestamptz,
    -- of work only:
    lane          text,
    work_id       uuid UNIQUE,
    group_id      uuid,
    priority      int         NOT NULL DEFAULT 0,
    ready         boolean     NOT NULL DEFAULT true,
    not_before    timestamptz NOT NULL DEFAULT now(),
    published_at  timestamptz,
    CHECK ((lane IS NULL) = (work_id IS NULL) AND (lane IS NULL) = (group_id IS NULL))
);
CREATE INDEX outbox_facts       ON outbox (id) WHERE lane IS NULL;
CREATE INDEX outbox_ready       ON outbox (lane, tenant_id, priority DESC, id) WHERE ready AND published_at IS NULL;
CREATE INDEX outbox_waiting     ON outbox (group_id, lane, id) WHERE NOT ready;
CREATE INDEX outbox_outstanding ON outbox (lane, tenant_id) WHERE published_at IS NOT NULL;
CREATE INDEX outbox_group       ON outbox (group_id) WHERE group_id IS NOT NULL;
`

// Fact is an event to publish once its transaction has committed.
type Fact struct {
	Tenant  string
	Subject string
	Payload []byte
}

// AddFacts writes facts in tx.
func AddFacts(ctx context.Context, tx pgx.Tx, traceParent string, facts ...Fact) error {
	batch := &pgx.Batch{}
	for _, f := range facts {
		batch.Queue(`INSERT INTO outbox (tenant_id, subject, payload, trace_parent) VALUES ($1, $2, $3, $4)`,
			f.Tenant, f.Subject, f.Payload, traceParent)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("write %d facts to the outbox: %w", len(facts), err)
	}
	return nil
}

// Work is one piece of work to hand out.
type Work struct {
	ID       uuid.UUID
	Group    uuid.UUID // the job
	Tenant   string
	Lane     string // the layer
	Subject  string
	Payload  []byte
	Priority int32
}

// AddWork writes pieces of work of one group and lane in tx. The first perGroup of
// the group are ready at once, the others as those before them are settled.
func AddWork(ctx context.Context, tx pgx.Tx, traceParent string, perGroup int, work ...Work) error {
	if len(work) == 0 {
		return nil
	}
	var ready int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM outbox WHERE group_id = $1 AND lane = $2 AND ready`,
		work[0].Group, work[0].Lane).Scan(&ready)
	if err != nil {
		return fmt.Errorf("count ready work of %s: %w", work[0].Group, err)
	}
	rows := make([][]any, len(work))
	for i, w := range work {
		rows[i] = []any{w.Tenant, w.Subject, w.Payload, traceParent, w.Lane, w.ID, w.Group, w.Priority, ready+i < perGroup}
	}
	columns := []string{"tenant_id", "subject", "payload", "trace_parent", "lane", "work_id", "group_id", "priority", "ready"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"outbox"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("write %d pieces of work to the outbox: %w", len(work), err)
	}
	return nil
}

// Settle removes a piece of work whose report has arrived, and makes the next of
// its group and lane ready.
func Settle(ctx context.Context, tx pgx.Tx, workID uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		WITH settled AS (
			DELETE FROM outbox WHERE work_id = $1 RETURNING group_id, lane
		)
		UPDATE outbox SET ready = true WHERE id = (
			SELECT o.id FROM outbox o JOIN settled s ON o.group_id = s.group_id AND o.lane = s.lane
			WHERE NOT o.ready ORDER BY o.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED)`, workID)
	if err != nil {
		return fmt.Errorf("settle work %s: %w", workID, err)
	}
	return nil
}

// Delay lets a piece of work be published again, not before an instant.
func Delay(ctx context.Context, tx pgx.Tx, workID uuid.UUID, notBefore time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE outbox SET published_at = NULL, lease_until = NULL, not_before = $2 WHERE work_id = $1`,
		workID, notBefore)
	if err != nil {
		return fmt.Errorf("delay work %s: %w", workID, err)
	}
	return nil
}

// DropGroup removes all work of a group, as when its job is cancelled.
func DropGroup(ctx context.Context, tx pgx.Tx, group uuid.UUID) error {
	if _, err := tx.Exec(ctx, `DELETE FROM outbox WHERE group_id = $1`, group); err != nil {
		return fmt.Errorf("drop work of %s: %w", group, err)
	}
	return nil
}
