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

// keyOf is the SQL of where the object with a number and a name lies. The name is
// ours, not the object's id, which TAMS clients may choose. Prefixes fan out twice.
const keyOf = `$1 || '/' || lpad(to_hex(n.number / 1000 / 4096), 4, '0') || '/' || lpad(to_hex(n.number / 1000 % 4096), 3, '0') || '/' || n.name`

// Allocate makes objects for the Flows of a running piece of work of a job, as many
// as counts says by Flow.
func (s *Store) Allocate(ctx context.Context, tenant Tenant, job string, workID uuid.UUID, counts map[uuid.UUID]int) ([]Allocated, error) {
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
	inOrder(flows)
	err := s.writeJob(ctx, job, func(u *unit) error {
		var locked []lockedFlow
		u.queueFlowLocks(&locked, tenant, flows, forShare)
		if err := u.queueObjects(tenant, workID, media.ContainerGSF, wanted); err != nil {
			return err
		}
		if err := u.Send(); err != nil {
			return err
		}
		return checkOpen(locked, flows)
	})
	if err != nil {
		return nil, fmt.Errorf("allocate objects of work %s: %w", workID, err)
	}
	return wanted, nil
}

// queueObjects queues a row for each of the wanted objects, gives those an id that
// have none, and fills in the keys. Ids grow with time.
func (u *unit) queueObjects(tenant Tenant, workID uuid.UUID, contentType string, wanted []Allocated) error {
	ids, names, flows := make([]string, len(wanted)), make([]string, len(wanted)), make([]uuid.UUID, len(wanted))
	for i := range wanted {
		name, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make an object id: %w", err)
		}
		if wanted[i].ID == "" {
			wanted[i].ID = name.String()
		}
		ids[i], names[i], flows[i] = wanted[i].ID, name.String(), wanted[i].FlowID
	}
	byID := make(map[string]*Allocated, len(wanted))
	for i := range wanted {
		byID[wanted[i].ID] = &wanted[i]
	}
	u.Query(func(rows pgx.Rows) error {
		var id, key string
		_, err := pgx.ForEachRow(rows, []any{&id, &key}, func() error {
			byID[id].Key = key
			return nil
		})
		return err
	}, `
		INSERT INTO object (tenant_id, id, key, flow_id, work_id, content_type)
		SELECT $1, n.id, `+keyOf+`, n.flow_id, $2, $3
		FROM (
			SELECT w.id, w.name, w.flow_id, nextval('object_number') AS number
			FROM unnest($4::text[], $5::text[], $6::uuid[]) AS w (id, name, flow_id)
		) n
		RETURNING id, key`, tenant, nilIfZero(workID), contentType, ids, names, flows)
	return nil
}

// queueCondemnAllocated queues the giving up of objects that were allocated for a
// piece of work and are not registered.
func (u *unit) queueCondemnAllocated(tenant Tenant, workID uuid.UUID) {
	u.Exec(`
		UPDATE object SET state = 'condemned', condemned_at = now()
		WHERE state = 'allocated' AND tenant_id = $1 AND work_id = $2`, tenant, workID)
}

// queueCondemnUnused queues the condemnation of those of the objects that no segment
// refers to. Each row is locked before its references are counted: whoever adds one
// holds the row.
func (u *unit) queueCondemnUnused(tenant Tenant, ids []string) {
	if len(ids) == 0 {
		return
	}
	u.Exec(`SELECT 1 FROM object WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE`, tenant, ids)
	u.Exec(`
		UPDATE object o SET state = 'condemned', condemned_at = now()
		WHERE o.tenant_id = $1 AND o.id = ANY($2) AND o.state = 'registered'
			AND NOT EXISTS (SELECT FROM segment s WHERE s.tenant_id = o.tenant_id AND s.object_id = o.id)`, tenant, ids)
}
