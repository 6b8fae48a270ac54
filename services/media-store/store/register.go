package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Registration makes the objects of one piece of work visible.
type Registration struct {
	WorkID uuid.UUID
	Epoch  int32
	Run    Run
	// Segments are what is stored. All other objects that were allocated for the work,
	// in this attempt or an earlier one, are given up.
	Segments []NewSegment
}

// NewSegment is a segment and what its writer knows of its object.
type NewSegment struct {
	Segment
	Object ObjectFacts
}

// ObjectFacts are what becomes known of an object when it is registered.
type ObjectFacts struct {
	// Range is what it holds on its own time line.
	Range     mediatime.Range
	Size      int64
	SHA256    []byte
	ETag      string
	Grains    int32
	KeyFrames int32
	Index     []byte // packed media.Index
}

// check refuses segments that do not fit their objects.
func (n *NewSegment) check() error {
	if n.Range.IsEmpty() || !n.Range.Bounded() {
		return fault.Newf(fault.InvalidArgument, "segment of object %s has the time range %s, want one with start and end", n.ObjectID, n.Range)
	}
	if n.Object.Range.IsEmpty() {
		n.Object.Range = n.Range.Shift(-n.Offset)
	}
	if !n.Object.Range.Covers(n.Range.Shift(-n.Offset)) {
		return fault.Newf(fault.InvalidArgument, "segment %s of flow %s lies outside its object %s, which has %s",
			n.Range, n.FlowID, n.ObjectID, n.Object.Range)
	}
	index, err := media.UnpackIndex(n.Object.Index)
	if err != nil {
		return fault.Newf(fault.InvalidArgument, "index of object %s: %w", n.ObjectID, err)
	}
	if len(index) != int(n.Object.Grains) {
		return fault.Newf(fault.InvalidArgument, "object %s has %d grains and an index of %d", n.ObjectID, n.Object.Grains, len(index))
	}
	for i := range index {
		if e := &index[i]; e.Offset < 0 || e.Size < 0 || e.Size > n.Object.Size-e.Offset {
			return fault.Newf(fault.InvalidArgument, "grain %d of object %s has %d bytes at %d, the object %d in all",
				i, n.ObjectID, e.Size, e.Offset, n.Object.Size)
		}
	}
	return nil
}

func (r *Registration) check() error {
	objects := make(map[string]bool, len(r.Segments))
	for i := range r.Segments {
		if err := r.Segments[i].check(); err != nil {
			return err
		}
		id := r.Segments[i].ObjectID
		if objects[id] {
			return fault.Newf(fault.InvalidArgument, "object %s is registered twice", id)
		}
		objects[id] = true
	}
	return nil
}

// registered lists the objects that become visible.
func (r *Registration) registered() []string {
	ids := make([]string, len(r.Segments))
	for i := range r.Segments {
		ids[i] = r.Segments[i].ObjectID
	}
	return ids
}

func (r *Registration) flowIDs() []uuid.UUID {
	ids := map[uuid.UUID]bool{}
	for i := range r.Segments {
		ids[r.Segments[i].FlowID] = true
	}
	return inOrder(slices.Collect(maps.Keys(ids)))
}

