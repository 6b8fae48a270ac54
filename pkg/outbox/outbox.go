package outbox

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/subjects"
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
    not_before    timestamptz, -- of delayed work: when it becomes ready again
    published_at  timestamptz,
    CHECK ((lane IS NULL) = (work_id IS NULL) AND (lane IS NULL) = (group_id IS NULL))
);
CREATE INDEX outbox_facts       ON outbox (id) WHERE lane IS NULL;
CREATE INDEX outbox_ready       ON outbox (lane, tenant_id, priority DESC, id) WHERE ready AND published_at IS NULL;
CREATE INDEX outbox_waiting     ON outbox (group_id, lane, id) WHERE NOT ready AND not_before IS NULL;
CREATE INDEX outbox_delayed     ON outbox (not_before) WHERE not_before IS NOT NULL;
CREATE INDEX outbox_outstanding ON outbox (lane, tenant_id) WHERE published_at IS NOT NULL;
CREATE INDEX outbox_group       ON outbox (group_id) WHERE group_id IS NOT NULL;
`

// Fact is an event to publish once its transaction has committed.
type Fact struct {
	Tenant  string
	Subject string
	Payload []byte
}

// Work is one piece of work to hand out.
type Work struct {
	ID       uuid.UUID
	Group    uuid.UUID // the job
	Tenant   string
	Lane     subjects.Layer
	Subject  string
	Payload  []byte
	Priority int32
}

// Changes is what one unit of change does to the outbox. Its methods queue statements
// of the unit; what they write is handed to the publisher once that is committed.
type Changes struct {
	publisher *Publisher
	unit      *pg.Unit
	facts     []row
	work      map[subjects.Layer][]row
	promised  map[subjects.Layer]int64 // of the room there was
	settled   []subjects.Layer
	left      map[subjects.Layer]bool // rows are ready that this process does not publish by itself
}

// Begin starts the changes of one unit.
func (p *Publisher) Begin(unit *pg.Unit) *Changes {
	c := &Changes{publisher: p, unit: unit, work: map[subjects.Layer][]row{}, promised: map[subjects.Layer]int64{}, left: map[subjects.Layer]bool{}}
	unit.OnCommitted(func() { p.take(c) })
	return c
}

// AddFact queues a fact.
func (c *Changes) AddFact(traceParent string, f Fact) {
	c.unit.Note(func(rows pgx.Rows) error {
		written := row{tenant: f.Tenant, subject: f.Subject, payload: f.Payload, traceParent: traceParent}
		_, err := pgx.ForEachRow(rows, []any{&written.id}, func() error {
			c.facts = append(c.facts, written)
			return nil
		})
		return err
	}, `INSERT INTO outbox (tenant_id, subject, payload, trace_parent, lease_until) VALUES ($1, $2, $3, $4, now() + $5) RETURNING id`,
		f.Tenant, f.Subject, body(f.Payload), traceParent, c.publisher.config.Lease)
}

// insertWork writes pieces of one group and lane. The first of the group are ready;
// if this process has room for them they are its own to publish.
const insertWork = `
	INSERT INTO outbox (tenant_id, subject, payload, trace_parent, lane, work_id, group_id, priority, ready, published_at, lease_until)
	SELECT $1, w.subject, w.payload, $2, $3, w.id, $4, $5, w.ready,
		CASE WHEN w.ready AND w.n <= $6 THEN now() END, CASE WHEN w.ready AND w.n <= $6 THEN now() + $7::interval END
	FROM (
		SELECT u.id, u.subject, u.payload, u.n,
			u.n + (SELECT count(*) FROM outbox o WHERE o.group_id = $4 AND o.lane = $3 AND (o.ready OR o.not_before IS NOT NULL)) <= $8 AS ready
		FROM unnest($9::uuid[], $10::text[], $11::bytea[]) WITH ORDINALITY AS u (id, subject, payload, n)
	) w ORDER BY w.n
	RETURNING id, tenant_id, subject, payload, trace_parent, ready, published_at IS NOT NULL`

// AddWork queues pieces of work of one group and lane. At most perGroup of the group
// are ready at a time.
func (c *Changes) AddWork(traceParent string, perGroup int, work ...Work) {
	if len(work) == 0 {
		return
	}
	first := work[0]
	ids, names, payloads := make([]uuid.UUID, len(work)), make([]string, len(work)), make([][]byte, len(work))
	for i, w := range work {
		ids[i], names[i], payloads[i] = w.ID, w.Subject, body(w.Payload)
	}
	room := max(0, c.publisher.room(first.Lane)-c.promised[first.Lane])
	c.promised[first.Lane] += min(room, int64(len(work)))
	c.unit.Note(func(rows pgx.Rows) error {
		for rows.Next() {
			var r row
			var ready, ours bool
			if err := rows.Scan(&r.id, &r.tenant, &r.subject, &r.payload, &r.traceParent, &ready, &ours); err != nil {
				return err
			}
			if ours {
				c.work[first.Lane] = append(c.work[first.Lane], r)
			}
			c.left[first.Lane] = c.left[first.Lane] || ready && !ours
		}
		return rows.Err()
	}, insertWork, first.Tenant, traceParent, first.Lane, first.Group, first.Priority, room, c.publisher.config.Redrive,
		perGroup, ids, names, payloads)
}

// Settle queues the removal of a piece of work whose report has arrived, and makes
// the next of its group and lane ready.
func (c *Changes) Settle(workID uuid.UUID) {
	c.unit.Note(func(rows pgx.Rows) error {
		for rows.Next() {
			var lane subjects.Layer
			var next bool
			if err := rows.Scan(&lane, &next); err != nil {
				return err
			}
			c.settled = append(c.settled, lane)
			c.left[lane] = c.left[lane] || next
		}
		return rows.Err()
	}, `
		WITH settled AS (
			DELETE FROM outbox WHERE work_id = $1 RETURNING group_id, lane
		), next AS (
			UPDATE outbox SET ready = true WHERE id = (
				SELECT o.id FROM outbox o JOIN settled s ON o.group_id = s.group_id AND o.lane = s.lane
				WHERE NOT o.ready AND o.not_before IS NULL ORDER BY o.id LIMIT 1 FOR UPDATE OF o SKIP LOCKED)
			RETURNING id
		)
		SELECT lane, EXISTS (SELECT FROM next) FROM settled`, workID)
}

// Delay queues that a piece of work is to be published again, not before an instant.
func (c *Changes) Delay(workID uuid.UUID, notBefore time.Time) {
	c.unit.Exec(`UPDATE outbox SET ready = false, published_at = NULL, lease_until = NULL, not_before = $2 WHERE work_id = $1`, workID, notBefore)
}

// DropGroup queues the removal of all work of a group, as when its job is cancelled.
func (c *Changes) DropGroup(group uuid.UUID) {
	c.unit.Exec(`DELETE FROM outbox WHERE group_id = $1`, group)
}

// body is a payload as the table takes it: none is empty, not NULL.
func body(payload []byte) []byte {
	if payload == nil {
		return []byte{}
	}
	return payload
}
