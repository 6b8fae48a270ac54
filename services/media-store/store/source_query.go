package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
)

// Source is a stored Source. What it collects follows from the Flows that do.
type Source struct {
	media.Source
	Collection           []SourceMember
	CollectedBy          []uuid.UUID
	CreatedBy, UpdatedBy string
}

// SourceMember is a Source that another collects.
type SourceMember struct {
	ID   uuid.UUID `json:"id"`
	Role string    `json:"role"`
}

// sourceColumns selects a Source.
const sourceColumns = `
	src.id, src.format, src.label, src.description, src.tags, src.created_by, src.updated_by, src.created_at, src.updated_at,
	(SELECT jsonb_agg(jsonb_build_object('id', part.source_id, 'role', part.role) ORDER BY part.position)
		FROM (SELECT DISTINCT ON (inner_flow.source_id) inner_flow.source_id, m.role, m.position
			FROM flow multi JOIN flow_member m ON m.flow_id = multi.id JOIN flow inner_flow ON inner_flow.id = m.member_id
			WHERE multi.source_id = src.id AND multi.deleted_at IS NULL AND inner_flow.deleted_at IS NULL
			ORDER BY inner_flow.source_id, m.position) part),
	(SELECT array_agg(DISTINCT multi.source_id)
		FROM flow inner_flow JOIN flow_member m ON m.member_id = inner_flow.id JOIN flow multi ON multi.id = m.flow_id
		WHERE inner_flow.source_id = src.id AND multi.deleted_at IS NULL AND inner_flow.deleted_at IS NULL)
	FROM source src `

// sourceLives holds for Sources that a Flow represents; others are on their way out.
const sourceLives = `EXISTS (SELECT FROM flow f WHERE f.source_id = src.id AND f.deleted_at IS NULL)`

func scanSource(row pgx.CollectableRow) (*Source, error) {
	s := &Source{}
	var collection []byte
	err := row.Scan(&s.ID, &s.Format, &s.Label, &s.Description, &s.Tags, &s.CreatedBy, &s.UpdatedBy, &s.Created, &s.Updated,
		&collection, &s.CollectedBy)
	if err != nil || collection == nil {
		return s, err
	}
	return s, json.Unmarshal(collection, &s.Collection)
}

// Source returns one Source.
func (s *Store) Source(ctx context.Context, tenant Tenant, id uuid.UUID) (*Source, error) {
	found, err := collect(ctx, s.db, scanSource,
		`SELECT `+sourceColumns+` WHERE src.id = $2 AND (src.tenant_id = $1) IS TRUE AND `+sourceLives, tenant, id)
	if err != nil {
		return nil, fmt.Errorf("read source %s: %w", id, err)
	}
	if len(found) == 0 {
		return nil, fault.Newf(fault.NotFound, "there is no source %s", id)
	}
	return found[0], nil
}

// SourceQuery says which Sources to list. Zero fields do not restrict.
type SourceQuery struct {
	Page
	Format media.Format
	Label  *string // the whole label
	Text   string  // part of label or id, case ignored
	Tags   []TagFilter
	// CollectedBy keeps Sources that one of these collects; empty but not nil keeps
	// those that none collects.
	CollectedBy []uuid.UUID
}

// SourcePage is a page of Sources.
type SourcePage struct {
	Sources []*Source
	// Next continues after this page; nil on the last.
	Next Cursor
}

// ListSources returns a page of the Sources that match.
func (s *Store) ListSources(ctx context.Context, tenant Tenant, q SourceQuery) (SourcePage, error) {
	sources, next, err := page(ctx, s, q.conditions(tenant), q.Page, sourceColumns, scanSource,
		[4]string{"src.id", "src.created_at", "src.updated_at", "src.label"},
		func(x *Source) Cursor { return q.cursor(x.ID, x.Created, x.Updated, x.Label) })
	if err != nil {
		return SourcePage{}, fmt.Errorf("list sources: %w", err)
	}
	return SourcePage{sources, next}, nil
}

func (q *SourceQuery) conditions(tenant Tenant) *conditions {
	c := &conditions{}
	c.add("src.tenant_id = %s AND "+sourceLives, tenant)
	if q.Format != "" {
		c.add("src.format = %s", q.Format)
	}
	if q.Label != nil {
		c.add("src.label = %s", *q.Label)
	}
	if q.Text != "" {
		text := likeText(q.Text)
		c.add("(src.label ILIKE %s OR src.id::text ILIKE %s)", text, text)
	}
	c.addTags("src.tags", q.Tags)
	const collectors = `SELECT multi.source_id
		FROM flow part JOIN flow_member m ON m.member_id = part.id JOIN flow multi ON multi.id = m.flow_id
		WHERE part.source_id = src.id AND multi.deleted_at IS NULL AND part.deleted_at IS NULL`
	switch {
	case len(q.CollectedBy) > 0:
		c.add("EXISTS ("+collectors+" AND multi.source_id = ANY(%s))", q.CollectedBy)
	case q.CollectedBy != nil:
		c.add("NOT EXISTS (" + collectors + ")")
	}
	return c
}
