package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/outbox"
)

// unit is one transaction. Statements that need no answer of the one before are
// queued and sent together: an answer that is waited for costs as much as several
// statements.
type unit struct {
	pgx.Tx
	batch   *pgx.Batch
	changes *outbox.Changes
}

// write runs fn in a transaction, sends what it has queued, and publishes the facts
// once they are committed.
func (s *Store) write(ctx context.Context, fn func(u *unit) error) error {
	var u *unit
	err := s.db.InTx(ctx, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		u = &unit{Tx: tx, batch: batch, changes: s.publisher.Begin(batch)}
		if err := fn(u); err != nil {
			return err
		}
		return u.send(ctx)
	})
	if err != nil {
		return err
	}
	u.changes.Committed()
	return nil
}

// exec queues a statement without rows.
func (u *unit) exec(sql string, args ...any) { u.batch.Queue(sql, args...) }

// one queues a query for one row; none is pgx.ErrNoRows.
func (u *unit) one(read func(pgx.Row) error, sql string, args ...any) {
	u.batch.Queue(sql, args...).QueryRow(read)
}

// rows queues a query for rows.
func (u *unit) rows(read func(pgx.Rows) error, sql string, args ...any) {
	u.batch.Queue(sql, args...).Query(read)
}

// into queues a query whose rows go to a slice.
func into[T any](u *unit, out *[]T, scan pgx.RowToFunc[T], sql string, args ...any) {
	u.rows(func(rows pgx.Rows) error {
		var err error
		*out, err = pgx.CollectRows(rows, scan)
		return err
	}, sql, args...)
}

// send sends what is queued. Answers are read in order; the first error of a
// statement, or of what reads its answer, ends the transaction.
func (u *unit) send(ctx context.Context) error {
	if u.batch.Len() == 0 {
		return nil
	}
	err := u.SendBatch(ctx, u.batch).Close()
	*u.batch = pgx.Batch{} // Changes keeps the pointer
	return err
}

// each queues a query for every id, in order, whose rows go to one slice. One probe
// of an index each is what a list of ids should be, and while a table is small the
// planner would rather walk through all of it.
func each[T, ID any](u *unit, out *[]T, scan pgx.RowToFunc[T], sql string, tenant Tenant, ids []ID) {
	*out = (*out)[:0]
	for _, id := range ids {
		u.rows(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, scan)
			*out = append(*out, found...)
			return err
		}, sql, tenant, id)
	}
}

// queueFlows queues the reading of Flows as they are then.
func (u *unit) queueFlows(out *[]*Flow, tenant Tenant, ids []uuid.UUID) {
	each(u, out, scanFlow, selectFlow, tenant, ids)
}

// queueRevisions queues the reading of the next revision of each of n Flows.
func (u *unit) queueRevisions(out *[]int64, n int) {
	into(u, out, pgx.RowTo[int64], `SELECT nextval('flow_revision') FROM generate_series(1, $1)`, n)
}

// readFlows sends what is queued and then reads Flows.
func (u *unit) readFlows(ctx context.Context, tenant Tenant, ids []uuid.UUID) ([]*Flow, error) {
	var flows []*Flow
	u.queueFlows(&flows, tenant, ids)
	if err := u.send(ctx); err != nil {
		return nil, fmt.Errorf("read %d flows: %w", len(ids), err)
	}
	return flows, nil
}
