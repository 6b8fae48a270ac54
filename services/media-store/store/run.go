package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/subjects"
)

// Strengths of a lock on a row.
const (
	forShare  = "FOR SHARE"
	forUpdate = "FOR UPDATE"
)

// States of a run.
const (
	runOpen      = "open"
	runClosed    = "closed"
	runDiscarded = "discarded"
)

// startRun makes the run's row unless it is there.
func startRun(ctx context.Context, tx pgx.Tx, tenant Tenant, run Run) error {
	_, err := tx.Exec(ctx, `INSERT INTO run (tenant_id, job_id, run) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		tenant, run.Job, run.Number)
	if err != nil {
		return fmt.Errorf("insert run %d of job %s: %w", run.Number, run.Job, err)
	}
	return nil
}

// lockRun locks the run's row and returns its state.
func lockRun(ctx context.Context, tx pgx.Tx, tenant Tenant, run Run, strength string) (string, error) {
	var state string
	err := tx.QueryRow(ctx, `SELECT state FROM run WHERE tenant_id = $1 AND job_id = $2 AND run = $3 `+strength,
		tenant, run.Job, run.Number).Scan(&state)
	if isNone(err) {
		return "", fault.Newf(fault.NotFound, "run %d of job %s has no flows", run.Number, run.Job)
	}
	if err != nil {
		return "", fmt.Errorf("lock run %d of job %s: %w", run.Number, run.Job, err)
	}
	return state, nil
}

// lockOpenRun is lockRun, and Gone if the run has ended.
func lockOpenRun(ctx context.Context, tx pgx.Tx, tenant Tenant, run Run, strength string) error {
	state, err := lockRun(ctx, tx, tenant, run, strength)
	if err != nil {
		return err
	}
	if state != runOpen {
		return fault.Newf(fault.Gone, "run %d of job %s has ended, its flows are %s", run.Number, run.Job, state)
	}
	return nil
}

// PutFlows makes the Flows of a run, marked ingesting, and the Sources that they
// name. Those that this run has made already are left as they are. A Flow of the
// same id of anyone else is a Conflict, unless it was deleted.
func (s *Store) PutFlows(ctx context.Context, tenant Tenant, run Run, by string, flows []*media.Flow, sources []*media.Source) error {
	for _, f := range flows {
		if err := checkFlow(f); err != nil {
			return err
		}
	}
	return s.write(ctx, func(tx pgx.Tx) error {
		if err := startRun(ctx, tx, tenant, run); err != nil {
			return err
		}
		if err := lockOpenRun(ctx, tx, tenant, run, forUpdate); err != nil {
			return err
		}
		if err := s.ensureSources(ctx, tx, tenant, by, sourcesOf(flows, sources)); err != nil {
			return err
		}
		created, err := insertRunFlows(ctx, tx, tenant, run, by, flows)
		if err != nil {
			return err
		}
		return s.publishFlows(ctx, tx, subjects.FlowCreated, tenant, created)
	})
}

// checkFlow refuses a Flow that says too little of itself.
func checkFlow(f *media.Flow) error {
	switch f.Format {
	case media.FormatVideo, media.FormatAudio, media.FormatData, media.FormatMulti, media.FormatImage:
	default:
		return fault.Newf(fault.InvalidArgument, "flow %s has the format %q, want one such as %s", f.ID, f.Format, media.FormatVideo)
	}
	if f.ID == uuid.Nil || f.SourceID == uuid.Nil {
		return fault.Newf(fault.InvalidArgument, "flow %s of source %s, want both ids", f.ID, f.SourceID)
	}
	return nil
}

// sourcesOf adds to the given Sources those that only Flows name.
func sourcesOf(flows []*media.Flow, given []*media.Source) []*media.Source {
	known := make(map[uuid.UUID]bool, len(given))
	for _, source := range given {
		known[source.ID] = true
	}
	for _, f := range flows {
		if !known[f.SourceID] {
			known[f.SourceID] = true
			given = append(given, &media.Source{ID: f.SourceID, Format: f.Format, Label: f.Label, Description: f.Description})
		}
	}
	return given
}

// insertRunFlows inserts the Flows that are not there and returns their ids.
func insertRunFlows(ctx context.Context, tx pgx.Tx, tenant Tenant, run Run, by string, flows []*media.Flow) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, len(flows))
	for i, f := range flows {
		ids[i] = f.ID
	}
	if err := clearDeleted(ctx, tx, tenant, run, ids); err != nil {
		return nil, err
	}
	var created []uuid.UUID
	for _, f := range flows {
		row := &Flow{Flow: *f, Tenant: tenant, Run: run, CreatedBy: by, UpdatedBy: by}
		row.Status = media.StatusIngesting
		inserted, err := insertFlow(ctx, tx, row)
		if err != nil {
			return nil, err
		}
		if inserted {
			created = append(created, f.ID)
		}
	}
	if err := checkOwner(ctx, tx, tenant, run, ids); err != nil {
		return nil, err
	}
	for _, f := range flows {
		if err := insertMembers(ctx, tx, &Flow{Flow: *f, Tenant: tenant}); err != nil {
			return nil, err
		}
	}
	return created, nil
}

// clearDeleted makes room for new Flows with the ids of deleted ones. Those of the
// same run stay deleted.
func clearDeleted(ctx context.Context, tx pgx.Tx, tenant Tenant, run Run, ids []uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		DELETE FROM flow WHERE tenant_id = $1 AND id = ANY($2) AND deleted_at IS NOT NULL
			AND (job_id IS NULL OR job_id <> $3 OR run <> $4)`, tenant, ids, run.Job, run.Number)
	if err != nil {
		return fmt.Errorf("clear deleted flows: %w", err)
	}
	return nil
}

