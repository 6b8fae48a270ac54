package store

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/pg"
)

// Instance is a place outside our bucket where the bytes of an object are.
type Instance struct {
	Label string `json:"label"`
	URL   string `json:"url"`
}

// instances selects those of object o.
const instances = `(SELECT jsonb_agg(jsonb_build_object('label', i.label, 'url', i.url) ORDER BY i.label)
	FROM object_instance i WHERE i.tenant_id = o.tenant_id AND i.object_id = o.id)`

// Object is a stored object.
type Object struct {
	ID        string
	Key       string // empty if its bytes are elsewhere only
	State     string
	FlowID    uuid.UUID // for which it was allocated
	Size      int64
	ETag      string
	Range     mediatime.Range // on its own time line; empty before it is registered
	KeyFrames int32
	Created   time.Time
	Instances []Instance
}

// Registered says that its bytes are there and known.
func (o *Object) Registered() bool { return o.State == "registered" }

// Objects returns those of the given objects that there are, by id.
func (s *Store) Objects(ctx context.Context, tenant Tenant, ids []string) (map[string]*Object, error) {
	found, err := collect(ctx, s.db, scanObject, `
		SELECT o.id, coalesce(o.key, ''), o.state, o.flow_id, coalesce(o.size, 0), o.etag, coalesce(o.start_ns, 0), coalesce(o.end_ns, 0),
			o.key_frames, o.created_at, `+instances+`
		FROM object o WHERE o.tenant_id = $1 AND o.id = ANY($2) AND o.state <> 'condemned'`, tenant, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d objects: %w", len(ids), err)
	}
	objects := make(map[string]*Object, len(found))
	for _, o := range found {
		objects[o.ID] = o
	}
	return objects, nil
}

func scanObject(row pgx.CollectableRow) (*Object, error) {
	o := &Object{}
	err := row.Scan(&o.ID, &o.Key, &o.State, &o.FlowID, &o.Size, &o.ETag, &o.Range.Start, &o.Range.End,
		&o.KeyFrames, &o.Created, &o.Instances)
	return o, err
}

// References returns up to limit Flows that refer to an object, in the order of
// ids, from the one after the given on.
func (s *Store) References(ctx context.Context, tenant Tenant, objectID string, after uuid.UUID, limit int) ([]uuid.UUID, error) {
	ids, err := collect(ctx, s.db, pgx.RowTo[uuid.UUID], `
		SELECT DISTINCT flow_id FROM segment WHERE tenant_id = $1 AND object_id = $2 AND flow_id > $3 ORDER BY flow_id LIMIT $4`,
		tenant, objectID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read references to object %s: %w", objectID, err)
	}
	return ids, nil
}

// AllocateFor makes objects for a TAMS client: those of the given ids, or as many
// new ones as limit says.
func (s *Store) AllocateFor(ctx context.Context, tenant Tenant, flow uuid.UUID, ids []string, limit int, contentType string) ([]Allocated, error) {
	wanted := make([]Allocated, 0, max(limit, len(ids)))
	for _, id := range ids {
		wanted = append(wanted, Allocated{FlowID: flow, ID: id})
	}
	for range limit {
		wanted = append(wanted, Allocated{FlowID: flow})
	}
	err := s.write(ctx, func(u *unit) error {
		if _, err := u.lockWritable(tenant, flow); err != nil {
			return err
		}
		return u.queueObjects(tenant, uuid.Nil, contentType, wanted)
	})
	if pg.IsUnique(err, "object_pkey") {
		return nil, fault.Newf(fault.InvalidArgument, "one of the objects %v exists already", ids)
	}
	if err != nil {
		return nil, fmt.Errorf("allocate objects of flow %s: %w", flow, err)
	}
	return wanted, nil
}

// PostedSegment is a segment that a TAMS client registers.
type PostedSegment struct {
	NewSegment
	// Instances are where its bytes are outside our bucket.
	Instances []Instance
	// RangeGiven says that the client named the object's time range itself.
	RangeGiven bool
}

// PostSegment stores one segment of a TAMS client. An object that is registered
// already is referred to; one that only the client knows is taken in by reference. A
// Flow that a job fills is the job's until its run has ended, which would else stumble
// over the segment.
//
// 2026-11-21: a Flow that is closed_complete takes segments. In TAMS its status is the
// client's to set, and what keeps a Flow from being changed is read_only.
func (s *Store) PostSegment(ctx context.Context, tenant Tenant, p PostedSegment) error {
	if err := checkPosted(&p); err != nil {
		return err
	}
	err := s.write(ctx, func(u *unit) error {
		flow, err := u.lockWritable(tenant, p.FlowID)
		if err != nil {
			return err
		}
		if err := u.checkNotFilled(tenant, flow); err != nil {
			return err
		}
		var revisions []int64
		u.queueRevisions(&revisions, 1)
		if err := u.takeObject(tenant, &p); err != nil {
			return err
		}
		return s.addSegments(ctx, u, tenant, []*Flow{flow}, revisions, []NewSegment{p.NewSegment})
	})
	if err != nil {
		return fmt.Errorf("post segment of object %s: %w", p.ObjectID, err)
	}
	return nil
}

