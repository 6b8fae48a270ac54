package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
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

// queueRun queues the making of the run's row, unless it is there, and its lock.
func (u *unit) queueRun(state *string, tenant Tenant, run Run, strength string) {
	u.Exec(`INSERT INTO run (tenant_id, job_id, run) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, tenant, run.Job, run.Number)
	u.queueRunState(state, tenant, run, strength)
}

// queueRunState queues the reading of the run's row and its lock, if strength names
// one. The state stays empty if there is none.
func (u *unit) queueRunState(state *string, tenant Tenant, run Run, strength string) {
	u.QueryRow(func(row pgx.Row) error {
		if err := row.Scan(state); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return nil
	}, `SELECT state FROM run WHERE tenant_id = $1 AND job_id = $2 AND run = $3 `+strength, tenant, run.Job, run.Number)
}

// checkOpen is RunEnded if it has, NotFound if it never began.
func (r Run) checkOpen(state string) error {
	switch state {
	case runOpen:
		return nil
	case "":
		return fault.Newf(fault.NotFound, "run %d of job %s has no flows", r.Number, r.Job)
	default:
		return fault.Newf(fault.RunEnded, "run %d of job %s has ended, its flows are %s", r.Number, r.Job, state)
	}
}

// PutFlows makes the Flows of a run, marked ingesting, and the Sources that they
// name. Those that this run has made already are left as they are. A Flow of the
// same id of anyone else is a Conflict, unless it was deleted.
func (s *Store) PutFlows(ctx context.Context, tenant Tenant, run Run, by string, flows []*media.Flow, sources []*media.Source) error {
	rows := make([]*Flow, len(flows))
	for i, f := range flows {
		if err := checkFlow(f); err != nil {
			return err
		}
		rows[i] = &Flow{Flow: *f, Tenant: tenant, Run: run, CreatedBy: by, UpdatedBy: by}
		rows[i].Status = media.StatusIngesting
	}
	err := s.writeJob(ctx, run.Job, func(u *unit) error {
		var state string
		u.queueRun(&state, tenant, run, forUpdate)
		if err := u.Send(); err != nil {
			return err
		}
		if err := run.checkOpen(state); err != nil {
			return err
		}
		_, err := s.createFlows(ctx, u, tenant, run, by, rows, sourcesOf(flows, sources))
		return err
	})
	if err != nil {
		return fmt.Errorf("put flows of run %d of job %s: %w", run.Number, run.Job, err)
	}
	return nil
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
	return checkMembers(f)
}

func checkMembers(f *media.Flow) error {
	seen := make(map[uuid.UUID]bool, len(f.Collection))
	for _, m := range f.Collection {
		if seen[m.FlowID] {
			return fault.Newf(fault.InvalidArgument, "flow %s collects %s twice", f.ID, m.FlowID)
		}
		seen[m.FlowID] = true
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

// createFlows inserts Flows that are not there, with their Sources and members, and
// tells of them; it returns those that were not there. Whatever is there must be of
// the same tenant and run.
func (s *Store) createFlows(ctx context.Context, u *unit, tenant Tenant, run Run, by string, flows []*Flow, sources []*media.Source) ([]*Flow, error) {
	ids := make([]uuid.UUID, len(flows))
	for i, f := range flows {
		ids[i] = f.ID
	}
	var (
		madeSources []changedSource
		created     []uuid.UUID
		all         []*Flow
	)
	u.queueSources(tenant, by, sources, &madeSources)
	u.queueClearDeleted(tenant, run, ids)
	for _, f := range flows {
		if err := u.queueInsert(f, &created); err != nil {
			return nil, err
		}
	}
	u.queueOwnerCheck(tenant, run, ids)
	for _, f := range flows {
		u.queueMembers(f)
	}
	u.queueFlows(&all, tenant, ids)
	if err := u.Send(); err != nil {
		return nil, err
	}
	if err := s.publishSources(ctx, u, subjects.SourceCreated, tenant, madeSources...); err != nil {
		return nil, err
	}
	made := only(all, created)
	return made, s.publishFlows(ctx, u, subjects.FlowCreated, made...)
}

// only keeps the Flows with the given ids.
func only(flows []*Flow, ids []uuid.UUID) []*Flow {
	wanted := make(map[uuid.UUID]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	kept := make([]*Flow, 0, len(ids))
	for _, f := range flows {
		if wanted[f.ID] {
			kept = append(kept, f)
		}
	}
	return kept
}

// queueClearDeleted makes room for new Flows with the ids of deleted ones. Those of
// the same run stay deleted.
func (u *unit) queueClearDeleted(tenant Tenant, run Run, ids []uuid.UUID) {
	u.Exec(`
		DELETE FROM flow WHERE id = ANY($2) AND (tenant_id = $1) IS TRUE AND (deleted_at IS NOT NULL) IS TRUE
			AND (job_id IS NULL OR job_id <> $3 OR run <> $4)`, tenant, ids, run.Job, run.Number)
}

// queueInsert queues a Flow's row, without its members. Its id is added to created
// if it was not there.
func (u *unit) queueInsert(f *Flow, created *[]uuid.UUID) error {
	packed, err := essence(&f.Flow)
	if err != nil {
		return err
	}
	document := f.Document
	if document == nil {
		document = []byte("{}")
	}
	var run *int32
	if !f.Run.IsZero() {
		run = &f.Run.Number
	}
	u.Query(func(rows pgx.Rows) error {
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		*created = append(*created, ids...)
		return err
	}, `
		INSERT INTO flow (id, tenant_id, source_id, format, codec, container, label, description, tags, status,
			read_only, avg_bit_rate, max_bit_rate, essence, document, job_id, run, created_by, updated_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
		ON CONFLICT (id) DO NOTHING RETURNING id`,
		f.ID, f.Tenant, f.SourceID, f.Format, f.Codec, f.Container, f.Label, f.Description, tagsOf(f.Tags), f.Status,
		f.ReadOnly, nilIfZero(f.AvgBitRate), nilIfZero(f.MaxBitRate), packed, document,
		nilIfZero(f.Run.Job), run, f.CreatedBy, f.UpdatedBy)
	return nil
}

// queueOwnerCheck queues what is a Conflict unless all the Flows are of the tenant
// and run.
func (u *unit) queueOwnerCheck(tenant Tenant, run Run, ids []uuid.UUID) {
	u.Query(func(rows pgx.Rows) error {
		others, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err == nil && len(others) > 0 {
			return fault.Newf(fault.Conflict, "flow %s exists already and is another's", others[0])
		}
		return err
	}, `
		SELECT id FROM flow WHERE id = ANY($1)
			AND (tenant_id <> $2 OR coalesce(job_id, '') <> $3 OR coalesce(run, 0) <> $4)`,
		ids, tenant, run.Job, run.Number)
}

// queueMembers queues a multi Flow's collection. Repeats change nothing.
func (u *unit) queueMembers(f *Flow) {
	for i, m := range f.Collection {
		var mapping []byte
		if i < len(f.Mappings) {
			mapping = f.Mappings[i]
		}
		u.Query(func(rows pgx.Rows) error {
			found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			if err == nil && len(found) == 0 {
				return fault.Newf(fault.InvalidArgument, "flow %s collects %s, which does not exist", f.ID, m.FlowID)
			}
			return err
		}, `
			INSERT INTO flow_member (flow_id, position, member_id, role, mapping)
			SELECT $1, $2, id, $3, $4 FROM flow WHERE id = $5 AND (tenant_id = $6) IS TRUE AND (deleted_at IS NULL) IS TRUE AND id <> $1
			ON CONFLICT (flow_id, position) DO UPDATE SET role = excluded.role RETURNING member_id`,
			f.ID, i, m.Role, mapping, m.FlowID, f.Tenant)
	}
}
