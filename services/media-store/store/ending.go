package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/subjects"
)

// Ending is how a run ends.
type Ending int

// Endings.
const (
	// Close marks the run's Flows complete.
	Close Ending = iota
	// CloseAtGap does so too, and keeps only what is contiguous from their start.
	CloseAtGap
	// Discard hides them.
	Discard
)

// EndRun closes the Flows of a run as complete, or hides them and condemns what
// only they referred to. It returns the sums over them. A repeat returns the same;
// the other end is WrongState.
func (s *Store) EndRun(ctx context.Context, tenant Tenant, run Run, ending Ending) (totals Totals, err error) {
	end := func(u *unit) error {
		totals, err = s.endRun(ctx, u, tenant, run, ending)
		return err
	}
	if ending == Close {
		err = s.writeJob(ctx, run.Job, end)
	} else { // may take away any number of segments
		err = s.write(ctx, end)
	}
	if err != nil {
		return Totals{}, fmt.Errorf("end run %d of job %s: %w", run.Number, run.Job, err)
	}
	return totals, nil
}

func (s *Store) endRun(ctx context.Context, u *unit, tenant Tenant, run Run, ending Ending) (Totals, error) {
	wanted := runClosed
	if ending == Discard {
		wanted = runDiscarded
	}
	var (
		state  string
		totals Totals
		ids    []uuid.UUID
	)
	// The row is made even if the run has no Flows yet, so that they come too late.
	u.queueRun(&state, tenant, run, forUpdate)
	u.queueFlowsOfRun(&ids, &totals, tenant, run)
	if err := u.Send(); err != nil {
		return Totals{}, err
	}
	if state != runOpen {
		return totals, run.checkEnded(state, wanted)
	}
	u.Exec(`UPDATE run SET state = $4, ended_at = now() WHERE tenant_id = $1 AND job_id = $2 AND run = $3`,
		tenant, run.Job, run.Number, wanted)
	switch ending {
	case Discard:
		return Totals{}, s.deleteFlows(ctx, u, tenant, ids)
	case CloseAtGap:
		var err error
		if totals, err = cutAtGap(u, tenant, ids); err != nil {
			return Totals{}, err
		}
	case Close:
	}
	return totals, s.closeFlows(ctx, u, tenant, ids)
}

// queueFlowsOfRun queues the lock of a run's Flows, the sums over them, and the ids
// of those that are not deleted.
func (u *unit) queueFlowsOfRun(ids *[]uuid.UUID, totals *Totals, tenant Tenant, run Run) {
	u.Query(func(rows pgx.Rows) error {
		var id uuid.UUID
		var t Totals
		var deleted bool
		_, err := pgx.ForEachRow(rows, []any{&id, &t.Segments, &t.Bytes, &t.Grains, &deleted}, func() error {
			totals.add(t)
			if !deleted {
				*ids = append(*ids, id)
			}
			return nil
		})
		return err
	}, `
		SELECT id, segments, bytes, grains, deleted_at IS NOT NULL FROM flow
		WHERE tenant_id = $1 AND job_id = $2 AND run = $3 ORDER BY id FOR UPDATE`, tenant, run.Job, run.Number)
}

func (r Run) checkEnded(state, wanted string) error {
	if state != wanted {
		return fault.Newf(fault.WrongState, "run %d of job %s is %s already and cannot be %s", r.Number, r.Job, state, wanted)
	}
	return nil
}

func (t *Totals) add(o Totals) {
	t.Segments += o.Segments
	t.Bytes += o.Bytes
	t.Grains += o.Grains
}

// closeFlows marks Flows complete, with the bit rates that their segments have. A
// segment shorter than a second counts as one, so that a stub makes no peak.
func (s *Store) closeFlows(ctx context.Context, u *unit, tenant Tenant, ids []uuid.UUID) error {
	for _, id := range ids {
		u.Exec(`
			UPDATE flow SET status = $2, revision = nextval('flow_revision'), metadata_updated_at = clock_timestamp(),
				avg_bit_rate = rate.average, max_bit_rate = rate.peak
			FROM (
				SELECT (sum(s.size) * 8e6 / nullif(sum(s.length), 0))::bigint AS average,
					max(s.size * 8e6 / greatest(s.length, 1000000000))::bigint AS peak
				FROM (
					SELECT end_ns - start_ns AS length,
						(SELECT o.size FROM object o WHERE o.tenant_id = segment.tenant_id AND o.id = segment.object_id) AS size
					FROM segment WHERE flow_id = $1 OFFSET 0 -- each size once
				) s
			) rate WHERE flow.id = $1`, id, media.StatusComplete)
	}
	closed, err := u.readFlows(tenant, ids)
	if err != nil {
		return err
	}
	return s.publishFlows(ctx, u, subjects.FlowClosed, closed...)
}

// cutAtGap takes away, of each locked Flow, what lies after its first gap, and
// returns what is left over all.
func cutAtGap(u *unit, tenant Tenant, ids []uuid.UUID) (Totals, error) {
	var (
		objects []string
		left    Totals
	)
	for _, id := range ids {
		u.Query(func(rows pgx.Rows) error {
			cut, err := pgx.CollectRows(rows, pgx.RowTo[string])
			objects = append(objects, cut...)
			return err
		}, `
			DELETE FROM segment WHERE flow_id = $1 AND start_ns >= (
				SELECT min(start_ns) FROM (
					SELECT start_ns, lag(end_ns) OVER (ORDER BY start_ns) AS before FROM segment WHERE flow_id = $1
				) stored WHERE start_ns > before
			) RETURNING object_id`, id)
		u.QueryRow(func(row pgx.Row) error {
			var t Totals
			err := row.Scan(&t.Segments, &t.Bytes, &t.Grains)
			left.add(t)
			return err
		}, `
			UPDATE flow SET segments = held.segments, bytes = held.bytes, grains = held.grains FROM (
				SELECT count(*) AS segments, coalesce(sum(size), 0)::bigint AS bytes, coalesce(sum(grains), 0)::bigint AS grains
				FROM (
					SELECT (SELECT o.size FROM object o WHERE o.tenant_id = s.tenant_id AND o.id = s.object_id) AS size,
						(SELECT o.grains FROM object o WHERE o.tenant_id = s.tenant_id AND o.id = s.object_id) AS grains
					FROM segment s WHERE flow_id = $1
				) each
			) held WHERE flow.id = $1 RETURNING held.segments, held.bytes, held.grains`, id)
	}
	if err := u.Send(); err != nil {
		return Totals{}, err
	}
	u.queueCondemnUnused(tenant, objects)
	return left, nil
}

// deleteFlows hides locked Flows, takes their segments away and condemns the
// objects that nothing refers to any more.
func (s *Store) deleteFlows(ctx context.Context, u *unit, tenant Tenant, ids []uuid.UUID) error {
	var (
		objects []string
		deleted []deletedFlow
	)
	into(u, &objects, pgx.RowTo[string], `DELETE FROM segment WHERE flow_id = ANY($1) RETURNING object_id`, ids)
	into(u, &deleted, pgx.RowToStructByPos[deletedFlow], `
		UPDATE flow SET deleted_at = now(), segments = 0, bytes = 0, grains = 0, revision = nextval('flow_revision')
		WHERE id = ANY($1) RETURNING id, revision`, ids)
	if err := u.Send(); err != nil {
		return err
	}
	u.queueCondemnUnused(tenant, objects)
	return s.publishDeleted(ctx, u, tenant, deleted)
}