// insertFlow writes a Flow's row, without its members, and says whether it was new.
func insertFlow(ctx context.Context, tx pgx.Tx, f *Flow) (bool, error) {
	packed, err := essence(&f.Flow)
	if err != nil {
		return false, err
	}
	document := f.Document
	if document == nil {
		document = []byte("{}")
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO flow (id, tenant_id, source_id, format, codec, container, label, description, tags, status,
			read_only, avg_bit_rate, max_bit_rate, essence, document, job_id, run, created_by, updated_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
		ON CONFLICT (id) DO NOTHING`,
		f.ID, f.Tenant, f.SourceID, f.Format, f.Codec, f.Container, f.Label, f.Description, tagsOf(f.Tags), f.Status,
		f.ReadOnly, nilIfZero(f.AvgBitRate), nilIfZero(f.MaxBitRate), packed, document,
		nilIfZero(f.Run.Job), runNumber(f.Run), f.CreatedBy, f.UpdatedBy)
	if err != nil {
		return false, fmt.Errorf("insert flow %s: %w", f.ID, err)
	}
	return tag.RowsAffected() == 1, nil
}

func runNumber(r Run) *int32 {
	if r.IsZero() {
		return nil
	}
	return &r.Number
}

// checkOwner is a Conflict unless all the Flows are of the tenant and run.
func checkOwner(ctx context.Context, tx pgx.Tx, tenant Tenant, run Run, ids []uuid.UUID) error {
	var other uuid.UUID
	err := tx.QueryRow(ctx, `
		SELECT id FROM flow WHERE id = ANY($1)
			AND (tenant_id <> $2 OR job_id IS DISTINCT FROM $3 OR run IS DISTINCT FROM $4) ORDER BY id LIMIT 1`,
		ids, tenant, run.Job, run.Number).Scan(&other)
	if isNone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("check who owns the flows: %w", err)
	}
	return fault.Newf(fault.Conflict, "flow %s exists already and is not of run %d of job %s", other, run.Number, run.Job)
}

// insertMembers writes a multi Flow's collection. Repeats change nothing.
func insertMembers(ctx context.Context, tx pgx.Tx, f *Flow) error {
	for i, m := range f.Collection {
		var mapping []byte
		if i < len(f.Mappings) {
			mapping = f.Mappings[i]
		}
		tag, err := tx.Exec(ctx, `
			INSERT INTO flow_member (flow_id, position, member_id, role, mapping)
			SELECT $1, $2, id, $3, $4 FROM flow WHERE id = $5 AND tenant_id = $6 AND deleted_at IS NULL AND id <> $1
			ON CONFLICT (flow_id, position) DO UPDATE SET role = excluded.role`,
			f.ID, i, m.Role, mapping, m.FlowID, f.Tenant)
		if pg.IsUnique(err, "") {
			return fault.Newf(fault.InvalidArgument, "flow %s collects %s twice", f.ID, m.FlowID)
		}
		if err != nil {
			return fmt.Errorf("insert member %s of flow %s: %w", m.FlowID, f.ID, err)
		}
		if tag.RowsAffected() == 0 {
			return fault.Newf(fault.InvalidArgument, "flow %s collects %s, which does not exist", f.ID, m.FlowID)
		}
	}
	return nil
}

// EndRun closes the Flows of a run as complete, or hides them and condemns what
// only they referred to. It returns the sums over them. A repeat returns the same;
// the other end is WrongState.
func (s *Store) EndRun(ctx context.Context, tenant Tenant, run Run, discard bool) (Totals, error) {
	wanted := runClosed
	if discard {
		wanted = runDiscarded
	}
	var totals Totals
	err := s.write(ctx, func(tx pgx.Tx) error {
		// The row is made even if the run has no Flows yet, so that they come too late.
		if err := startRun(ctx, tx, tenant, run); err != nil {
			return err
		}
		state, err := lockRun(ctx, tx, tenant, run, forUpdate)
		if err != nil {
			return err
		}
		if state == runOpen {
			if err := s.endOpenRun(ctx, tx, tenant, run, wanted); err != nil {
				return err
			}
		} else if state != wanted {
			return fault.Newf(fault.WrongState, "run %d of job %s is %s already and cannot be %s", run.Number, run.Job, state, wanted)
		}
		totals, err = runTotals(ctx, tx, tenant, run)
		return err
	})
	return totals, err
}

func (s *Store) endOpenRun(ctx context.Context, tx pgx.Tx, tenant Tenant, run Run, state string) error {
	_, err := tx.Exec(ctx, `UPDATE run SET state = $4, ended_at = now() WHERE tenant_id = $1 AND job_id = $2 AND run = $3`,
		tenant, run.Job, run.Number, state)
	if err != nil {
		return fmt.Errorf("end run %d of job %s: %w", run.Number, run.Job, err)
	}
	ids, err := collect(ctx, tx, pgx.RowTo[uuid.UUID], `
		SELECT id FROM flow WHERE tenant_id = $1 AND job_id = $2 AND run = $3 AND deleted_at IS NULL ORDER BY id FOR UPDATE`,
		tenant, run.Job, run.Number)
	if err != nil {
		return fmt.Errorf("lock flows of run %d of job %s: %w", run.Number, run.Job, err)
	}
	if state == runDiscarded {
		return s.deleteFlows(ctx, tx, tenant, ids)
	}
	return s.closeFlows(ctx, tx, tenant, ids)
}

func runTotals(ctx context.Context, tx pgx.Tx, tenant Tenant, run Run) (Totals, error) {
	var t Totals
	err := tx.QueryRow(ctx, `
		SELECT coalesce(sum(segments), 0), coalesce(sum(bytes), 0), coalesce(sum(grains), 0)
		FROM flow WHERE tenant_id = $1 AND job_id = $2 AND run = $3`,
		tenant, run.Job, run.Number).Scan(&t.Segments, &t.Bytes, &t.Grains)
	if err != nil {
		return Totals{}, fmt.Errorf("sum up run %d of job %s: %w", run.Number, run.Job, err)
	}
	return t, nil
}

// closeFlows marks Flows complete, with the bit rates that their segments have. A
// segment shorter than a second counts as one, so that a stub makes no peak.
func (s *Store) closeFlows(ctx context.Context, tx pgx.Tx, tenant Tenant, ids []uuid.UUID) error {
	_, err := tx.Exec(ctx, `
		UPDATE flow SET status = $2, revision = nextval('flow_revision'), metadata_updated_at = clock_timestamp(),
			avg_bit_rate = rate.average, max_bit_rate = rate.peak
		FROM (
			SELECT f.id,
				(sum(o.size) * 8e6 / nullif(sum(s.end_ns - s.start_ns), 0))::bigint AS average,
				max(o.size * 8e6 / greatest(s.end_ns - s.start_ns, 1000000000))::bigint AS peak
			FROM flow f
			LEFT JOIN segment s ON s.flow_id = f.id
			LEFT JOIN object o ON o.tenant_id = s.tenant_id AND o.id = s.object_id
			WHERE f.id = ANY($1) GROUP BY f.id
		) rate WHERE flow.id = rate.id`, ids, media.StatusComplete)
	if err != nil {
		return fmt.Errorf("close %d flows: %w", len(ids), err)
	}
	return s.publishFlows(ctx, tx, subjects.FlowClosed, tenant, ids)
}

// deleteFlows hides locked Flows, takes their segments away and condemns the
// objects that nothing refers to any more.
func (s *Store) deleteFlows(ctx context.Context, tx pgx.Tx, tenant Tenant, ids []uuid.UUID) error {
	objects, err := collect(ctx, tx, pgx.RowTo[string], `DELETE FROM segment WHERE flow_id = ANY($1) RETURNING object_id`, ids)
	if err != nil {
		return fmt.Errorf("delete segments of %d flows: %w", len(ids), err)
	}
	deleted, err := collect(ctx, tx, pgx.RowToStructByPos[deletedFlow], `
		UPDATE flow SET deleted_at = now(), segments = 0, bytes = 0, grains = 0, revision = nextval('flow_revision')
		WHERE id = ANY($1) RETURNING id, revision`, ids)
	if err != nil {
		return fmt.Errorf("delete %d flows: %w", len(ids), err)
	}
	if err := condemnUnused(ctx, tx, tenant, objects); err != nil {
		return err
	}
	return s.publishDeleted(ctx, tx, tenant, deleted)
}
