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

// ensureSources makes the Sources that are not there yet, by the given account, and
// checks that those which are have the same tenant and format.
func (s *Store) ensureSources(ctx context.Context, tx pgx.Tx, tenant Tenant, by string, sources []*media.Source) error {
	wanted := make(map[uuid.UUID]media.Format, len(sources))
	var created []*media.Source
	for _, source := range sources {
		err := tx.QueryRow(ctx, `
			INSERT INTO source (id, tenant_id, format, label, description, tags, created_by, updated_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (id) DO NOTHING
			RETURNING created_at, updated_at`,
			source.ID, tenant, source.Format, source.Label, source.Description, tagsOf(source.Tags), by).
			Scan(&source.Created, &source.Updated)
		switch {
		case err == nil:
			created = append(created, source)
		case !isNone(err):
			return fmt.Errorf("insert source %s: %w", source.ID, err)
		}
		wanted[source.ID] = source.Format
	}
	if err := checkSources(ctx, tx, tenant, wanted); err != nil {
		return err
	}
	return s.publishSources(ctx, tx, subjects.SourceCreated, tenant, created)
}

func checkSources(ctx context.Context, tx pgx.Tx, tenant Tenant, wanted map[uuid.UUID]media.Format) error {
	ids := make([]uuid.UUID, 0, len(wanted))
	for id := range wanted {
		ids = append(ids, id)
	}
	// The lock keeps a Source from being cleared away before its new Flow is there.
	rows, err := tx.Query(ctx, `SELECT id, tenant_id, format FROM source WHERE id = ANY($1) ORDER BY id FOR SHARE`, ids)
	if err != nil {
		return fmt.Errorf("read %d sources: %w", len(ids), err)
	}
	var (
		id     uuid.UUID
		owner  Tenant
		format media.Format
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &owner, &format}, func() error {
		switch {
		case owner != tenant:
			return fault.Newf(fault.Conflict, "source %s exists and belongs to someone else", id)
		case format != wanted[id]:
			return fault.Newf(fault.Conflict, "source %s has the format %s, its new flow %s", id, format, wanted[id])
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("check sources: %w", err)
	}
	return nil
}

// tagsOf never returns nil, which would be written as JSON's null.
func tagsOf(t media.Tags) media.Tags {
	if t == nil {
		return media.Tags{}
	}
	return t
}
