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
	"github.com/grainmesh/grainmesh/pkg/subjects"
)

// Registration makes the objects of one piece of work visible.
type Registration struct {
	WorkID   uuid.UUID
	Epoch    int32
	Run      Run
	Segments []NewSegment
	// Unused are objects that were allocated for it and are not needed.
	Unused []string
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

func (r *Registration) objectIDs() []string {
	ids := slices.Clone(r.Unused)
	for i := range r.Segments {
		ids = append(ids, r.Segments[i].ObjectID)
	}
	return ids
}

func (r *Registration) flowIDs() []uuid.UUID {
	ids := map[uuid.UUID]bool{}
	for i := range r.Segments {
		ids[r.Segments[i].FlowID] = true
	}
	return slices.Collect(maps.Keys(ids))
}

// Register stores the segments of one piece of work, for all its Flows in one
// transaction. The first registration of a piece of work wins; any later one
// returns false, and the objects that only it brought are condemned. It is Gone
// once the run has ended.
func (s *Store) Register(ctx context.Context, tenant Tenant, r Registration) (stored bool, err error) {
	if err := r.check(); err != nil {
		return false, err
	}
	err = s.write(ctx, func(tx pgx.Tx) error {
		var err error
		if stored, err = claimWork(ctx, tx, tenant, &r); err != nil {
			return err
		}
		if !stored {
			return condemnAllocated(ctx, tx, tenant, r.WorkID, r.objectIDs())
		}
		if err := lockOpenRun(ctx, tx, tenant, r.Run, forShare); err != nil {
			return err
		}
		return s.register(ctx, tx, tenant, &r)
	})
	return stored, err
}

// claimWork says whether this is the first registration of the piece of work. A
// second one that runs at the same time waits for the first to end.
func claimWork(ctx context.Context, tx pgx.Tx, tenant Tenant, r *Registration) (bool, error) {
	tag, err := tx.Exec(ctx, `
		INSERT INTO registration (work_id, tenant_id, job_id, run, epoch) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (work_id) DO NOTHING`, r.WorkID, tenant, r.Run.Job, r.Run.Number, r.Epoch)
	if err != nil {
		return false, fmt.Errorf("claim work %s: %w", r.WorkID, err)
	}
	if tag.RowsAffected() == 1 {
		return true, nil
	}
	var same bool
	err = tx.QueryRow(ctx, `SELECT tenant_id = $2 AND job_id = $3 AND run = $4 FROM registration WHERE work_id = $1`,
		r.WorkID, tenant, r.Run.Job, r.Run.Number).Scan(&same)
	if err != nil {
		return false, fmt.Errorf("read registration of work %s: %w", r.WorkID, err)
	}
	if !same {
		return false, fault.Newf(fault.Conflict, "work %s is not of run %d of job %s", r.WorkID, r.Run.Number, r.Run.Job)
	}
	return false, nil
}

func (s *Store) register(ctx context.Context, tx pgx.Tx, tenant Tenant, r *Registration) error {
	flows, err := lockFlows(ctx, tx, tenant, r.flowIDs(), forUpdate)
	if err != nil {
		return err
	}
	for _, f := range flows {
		if err := f.open(); err != nil {
			return err
		}
		if deref(f.Job) != r.Run.Job || deref(f.Run) != r.Run.Number {
			return fault.Newf(fault.Conflict, "flow %s is not of run %d of job %s", f.ID, r.Run.Number, r.Run.Job)
		}
	}
	if err := registerObjects(ctx, tx, tenant, r.Segments); err != nil {
		return err
	}
	if err := s.addSegments(ctx, tx, tenant, r.Segments); err != nil {
		return err
	}
	return condemnAllocated(ctx, tx, tenant, r.WorkID, r.Unused)
}

// addSegments inserts segments, sums them up and tells of them.
func (s *Store) addSegments(ctx context.Context, tx pgx.Tx, tenant Tenant, news []NewSegment) error {
	segments := make([]Segment, len(news))
	totals := map[uuid.UUID]Totals{}
	for i := range news {
		segments[i] = news[i].Segment
		t := totals[news[i].FlowID]
		t.Segments++
		t.Bytes += news[i].Object.Size
		t.Grains += int64(news[i].Object.Grains)
		totals[news[i].FlowID] = t
	}
	added, err := s.insertSegments(ctx, tx, tenant, segments)
	if err != nil {
		return err
	}
	if err := addTotals(ctx, tx, totals); err != nil {
		return err
	}
	return s.publishSegments(ctx, tx, subjects.SegmentsAdded, tenant, slices.Collect(maps.Keys(totals)), added)
}

// lockedObject is what is known of an object whose row is locked.
type lockedObject struct {
	ID        string
	State     string
	FlowID    uuid.UUID
	Start     *int64
	End       *int64
	Size      *int64
	Grains    int32
	KeyFrames int32
}

func lockObjects(ctx context.Context, tx pgx.Tx, tenant Tenant, ids []string) (map[string]lockedObject, error) {
	rows, err := collect(ctx, tx, pgx.RowToStructByPos[lockedObject], `
		SELECT id, state, flow_id, start_ns, end_ns, size, grains, key_frames
		FROM object WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id FOR UPDATE`, tenant, ids)
	if err != nil {
		return nil, fmt.Errorf("lock %d objects: %w", len(ids), err)
	}
	objects := make(map[string]lockedObject, len(rows))
	for _, o := range rows {
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

// registerObjects makes allocated objects registered. Objects of another Flow, or
// that are registered already, are a Conflict.
func registerObjects(ctx context.Context, tx pgx.Tx, tenant Tenant, news []NewSegment) error {
	ids := make([]string, len(news))
	for i := range news {
		ids[i] = news[i].ObjectID
	}
	objects, err := lockObjects(ctx, tx, tenant, ids)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for i := range news {
		n := &news[i]
		if o := objects[n.ObjectID]; o.State != "allocated" || o.FlowID != n.FlowID {
			return fault.Newf(fault.Conflict, "object %s is %s for flow %s, cannot be registered for flow %s", o.ID, o.State, o.FlowID, n.FlowID)
		}
		queueRegister(batch, tenant, n)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("register %d objects: %w", len(news), err)
	}
	return nil
}

func queueRegister(batch *pgx.Batch, tenant Tenant, n *NewSegment) {
	o := &n.Object
	batch.Queue(`
		UPDATE object SET state = 'registered', registered_at = now(), size = $3, sha256 = $4, etag = $5,
			start_ns = $6, end_ns = $7, grains = $8, key_frames = $9, grain_index = $10
		WHERE tenant_id = $1 AND id = $2`,
		tenant, n.ObjectID, o.Size, o.SHA256, o.ETag, int64(o.Range.Start), int64(o.Range.End), o.Grains, o.KeyFrames, o.Index)
}