// checkNotFilled is WrongState for a locked Flow that the run of a job is filling. A run
// that is open in our eyes may end meanwhile, but none that has ended opens again.
func (u *unit) checkNotFilled(tenant Tenant, flow *Flow) error {
	if flow.Run.IsZero() {
		return nil
	}
	var state string
	u.queueRunState(&state, tenant, flow.Run, "")
	if err := u.Send(); err != nil {
		return err
	}
	if state == runOpen {
		return fault.Newf(fault.WrongState, "flow %s is being filled by job %s and takes no other segments until that has ended", flow.ID, flow.Run.Job)
	}
	return nil
}

func checkPosted(p *PostedSegment) error {
	if p.Range.IsEmpty() || !p.Range.Bounded() {
		return fault.Newf(fault.InvalidArgument, "segment of object %s has the time range %s, want one with start and end", p.ObjectID, p.Range)
	}
	if !p.RangeGiven {
		p.Object.Range = p.Range.Shift(-p.Offset)
	}
	return nil
}

// takeObject brings the object of a posted segment to the state registered, and
// takes over what is known of it.
func (u *unit) takeObject(tenant Tenant, p *PostedSegment) error {
	if len(p.Instances) > 0 {
		// Without bytes in our bucket, where the client keeps them is all there is.
		u.Exec(`INSERT INTO object (tenant_id, id, flow_id, content_type) VALUES ($1, $2, $3, '') ON CONFLICT DO NOTHING`,
			tenant, p.ObjectID, p.FlowID)
	}
	objects, err := u.lockObjects(tenant, p.ObjectID)
	if err != nil {
		return err
	}
	o := objects[p.ObjectID]
	if err := p.fit(&o); err != nil {
		return err
	}
	if o.State == "allocated" {
		u.queueRegister(tenant, &p.NewSegment)
	}
	u.queueInstances(tenant, p.ObjectID, p.Instances)
	return nil
}

// fit checks a segment against its object, and takes over what is known of one that
// is registered.
func (p *PostedSegment) fit(o *lockedObject) error {
	if o.State == "allocated" && o.FlowID != p.FlowID {
		return fault.Newf(fault.InvalidArgument, "object %s was allocated for flow %s, not for %s", o.ID, o.FlowID, p.FlowID)
	}
	if o.State == "registered" {
		known := mediatime.NewRange(mediatime.Time(o.Start), mediatime.Time(o.End))
		if p.RangeGiven && p.Object.Range != known {
			return fault.Newf(fault.InvalidArgument, "object %s has the time range %s, not %s", o.ID, known, p.Object.Range)
		}
		p.Object.Range, p.Object.Size, p.Object.Grains, p.Object.KeyFrames = known, o.Size, o.Grains, o.KeyFrames
	}
	if wanted := p.Range.Shift(-p.Offset); !p.Object.Range.Covers(wanted) {
		return fault.Newf(fault.InvalidArgument, "the segment wants %s of object %s, which has %s", wanted, o.ID, p.Object.Range)
	}
	return nil
}

// queueInstances queues instances of an object whose row is locked. A label that it
// has already is refused.
func (u *unit) queueInstances(tenant Tenant, objectID string, add []Instance) {
	for _, i := range add {
		u.Query(func(rows pgx.Rows) error {
			added, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err == nil && len(added) == 0 {
				return fault.Newf(fault.InvalidArgument, "object %s has an instance with the label %q already", objectID, i.Label)
			}
			return err
		}, `INSERT INTO object_instance (tenant_id, object_id, label, url) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING label`,
			tenant, objectID, i.Label, i.URL)
	}
}

// AddInstance says where else the bytes of a registered object are.
func (s *Store) AddInstance(ctx context.Context, tenant Tenant, objectID string, i Instance) error {
	return s.write(ctx, func(u *unit) error {
		objects, err := u.lockObjects(tenant, objectID)
		if err != nil {
			return err
		}
		if o := objects[objectID]; o.State != "registered" {
			return fault.Newf(fault.NotFound, "there is no object %s", objectID)
		}
		u.queueInstances(tenant, objectID, []Instance{i})
		return nil
	})
}

// RemoveInstance forgets where else the bytes of an object are, unless nothing else
// is left of it.
func (s *Store) RemoveInstance(ctx context.Context, tenant Tenant, objectID, label string) error {
	return s.write(ctx, func(u *unit) error {
		if _, err := u.lockObjects(tenant, objectID); err != nil {
			return err
		}
		u.Query(func(rows pgx.Rows) error {
			removed, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err == nil && len(removed) == 0 {
				return fault.Newf(fault.NotFound, "object %s has no instance with the label %q", objectID, label)
			}
			return err
		}, `DELETE FROM object_instance WHERE tenant_id = $1 AND object_id = $2 AND label = $3 RETURNING label`, tenant, objectID, label)
		u.QueryRow(func(row pgx.Row) error {
			var left bool
			if err := row.Scan(&left); err != nil || left {
				return err
			}
			return fault.Newf(fault.WrongState, "%q is the last instance of object %s", label, objectID)
		}, `
			SELECT key IS NOT NULL OR EXISTS (SELECT FROM object_instance WHERE tenant_id = $1 AND object_id = $2)
			FROM object WHERE tenant_id = $1 AND id = $2`, tenant, objectID)
		return nil
	})
}
