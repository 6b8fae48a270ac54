package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Sort is what a list is ordered by. Dates go from new to old, texts from A to Z;
// items without the text go last. Ids decide between equals.
type Sort int

// Orders of lists.
const (
	ByCreated Sort = iota
	ByUpdated
	ByLabel
)

// Page is one page of a list.
type Page struct {
	Sort    Sort
	Reverse bool
	// After is the Cursor of the last item of the page before; empty for the first.
	After Cursor
	Limit int
}

// Cursor is where an item stands in a list, as texts of its sort keys.
type Cursor []string

// cursorTime writes an instant as Postgres reads it, with all its microseconds.
func cursorTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999999Z") }

// cursor returns where an item stands.
func (p Page) cursor(id uuid.UUID, created, updated time.Time, label string) Cursor {
	switch p.Sort {
	case ByUpdated:
		return Cursor{cursorTime(updated), id.String()}
	case ByLabel:
		return Cursor{strconv.FormatBool(label == ""), label, id.String()}
	default:
		return Cursor{cursorTime(created), id.String()}
	}
}

// conditions gathers the parts of a WHERE clause and their arguments.
type conditions struct {
	parts []string
	args  []any
}

// add takes a condition in which each %s stands for the next argument.
func (c *conditions) add(sql string, args ...any) {
	places := make([]any, len(args))
	for i, arg := range args {
		c.args = append(c.args, arg)
		places[i] = "$" + strconv.Itoa(len(c.args))
	}
	c.parts = append(c.parts, fmt.Sprintf(sql, places...))
}

// order adds the condition of the page and returns the rest of the statement.
// Columns are the names of created, updated and label.
func (c *conditions) order(p Page, id, created, updated, label string) (string, error) {
	keys, casts, descending := []string{created}, []string{"timestamptz"}, true
	switch p.Sort {
	case ByUpdated:
		keys = []string{updated}
	case ByLabel:
		keys, casts, descending = []string{"(" + label + " = '')", label}, []string{"boolean", "text"}, false
	case ByCreated:
	}
	keys, casts = append(keys, id), append(casts, "uuid")
	comparison, direction := ">", " ASC"
	if descending != p.Reverse {
		comparison, direction = "<", " DESC"
	}
	if len(p.After) > 0 {
		if err := c.after(p.After, keys, casts, comparison); err != nil {
			return "", err
		}
	}
	c.args = append(c.args, p.Limit)
	return " WHERE " + strings.Join(c.parts, " AND ") +
		" ORDER BY " + strings.Join(keys, direction+", ") + direction + " LIMIT $" + strconv.Itoa(len(c.args)), nil
}

func (c *conditions) after(cursor Cursor, keys, casts []string, comparison string) error {
	if len(cursor) != len(keys) {
		return fault.New(fault.InvalidArgument, "the page token is of a list with another order")
	}
	if _, err := uuid.Parse(cursor[len(cursor)-1]); err != nil {
		return fault.New(fault.InvalidArgument, "the page token is not one that was given out")
	}
	if !validKey(casts[0], cursor[0]) {
		return fault.New(fault.InvalidArgument, "the page token is not one that was given out")
	}
	places, args := make([]string, len(keys)), make([]any, len(keys))
	for i := range keys {
		places[i], args[i] = "%s::text::"+casts[i], cursor[i]
	}
	c.add("("+strings.Join(keys, ", ")+") "+comparison+" ("+strings.Join(places, ", ")+")", args...)
	return nil
}

