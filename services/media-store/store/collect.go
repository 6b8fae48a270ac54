package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// CondemnStale gives up objects that were allocated longer than timeout ago and
// never registered, at most limit, and returns how many. Rows that someone is
// registering right now are left for the next time.
func (s *Store) CondemnStale(ctx context.Context, timeout time.Duration, limit int) (int, error) {
	tag, err := s.db.Exec(ctx, `
		UPDATE object SET state = 'condemned', condemned_at = now()
		WHERE (tenant_id, id) IN (
			SELECT tenant_id, id FROM object WHERE registered_at IS NULL AND condemned_at IS NULL AND created_at < now() - $1::interval
			ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)`, timeout, limit)
	if err != nil {
		return 0, fmt.Errorf("condemn objects that were never registered: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// Condemned is an object whose bytes may go.
type Condemned struct {
	Tenant Tenant
	ID     string
	Key    string // empty if its bytes are elsewhere only
}

// Remove lets remove delete the bytes of objects that were condemned longer than
// grace ago, at most limit, and then deletes their rows; it returns how many. The
// rows are locked meanwhile, so that several collectors share the work. If remove
// fails the rows stay, and deleting the same bytes again is no error.
func (s *Store) Remove(ctx context.Context, grace time.Duration, limit int, remove func([]Condemned) error) (int, error) {
	removed := 0
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		objects, err := collect(ctx, tx, pgx.RowToStructByPos[Condemned], `
			SELECT tenant_id, id, coalesce(key, '') FROM object
			WHERE state = 'condemned' AND condemned_at < now() - $1::interval
			ORDER BY condemned_at LIMIT $2 FOR UPDATE SKIP LOCKED`, grace, limit)
		if err != nil {
			return fmt.Errorf("read condemned objects: %w", err)
		}
		if len(objects) == 0 {
			return nil
		}
		if err := remove(objects); err != nil {
			return err
		}
		tenants, ids := make([]Tenant, len(objects)), make([]string, len(objects))
		for i, o := range objects {
			tenants[i], ids[i] = o.Tenant, o.ID
		}
		_, err = tx.Exec(ctx, `
			DELETE FROM object o USING unnest($1::text[], $2::text[]) AS gone (tenant_id, id)
			WHERE o.tenant_id = gone.tenant_id AND o.id = gone.id`, tenants, ids)
		if err != nil {
			return fmt.Errorf("delete rows of removed objects: %w", err)
		}
		removed = len(objects)
		return nil
	})
	return removed, err
}

// Forget deletes what was only kept so that late callers are refused by name: rows
// of Flows that were deleted longer than keep ago, of runs that ended then, and of
// their registrations; and Sources that no Flow names any more.
func (s *Store) Forget(ctx context.Context, keep time.Duration) error {
	for what, sql := range map[string]string{
		"deleted flows": `DELETE FROM flow WHERE deleted_at < now() - $1::interval`,
		"registrations": `
			DELETE FROM registration r USING run
			WHERE run.tenant_id = r.tenant_id AND run.job_id = r.job_id AND run.run = r.run AND run.ended_at < now() - $1::interval`,
	} {
		if _, err := s.db.Exec(ctx, sql, keep); err != nil {
			return fmt.Errorf("forget %s: %w", what, err)
		}
	}
	_, err := s.db.Exec(ctx, `
		DELETE FROM run WHERE ended_at < now() - $1::interval
			AND NOT EXISTS (SELECT FROM flow f WHERE f.tenant_id = run.tenant_id AND f.job_id = run.job_id AND f.run = run.run)`, keep)
	if err != nil {
		return fmt.Errorf("forget runs: %w", err)
	}
	_, err = s.db.Exec(ctx, `
		DELETE FROM source WHERE id IN (
			SELECT id FROM source src WHERE updated_at < now() - $1::interval
				AND NOT EXISTS (SELECT FROM flow f WHERE f.source_id = src.id)
			FOR UPDATE SKIP LOCKED)`, keep)
	if err != nil {
		return fmt.Errorf("forget sources: %w", err)
	}
	return nil
}

// Backlog counts objects that wait for the collector.
type Backlog struct{ Allocated, Condemned int64 }

// CollectorBacklog returns how much there is to do.
func (s *Store) CollectorBacklog(ctx context.Context) (Backlog, error) {
	var b Backlog
	err := s.db.QueryRow(ctx, `
		SELECT (SELECT count(*) FROM object WHERE state = 'allocated'), (SELECT count(*) FROM object WHERE state = 'condemned')`).
		Scan(&b.Allocated, &b.Condemned)
	if err != nil {
		return Backlog{}, fmt.Errorf("count objects that wait for the collector: %w", err)
	}
	return b, nil
}
