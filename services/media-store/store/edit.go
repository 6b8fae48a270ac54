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
func (s *Store) EditFlow(ctx context.Context, tenant Tenant, id uuid.UUID, by string, change func(*Flow) error) (*Flow, error) {
	var edited *Flow
	err := s.write(ctx, func(tx pgx.Tx) error {
		if err := lockWritable(ctx, tx, tenant, id); err != nil {
			return err
		}
		flow, err := oneFlow(ctx, tx, tenant, id)
		if err != nil {
			return err
		}
		if err := change(flow); err != nil {
			return err
		}
		if err := updateFlow(ctx, tx, flow, by); err != nil {
			return err
		}
		if err := s.publishFlows(ctx, tx, subjects.FlowUpdated, tenant, []uuid.UUID{id}); err != nil {
			return err
		}
		edited, err = oneFlow(ctx, tx, tenant, id)
		return err
	})
	return edited, err
}

func readOnly(id uuid.UUID) error {
	return fault.Newf(fault.ReadOnly, "flow %s is read-only", id)
}

// SetReadOnly says whether a Flow may be changed.
func (s *Store) SetReadOnly(ctx context.Context, tenant Tenant, id uuid.UUID, by string, on bool) error {
	return s.write(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE flow SET read_only = $3, updated_by = $4, metadata_updated_at = clock_timestamp(), revision = nextval('flow_revision')
			WHERE id = $1 AND tenant_id = $2 AND deleted_at IS NULL`, id, tenant, on, by)
		if err != nil {
			return fmt.Errorf("set flow %s read-only: %w", id, err)
		}
		if tag.RowsAffected() == 0 {
			return fault.Newf(fault.NotFound, "there is no flow %s", id)
		}
		return s.publishFlows(ctx, tx, subjects.FlowUpdated, tenant, []uuid.UUID{id})
	})
}

// CreateFlow makes a Flow of a TAMS client, and its Source if that is not there. A
// Flow that is there is a Conflict.
func (s *Store) CreateFlow(ctx context.Context, tenant Tenant, by string, flow *Flow) (*Flow, error) {
	if err := checkFlow(&flow.Flow); err != nil {
		return nil, err
	}
	flow.Tenant, flow.CreatedBy, flow.UpdatedBy, flow.Run = tenant, by, by, Run{}
	var created *Flow
	err := s.write(ctx, func(tx pgx.Tx) error {
		if err := s.ensureSources(ctx, tx, tenant, by, sourcesOf([]*media.Flow{&flow.Flow}, nil)); err != nil {
			return err
		}
		if err := clearDeleted(ctx, tx, tenant, flow.Run, []uuid.UUID{flow.ID}); err != nil {
			return err
		}
		inserted, err := insertFlow(ctx, tx, flow)
		if err != nil {
			return err
		}
		if !inserted {
			return fault.Newf(fault.Conflict, "flow %s exists already", flow.ID)
		}
		if err := insertMembers(ctx, tx, flow); err != nil {
			return err
		}
		if err := s.publishFlows(ctx, tx, subjects.FlowCreated, tenant, []uuid.UUID{flow.ID}); err != nil {
			return err
		}
		created, err = oneFlow(ctx, tx, tenant, flow.ID)
		return err
	})
	return created, err
}

// updateFlow writes what a Flow says of itself back to its row.
func updateFlow(ctx context.Context, tx pgx.Tx, f *Flow, by string) error {
	packed, err := essence(&f.Flow)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		UPDATE flow SET codec = $2, container = $3, label = $4, description = $5, tags = $6, status = $7, read_only = $8,
			avg_bit_rate = $9, max_bit_rate = $10, essence = $11, document = $12, updated_by = $13,
			metadata_updated_at = clock_timestamp(), revision = nextval('flow_revision')
		WHERE id = $1`,
		f.ID, f.Codec, f.Container, f.Label, f.Description, tagsOf(f.Tags), f.Status, f.ReadOnly,
		nilIfZero(f.AvgBitRate), nilIfZero(f.MaxBitRate), packed, f.Document, by)
	if err != nil {
		return fmt.Errorf("update flow %s: %w", f.ID, err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM flow_member WHERE flow_id = $1`, f.ID); err != nil {
		return fmt.Errorf("clear collection of flow %s: %w", f.ID, err)
	}
	return insertMembers(ctx, tx, f)
}

// EditSource changes label, description and tags of a Source.
func (s *Store) EditSource(ctx context.Context, tenant Tenant, id uuid.UUID, by string, change func(*media.Source) error) error {
	return s.write(ctx, func(tx pgx.Tx) error {
		source := &media.Source{}
		err := tx.QueryRow(ctx, `
			SELECT id, format, label, description, tags, created_at, updated_at FROM source src
			WHERE tenant_id = $1 AND id = $2 AND `+sourceLives+` FOR UPDATE`, tenant, id).
			Scan(&source.ID, &source.Format, &source.Label, &source.Description, &source.Tags, &source.Created, &source.Updated)
		if isNone(err) {
			return fault.Newf(fault.NotFound, "there is no source %s", id)
		}
		if err != nil {
			return fmt.Errorf("lock source %s: %w", id, err)
		}
		if err := change(source); err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `
			UPDATE source SET label = $2, description = $3, tags = $4, updated_by = $5, updated_at = clock_timestamp()
			WHERE id = $1 RETURNING updated_at`,
			id, source.Label, source.Description, tagsOf(source.Tags), by).Scan(&source.Updated)
		if err != nil {
			return fmt.Errorf("update source %s: %w", id, err)
		}
		return s.publishSources(ctx, tx, subjects.SourceUpdated, tenant, []*media.Source{source})
	})
}

// DeleteFlow hides a Flow and condemns what only it referred to.
func (s *Store) DeleteFlow(ctx context.Context, tenant Tenant, id uuid.UUID) error {
	return s.write(ctx, func(tx pgx.Tx) error {
		if err := lockWritable(ctx, tx, tenant, id); err != nil {
			return err
		}
		return s.deleteFlows(ctx, tx, tenant, []uuid.UUID{id})
	})
}

// lockWritable locks a Flow that is there and not read-only.
func lockWritable(ctx context.Context, tx pgx.Tx, tenant Tenant, id uuid.UUID) error {
	flows, err := lockFlows(ctx, tx, tenant, []uuid.UUID{id}, forUpdate)
	switch {
	case err != nil:
		return err
	case flows[0].Deleted:
		return fault.Newf(fault.NotFound, "there is no flow %s", id)
	case flows[0].ReadOnly:
		return readOnly(id)
	}
	return nil
}

// DeleteSegments takes away the segments of a Flow that a range covers whole, only
// those of one object if its id is not empty.
func (s *Store) DeleteSegments(ctx context.Context, tenant Tenant, flow uuid.UUID, within mediatime.Range, objectID string) error {
	return s.write(ctx, func(tx pgx.Tx) error {
		if err := lockWritable(ctx, tx, tenant, flow); err != nil {
			return err
		}
		objects, err := collect(ctx, tx, pgx.RowTo[string], `
			DELETE FROM segment WHERE flow_id = $1 AND start_ns >= $2 AND end_ns <= $3 AND ($4 = '' OR object_id = $4)
			RETURNING object_id`, flow, int64(within.Start), int64(within.End), objectID)
		if err != nil {
			return fmt.Errorf("delete segments of flow %s: %w", flow, err)
		}
		if len(objects) == 0 {
			return nil
		}
		if err := subtractTotals(ctx, tx, tenant, flow, objects); err != nil {
			return err
		}
		slices.Sort(objects)
		if err := condemnUnused(ctx, tx, tenant, slices.Compact(objects)); err != nil {
			return err
		}
		return s.publishFlows(ctx, tx, subjects.FlowUpdated, tenant, []uuid.UUID{flow})
	})
}

// subtractTotals takes deleted segments out of a Flow's sums; an object that stood
// in two of them counts twice.
func subtractTotals(ctx context.Context, tx pgx.Tx, tenant Tenant, flow uuid.UUID, objects []string) error {
	_, err := tx.Exec(ctx, `
		UPDATE flow SET segments = flow.segments - gone.segments, bytes = flow.bytes - gone.bytes, grains = flow.grains - gone.grains,
			revision = nextval('flow_revision'), segments_updated_at = clock_timestamp()
		FROM (
			SELECT count(*) AS segments, coalesce(sum(o.size), 0) AS bytes, coalesce(sum(o.grains), 0) AS grains
			FROM unnest($3::text[]) AS d (id) JOIN object o ON o.tenant_id = $2 AND o.id = d.id
		) gone WHERE flow.id = $1`, flow, tenant, objects)
	if err != nil {
		return fmt.Errorf("sum up flow %s: %w", flow, err)
	}
	return nil
}