// validKey says whether a text is of a type, written as cursors write it.
func validKey(cast, text string) bool {
	if cast == "boolean" {
		return text == "true" || text == "false"
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return err == nil && cursorTime(t) == text && t.Year() > 0
}

// TagFilter keeps items by a tag.
type TagFilter struct {
	Name string
	// Values keeps items whose tag has one of them; empty if Exists decides.
	Values []string
	Exists bool
}

func (c *conditions) addTags(column string, filters []TagFilter) {
	for _, f := range filters {
		switch {
		case len(f.Values) > 0:
			c.add(column+" -> %s ?| %s::text[]", f.Name, f.Values)
		case f.Exists:
			c.add(column+" ? %s", f.Name)
		default:
			c.add("NOT "+column+" ? %s", f.Name)
		}
	}
}

// likeText escapes what LIKE gives a meaning to and looks for it anywhere.
func likeText(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

// FlowQuery says which Flows to list. Zero fields do not restrict.
type FlowQuery struct {
	Page
	SourceID uuid.UUID
	Format   media.Format
	Codec    string
	Label    *string // the whole label
	Text     string  // part of label, codec or id, case ignored
	Status   media.Status
	JobID    string
	Width    int
	Height   int
	Tags     []TagFilter
	// CollectedBy keeps Flows that one of these collects; empty but not nil keeps those
	// that none collects.
	CollectedBy []uuid.UUID
	// Timerange keeps Flows that have content within it, or none at all if it is empty.
	Timerange *mediatime.Range
}

// FlowPage is a page of Flows.
type FlowPage struct {
	Flows []*Flow
	// Next continues after this page; nil on the last.
	Next Cursor
}

// ListFlows returns a page of the Flows that match.
func (s *Store) ListFlows(ctx context.Context, tenant Tenant, q FlowQuery) (FlowPage, error) {
	flows, next, err := page(ctx, s, q.conditions(tenant), q.Page, flowColumns, scanFlow,
		[4]string{"f.id", "f.created_at", "f.metadata_updated_at", "f.label"},
		func(f *Flow) Cursor { return q.cursor(f.ID, f.Created, f.Updated, f.Label) })
	if err != nil {
		return FlowPage{}, fmt.Errorf("list flows: %w", err)
	}
	return FlowPage{flows, next}, nil
}

// page reads one page of what matches, in the order of the given columns, and says
// where the next begins.
func page[T any](ctx context.Context, s *Store, c *conditions, p Page, columns string, scan pgx.RowToFunc[*T], order [4]string, after func(*T) Cursor) ([]*T, Cursor, error) {
	limit := p.Limit
	p.Limit++
	rest, err := c.order(p, order[0], order[1], order[2], order[3])
	if err != nil {
		return nil, nil, err
	}
	rows, err := collect(ctx, s.db, scan, "SELECT "+columns+rest, c.args...)
	if err != nil {
		return nil, nil, err
	}
	rows, next := cut(rows, limit, after)
	return rows, next, nil
}

// cut takes a page off rows of which one more was asked for, and says where it
// continues; nil if it does not.
func cut[T any](rows []*T, limit int, after func(*T) Cursor) ([]*T, Cursor) {
	if len(rows) <= limit {
		return rows, nil
	}
	return rows[:limit], after(rows[limit-1])
}

func (q *FlowQuery) conditions(tenant Tenant) *conditions {
	c := &conditions{}
	c.add("f.tenant_id = %s AND f.deleted_at IS NULL", tenant)
	q.addColumns(c)
	c.addTags("f.tags", q.Tags)
	switch {
	case len(q.CollectedBy) > 0:
		c.add("EXISTS (SELECT FROM flow_member m WHERE m.member_id = f.id AND m.flow_id = ANY(%s))", q.CollectedBy)
	case q.CollectedBy != nil:
		c.add(`NOT EXISTS (SELECT FROM flow_member m JOIN flow multi ON multi.id = m.flow_id AND multi.deleted_at IS NULL
			WHERE m.member_id = f.id)`)
	}
	switch {
	case q.Timerange == nil:
	case q.Timerange.IsEmpty():
		c.add("span.start_ns IS NULL")
	default:
		c.add("span.start_ns < %s AND span.end_ns > %s", int64(q.Timerange.End), int64(q.Timerange.Start))
	}
	return c
}

func (q *FlowQuery) addColumns(c *conditions) {
	equal := func(column, value string) {
		if value != "" {
			c.add(column+" = %s", value)
		}
	}
	equal("f.format", string(q.Format))
	equal("f.codec", q.Codec)
	equal("f.status", string(q.Status))
	equal("f.job_id", q.JobID)
	if q.SourceID != uuid.Nil {
		c.add("f.source_id = %s", q.SourceID)
	}
	if q.Label != nil {
		c.add("f.label = %s", *q.Label)
	}
	if q.Text != "" {
		text := likeText(q.Text)
		c.add("(f.label ILIKE %s OR f.codec ILIKE %s OR f.id::text ILIKE %s)", text, text, text)
	}
	if q.Width != 0 {
		c.add("(f.essence -> 'video' ->> 'width')::int = %s", q.Width)
	}
	if q.Height != 0 {
		c.add("(f.essence -> 'video' ->> 'height')::int = %s", q.Height)
	}
}

// Summary is what GetFlow tells of a Flow and all that it collects.
type Summary struct {
	Flow    *Flow
	Members []*Flow
	Totals  Totals
	Objects int64
}

// Summarise returns a Flow with its members, in order, and sums over all of them.
func (s *Store) Summarise(ctx context.Context, tenant Tenant, id uuid.UUID) (*Summary, error) {
	flow, err := s.Flow(ctx, tenant, id)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(flow.Collection))
	for i, m := range flow.Collection {
		ids[i] = m.FlowID
	}
	out := &Summary{Flow: flow, Totals: flow.Totals}
	if out.Members, err = s.Flows(ctx, tenant, ids); err != nil {
		return nil, err
	}
	for _, m := range out.Members {
		out.Totals.Segments += m.Totals.Segments
		out.Totals.Bytes += m.Totals.Bytes
		out.Totals.Grains += m.Totals.Grains
	}
	err = s.db.QueryRow(ctx, `SELECT count(DISTINCT object_id) FROM segment WHERE tenant_id = $1 AND flow_id = ANY($2)`,
		tenant, slices.Concat(ids, []uuid.UUID{id})).Scan(&out.Objects)
	if err != nil {
		return nil, fmt.Errorf("count objects of flow %s: %w", id, err)
	}
	return out, nil
}
