package store

import (
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
)

// queueSources queues the making of the Sources that are not there yet, by the given
// account, and the check that those which are have the same tenant and format. Those
// made are put into created.
func (u *unit) queueSources(tenant Tenant, by string, sources []*media.Source, created *[]changedSource) {
	wanted := make(map[uuid.UUID]media.Format, len(sources))
	ids := make([]uuid.UUID, 0, len(sources))
	for _, source := range sources {
		u.QueryRow(func(row pgx.Row) error {
			made := changedSource{Source: source}
			err := row.Scan(&source.Created, &source.Updated, &made.Revision)
			if err == nil {
				*created = append(*created, made)
			}
			if errors.Is(err, pgx.ErrNoRows) {
				return nil // it is there
			}
			return err
		}, `
			INSERT INTO source (id, tenant_id, format, label, description, tags, created_by, updated_by)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (id) DO NOTHING
			RETURNING created_at, updated_at, revision`,
			source.ID, tenant, source.Format, source.Label, source.Description, tagsOf(source.Tags), by)
		wanted[source.ID] = source.Format
		ids = append(ids, source.ID)
	}
	// The lock keeps a Source from being cleared away before its new Flow is there.
	u.Query(func(rows pgx.Rows) error { return checkSources(rows, tenant, wanted) },
		`SELECT id, tenant_id, format FROM source WHERE id = ANY($1) ORDER BY id FOR SHARE`, ids)
}

func checkSources(rows pgx.Rows, tenant Tenant, wanted map[uuid.UUID]media.Format) error {
	var (
		id     uuid.UUID
		owner  Tenant
		format media.Format
	)
	_, err := pgx.ForEachRow(rows, []any{&id, &owner, &format}, func() error {
		switch {
		case owner != tenant:
			return fault.Newf(fault.Conflict, "source %s exists and belongs to someone else", id)
		case format != wanted[id]:
			return fault.Newf(fault.Conflict, "source %s has the format %s, its new flow %s", id, format, wanted[id])
		}
		return nil
	})
	return err
}

// tagsOf never returns nil, which would be written as JSON's null.
func tagsOf(t media.Tags) media.Tags {
	if t == nil {
		return media.Tags{}
	}
	return t
}