// Register stores the segments of one piece of work, for all its Flows in one
// transaction. The first registration of a piece of work wins; any later one
// returns false, and the objects that only it brought are condemned. It is RunEnded
// once the run has, Gone if a Flow or an object is.
func (s *Store) Register(ctx context.Context, tenant Tenant, r Registration) (stored bool, err error) {
	if err := r.check(); err != nil {
		return false, err
	}
	err = s.writeJob(ctx, r.Run.Job, func(u *unit) error {
		k := &known{}
		k.queue(u, tenant, &r)
		if err := u.Send(); err != nil {
			return err
		}
		stored = k.claimed
		if !stored {
			u.queueCondemnAllocated(tenant, r.WorkID)
			return k.checkRepeat(&r)
		}
		if err := k.check(&r); err != nil {
			return err
		}
		for i := range r.Segments {
			u.queueRegister(tenant, &r.Segments[i])
		}
		if err := s.addSegments(ctx, u, tenant, k.flows, k.revisions, r.Segments); err != nil {
			return err
		}
		u.queueCondemnAllocated(tenant, r.WorkID)
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("register work %s: %w", r.WorkID, err)
	}
	return stored, nil
}

// known is what is read and locked before a registration.
type known struct {
	claimed   bool // this is the first registration
	same      bool // the first one was of the same run
	runState  string
	locked    []lockedFlow
	flows     []*Flow
	revisions []int64
	objects   []lockedObject
}

// queue queues all of it, in the order of locks. A second registration that runs at
// the same time waits in the first statement for the first to end.
func (k *known) queue(u *unit, tenant Tenant, r *Registration) {
	u.QueryRow(func(row pgx.Row) error {
		err := row.Scan(&k.claimed)
		if isNone(err) {
			return nil
		}
		return err
	}, `
		INSERT INTO registration (work_id, tenant_id, job_id, run, epoch) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (work_id) DO NOTHING RETURNING true`, r.WorkID, tenant, r.Run.Job, r.Run.Number, r.Epoch)
	u.QueryRow(func(row pgx.Row) error { return row.Scan(&k.same) },
		`SELECT tenant_id = $2 AND job_id = $3 AND run = $4 FROM registration WHERE work_id = $1`,
		r.WorkID, tenant, r.Run.Job, r.Run.Number)
	u.queueRunState(&k.runState, tenant, r.Run, forShare)
	flows := r.flowIDs()
	u.queueFlowLocks(&k.locked, tenant, flows, forUpdate)
	// Read by a statement of its own, which sees what the lock waited for.
	u.queueFlows(&k.flows, tenant, flows)
	u.queueRevisions(&k.revisions, len(flows))
	u.queueObjectLocks(&k.objects, tenant, r.registered())
}

// checkRepeat is a Conflict if the work was registered for another run.
func (k *known) checkRepeat(r *Registration) error {
	if !k.same {
		return fault.Newf(fault.Conflict, "work %s is not of run %d of job %s", r.WorkID, r.Run.Number, r.Run.Job)
	}
	return nil
}

func (k *known) check(r *Registration) error {
	if err := r.Run.checkOpen(k.runState); err != nil {
		return err
	}
	if err := checkOpen(k.locked, r.flowIDs()); err != nil {
		return err
	}
	for _, f := range k.locked {
		if f.Job != r.Run.Job || f.Run != r.Run.Number {
			return fault.Newf(fault.Conflict, "flow %s is not of run %d of job %s", f.ID, r.Run.Number, r.Run.Job)
		}
	}
	objects, err := usable(k.objects, r.registered())
	if err != nil {
		return err
	}
	for i := range r.Segments {
		n := &r.Segments[i]
		if o := objects[n.ObjectID]; o.State != "allocated" || o.FlowID != n.FlowID {
			return fault.Newf(fault.Conflict, "object %s is %s for flow %s, cannot be registered for flow %s", o.ID, o.State, o.FlowID, n.FlowID)
		}
	}
	return nil
}

// lockedObject is what is known of an object whose row is locked.
type lockedObject struct {
	ID        string
	State     string
	FlowID    uuid.UUID
	Start     int64
	End       int64
	Size      int64
	Grains    int32
	KeyFrames int32
}

// queueObjectLocks queues the lock of objects, in the order of their ids.
func (u *unit) queueObjectLocks(out *[]lockedObject, tenant Tenant, ids []string) {
	each(u, out, pgx.RowToStructByPos[lockedObject], `
		SELECT id, state, flow_id, coalesce(start_ns, 0), coalesce(end_ns, 0), coalesce(size, 0), grains, key_frames
		FROM object WHERE tenant_id = $1 AND id = $2 FOR UPDATE`, tenant, slices.Sorted(slices.Values(ids)))
}

// lockObjects sends what is queued and locks objects that are there and in use.
func (u *unit) lockObjects(tenant Tenant, ids ...string) (map[string]lockedObject, error) {
	var locked []lockedObject
	u.queueObjectLocks(&locked, tenant, ids)
	if err := u.Send(); err != nil {
		return nil, err
	}
	return usable(locked, ids)
}

// usable gives objects by id. One that is not there is NotFound, one that was
// condemned Gone.
func usable(locked []lockedObject, ids []string) (map[string]lockedObject, error) {
	objects := make(map[string]lockedObject, len(locked))
	for _, o := range locked {
		objects[o.ID] = o
	}
	for _, id := range ids {
		o, ok := objects[id]
		if !ok {
			return nil, fault.Newf(fault.NotFound, "there is no object %s", id)
		}
		if o.State == "condemned" {
			return nil, fault.Newf(fault.Gone, "object %s was given up", id)
		}
	}
	return objects, nil
}

// queueRegister queues the step of an object from allocated to registered.
func (u *unit) queueRegister(tenant Tenant, n *NewSegment) {
	o := &n.Object
	u.Exec(`
		UPDATE object SET state = 'registered', registered_at = now(), size = $3, sha256 = $4, etag = $5,
			start_ns = $6, end_ns = $7, grains = $8, key_frames = $9, grain_index = $10
		WHERE tenant_id = $1 AND id = $2`,
		tenant, n.ObjectID, o.Size, o.SHA256, o.ETag, int64(o.Range.Start), int64(o.Range.End), o.Grains, o.KeyFrames, o.Index)
}
