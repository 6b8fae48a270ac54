package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/subjects"
)

// EditFlow changes what a Flow says of itself: change is given the Flow as it
// stands, under its lock. One that is read-only is refused.
func (s *Store) EditFlow(ctx context.Context, tenant Tenant, id uuid.UUID, by string, change func(*Flow) error) error {
	err := s.write(ctx, func(u *unit) error {
		flow, err := u.lockWritable(tenant, id)
		if err != nil {
			return err
		}
		if err := change(flow); err != nil {
			return err
		}
		if err := checkMembers(&flow.Flow); err != nil {
			return err
		}
		if err := u.queueUpdate(flow, by); err != nil {
			return err
		}
		return s.publishStand(ctx, u, subjects.FlowUpdated, tenant, id)
	})
	if err != nil {
		return fmt.Errorf("edit flow %s: %w", id, err)
	}
	return nil
}

// lockWritable locks a Flow that is there and not read-only, and reads it.
func (u *unit) lockWritable(tenant Tenant, id uuid.UUID) (*Flow, error) {
	var (
		locked []lockedFlow
		flows  []*Flow
	)
	ids := []uuid.UUID{id}
	u.queueFlowLocks(&locked, tenant, ids, forUpdate)
	u.queueFlows(&flows, tenant, ids)
	if err := u.Send(); err != nil {
		return nil, err
	}
	switch {
	case len(flows) == 0 || flows[0].Deleted:
		return nil, fault.Newf(fault.NotFound, "there is no flow %s", id)
	case flows[0].ReadOnly:
		return nil, fault.Newf(fault.ReadOnly, "flow %s is read-only", id)
	}
	return flows[0], nil
}

// SetReadOnly says whether a Flow may be changed.
func (s *Store) SetReadOnly(ctx context.Context, tenant Tenant, id uuid.UUID, by string, on bool) error {
	err := s.write(ctx, func(u *unit) error {
		u.Query(func(rows pgx.Rows) error {
			changed, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
			if err == nil && len(changed) == 0 {
				return fault.Newf(fault.NotFound, "there is no flow %s", id)
			}
			return err
		}, `
			UPDATE flow SET read_only = $3, updated_by = $4, metadata_updated_at = clock_timestamp(), revision = nextval('flow_revision')
			WHERE id = $1 AND (tenant_id = $2) IS TRUE AND (deleted_at IS NULL) IS TRUE RETURNING id`, id, tenant, on, by)
		return s.publishStand(ctx, u, subjects.FlowUpdated, tenant, id)
	})
	if err != nil {
		return fmt.Errorf("set flow %s read-only: %w", id, err)
	}
	return nil
}

