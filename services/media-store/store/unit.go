package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
)

// unit is one unit of change of the index.
type unit struct {
	*pg.Unit

	changes *outbox.Changes
}

// write runs fn as a unit in a transaction of its own.
func (s *Store) write(ctx context.Context, fn func(u *unit) error) error {
	return clientFault(s.db.Write(ctx, pg.OnDisk, s.unit(fn)))
}

// writeJob runs fn as a unit that changes what is of one job, quickly, in a
// transaction that it may share with those of other jobs.
func (s *Store) writeJob(ctx context.Context, job string, fn func(u *unit) error) error {
	if job == "" {
		return s.write(ctx, fn)
	}
	return clientFault(s.writer.Do(ctx, job, s.unit(fn)))
}

func (s *Store) unit(fn func(u *unit) error) func(*pg.Unit) error {
	return func(u *pg.Unit) error { return fn(&unit{u, s.publisher.Begin(u)}) }
}

// into queues a query whose rows go to a slice.
func into[T any](u *unit, out *[]T, scan pgx.RowToFunc[T], sql string, args ...any) {
	u.Query(func(rows pgx.Rows) error {
		var err error
		*out, err = pgx.CollectRows(rows, scan)
		return err
	}, sql, args...)
}

// each queues a query for every id, in order, whose rows go to one slice. One probe
// of an index each is what a list of ids should be, and while a table is small the
// planner would rather walk through all of it.
func each[T, ID any](u *unit, out *[]T, scan pgx.RowToFunc[T], sql string, tenant Tenant, ids []ID) {
	*out = (*out)[:0]
	for _, id := range ids {
		u.Query(func(rows pgx.Rows) error {
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
func (u *unit) readFlows(tenant Tenant, ids []uuid.UUID) ([]*Flow, error) {
	var flows []*Flow
	u.queueFlows(&flows, tenant, ids)
	if err := u.Send(); err != nil {
		return nil, fmt.Errorf("read %d flows: %w", len(ids), err)
	}
	return flows, nil
}
