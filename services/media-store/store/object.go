package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
)

// Allocated is an object whose row exists and whose bytes may be uploaded.
type Allocated struct {
	FlowID uuid.UUID
	ID     string
	// Key is its place in the bucket.
	Key string
}

// maxAllocated bounds the objects of one call.
const maxAllocated = 10_000

// perPrefix is how many objects share a key's prefix at most: listing a flat prefix
// slows down with its size.
const perPrefix = 1000

// objectKey returns where the object with a number lies. The last part is ours, not
// the object's id, which TAMS clients may choose.
func objectKey(tenant Tenant, number int64, name uuid.UUID) string {
	prefix := number / perPrefix
	return fmt.Sprintf("%s/%04x/%03x/%s", tenant, prefix>>12, prefix&0xfff, name)
}

// Allocate makes objects for the Flows of a running piece of work, as many as
// counts says by Flow.
func (s *Store) Allocate(ctx context.Context, tenant Tenant, workID uuid.UUID, counts map[uuid.UUID]int) ([]Allocated, error) {
	var wanted []Allocated
	flows := make([]uuid.UUID, 0, len(counts))
	for flow, n := range counts {
		if n < 0 || len(wanted)+n > maxAllocated {
			return nil, fault.Newf(fault.InvalidArgument, "%d objects of flow %s, want at most %d in all", n, flow, maxAllocated)
		}
		flows = append(flows, flow)
		for range n {
			wanted = append(wanted, Allocated{FlowID: flow})
		}
	}
	err := s.db.InTx(ctx, func(tx pgx.Tx) error {
		if err := checkOpenFlows(ctx, tx, tenant, flows); err != nil {
			return err
		}
		return allocate(ctx, tx, tenant, workID, media.ContainerGSF, wanted)
	})
	return wanted, err
}

// checkOpenFlows refuses Flows that take no more segments.
func checkOpenFlows(ctx context.Context, tx pgx.Tx, tenant Tenant, ids []uuid.UUID) error {
	locked, err := lockFlows(ctx, tx, tenant, ids, forShare)
	if err != nil {
		return err
	}
	for _, f := range locked {
		if err := f.open(); err != nil {
			return err
		}
	}
	return nil
}

// allocate makes a row for each of the wanted objects and fills in its key, and its
// id if it has none. Ids grow with time.
func allocate(ctx context.Context, tx pgx.Tx, tenant Tenant, workID uuid.UUID, contentType string, wanted []Allocated) error {
	if len(wanted) == 0 {
		return nil
	}
	numbers, err := collect(ctx, tx, pgx.RowTo[int64], `SELECT nextval('object_number') FROM generate_series(1, $1)`, len(wanted))
	if err != nil {
		return fmt.Errorf("number %d objects: %w", len(wanted), err)
	}
	rows := make([][]any, len(wanted))
	for i := range wanted {
		name, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make an object id: %w", err)
		}
		if wanted[i].ID == "" {
			wanted[i].ID = name.String()
		}
		wanted[i].Key = objectKey(tenant, numbers[i], name)
		rows[i] = []any{tenant, wanted[i].ID, wanted[i].Key, wanted[i].FlowID, nilIfZero(workID), contentType}
	}
	columns := []string{"tenant_id", "id", "key", "flow_id", "work_id", "content_type"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"object"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("insert %d objects: %w", len(wanted), err)
	}
	return nil
}

// condemnAllocated gives up objects that were never registered: the listed ones and
// all others of the piece of work.
func condemnAllocated(ctx context.Context, tx pgx.Tx, tenant Tenant, workID uuid.UUID, ids []string) error {
	_, err := tx.Exec(ctx, `
		UPDATE object SET state = 'condemned', condemned_at = now()
		WHERE state = 'allocated' AND tenant_id = $1 AND (work_id = $2 OR id = ANY($3))`, tenant, workID, ids)
	if err != nil {
		return fmt.Errorf("condemn the unused objects of work %s: %w", workID, err)
	}
	return nil
}

// condemnUnused condemns those of the objects that no segment refers to. Each row
// is locked before its references are counted: whoever adds one holds the row.
func condemnUnused(ctx context.Context, tx pgx.Tx, tenant Tenant, ids []string) error {
	_, err := tx.Exec(ctx, `SELECT 1 FROM object WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE`, tenant, ids)
	if err != nil {
		return fmt.Errorf("lock %d objects: %w", len(ids), err)
	}
	_, err = tx.Exec(ctx, `
		UPDATE object o SET state = 'condemned', condemned_at = now()
		WHERE o.tenant_id = $1 AND o.id = ANY($2) AND o.state = 'registered'
			AND NOT EXISTS (SELECT FROM segment s WHERE s.tenant_id = o.tenant_id AND s.object_id = o.id)`, tenant, ids)
	if err != nil {
		return fmt.Errorf("condemn what is left of %d objects: %w", len(ids), err)
	}
	return nil
}