// CreateFlow makes a Flow of a TAMS client, and its Source if that is not there. A
// Flow that is there is a Conflict.
func (s *Store) CreateFlow(ctx context.Context, tenant Tenant, by string, flow *Flow) (*Flow, error) {
	if err := checkFlow(&flow.Flow); err != nil {
		return nil, err
	}
	flow.Tenant, flow.CreatedBy, flow.UpdatedBy, flow.Run = tenant, by, by, Run{}
	var created []*Flow
	err := s.write(ctx, func(u *unit) error {
		var err error
		created, err = s.createFlows(ctx, u, tenant, flow.Run, by, []*Flow{flow}, sourcesOf([]*media.Flow{&flow.Flow}, nil))
		if err == nil && len(created) == 0 {
			return fault.Newf(fault.Conflict, "flow %s exists already", flow.ID)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create flow %s: %w", flow.ID, err)
	}
	return created[0], nil
}

// queueUpdate queues the writing of what a Flow says of itself.
func (u *unit) queueUpdate(f *Flow, by string) error {
	packed, err := essence(&f.Flow)
	if err != nil {
		return err
	}
	u.Exec(`
		UPDATE flow SET codec = $2, container = $3, label = $4, description = $5, tags = $6, status = $7, read_only = $8,
			avg_bit_rate = $9, max_bit_rate = $10, essence = $11, document = $12, updated_by = $13,
			metadata_updated_at = clock_timestamp(), revision = nextval('flow_revision')
		WHERE id = $1`,
		f.ID, f.Codec, f.Container, f.Label, f.Description, tagsOf(f.Tags), f.Status, f.ReadOnly,
		nilIfZero(f.AvgBitRate), nilIfZero(f.MaxBitRate), packed, f.Document, by)
	u.Exec(`DELETE FROM flow_member WHERE flow_id = $1`, f.ID)
	u.queueMembers(f)
	return nil
}

// EditSource changes label, description and tags of a Source.
func (s *Store) EditSource(ctx context.Context, tenant Tenant, id uuid.UUID, by string, change func(*media.Source) error) error {
	return s.write(ctx, func(u *unit) error {
		source := &media.Source{}
		u.QueryRow(func(row pgx.Row) error {
			return row.Scan(&source.ID, &source.Format, &source.Label, &source.Description, &source.Tags, &source.Created, &source.Updated)
		}, `
			SELECT id, format, label, description, tags, created_at, updated_at FROM source src
			WHERE id = $2 AND (tenant_id = $1) IS TRUE AND `+sourceLives+` FOR UPDATE`, tenant, id)
		err := u.Send()
		if isNone(err) {
			return fault.Newf(fault.NotFound, "there is no source %s", id)
		}
		if err != nil {
			return fmt.Errorf("lock source %s: %w", id, err)
		}
		if err := change(source); err != nil {
			return err
		}
		changed := changedSource{Source: source}
		u.QueryRow(func(row pgx.Row) error { return row.Scan(&source.Updated, &changed.Revision) }, `
			UPDATE source SET label = $2, description = $3, tags = $4, updated_by = $5, updated_at = clock_timestamp(),
				revision = nextval('source_revision')
			WHERE id = $1 RETURNING updated_at, revision`, id, source.Label, source.Description, tagsOf(source.Tags), by)
		if err := u.Send(); err != nil {
			return fmt.Errorf("update source %s: %w", id, err)
		}
		return s.publishSources(ctx, u, subjects.SourceUpdated, tenant, changed)
	})
}

// DeleteFlow hides a Flow and condemns what only it referred to.
func (s *Store) DeleteFlow(ctx context.Context, tenant Tenant, id uuid.UUID) error {
	err := s.write(ctx, func(u *unit) error {
		if _, err := u.lockWritable(tenant, id); err != nil {
			return err
		}
		return s.deleteFlows(ctx, u, tenant, []uuid.UUID{id})
	})
	if err != nil {
		return fmt.Errorf("delete flow %s: %w", id, err)
	}
	return nil
}

// DeleteSegments takes away the segments of a Flow that a range covers whole, only
// those of one object if its id is not empty.
func (s *Store) DeleteSegments(ctx context.Context, tenant Tenant, flow uuid.UUID, within mediatime.Range, objectID string) error {
	err := s.write(ctx, func(u *unit) error {
		if _, err := u.lockWritable(tenant, flow); err != nil {
			return err
		}
		var objects []string
		into(u, &objects, pgx.RowTo[string], `
			DELETE FROM segment WHERE flow_id = $1 AND start_ns >= $2 AND end_ns <= $3 AND ($4 = '' OR object_id = $4)
			RETURNING object_id`, flow, int64(within.Start), int64(within.End), objectID)
		if err := u.Send(); err != nil || len(objects) == 0 {
			return err
		}
		u.queueSubtract(tenant, flow, objects)
		slices.Sort(objects)
		u.queueCondemnUnused(tenant, slices.Compact(objects))
		return s.publishStand(ctx, u, subjects.FlowUpdated, tenant, flow)
	})
	if err != nil {
		return fmt.Errorf("delete segments of flow %s: %w", flow, err)
	}
	return nil
}

// queueSubtract takes deleted segments out of a Flow's sums; an object that stood in
// two of them counts twice.
func (u *unit) queueSubtract(tenant Tenant, flow uuid.UUID, objects []string) {
	u.Exec(`
		UPDATE flow SET segments = flow.segments - gone.segments, bytes = flow.bytes - gone.bytes, grains = flow.grains - gone.grains,
			revision = nextval('flow_revision'), segments_updated_at = clock_timestamp()
		FROM (
			SELECT count(*) AS segments, coalesce(sum(o.size), 0) AS bytes, coalesce(sum(o.grains), 0) AS grains
			FROM unnest($3::text[]) AS d (id) JOIN object o ON o.tenant_id = $2 AND o.id = d.id
		) gone WHERE flow.id = $1`, flow, tenant, objects)
}
