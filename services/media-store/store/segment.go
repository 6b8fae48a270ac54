package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Segment places an object, or a part of it, on a Flow's time line.
type Segment struct {
	FlowID   uuid.UUID
	ObjectID string
	Range    mediatime.Range
	// Offset is what to add to the object's own times.
	Offset mediatime.Time
	// The rest is kept for TAMS clients; nil where they said nothing.
	LastDuration *mediatime.Time
	KeyFrames    *int32
	SampleOffset *int64
	SampleCount  *int64
}

// lockedFlow is what is known of a Flow whose row is locked.
type lockedFlow struct {
	ID        uuid.UUID
	Status    media.Status
	Container string
	ReadOnly  bool
	Job       *string
	Run       *int32
	Deleted   bool
}

// open is Gone for a Flow that was deleted or is complete.
func (f *lockedFlow) open() error {
	switch {
	case f.Deleted:
		return fault.Newf(fault.Gone, "flow %s was deleted", f.ID)
	case f.Status == media.StatusComplete:
		return fault.Newf(fault.Gone, "flow %s is complete and takes no more segments", f.ID)
	}
	return nil
}

// lockFlows locks Flows in the order of their ids. One that the tenant has not is
// NotFound.
func lockFlows(ctx context.Context, tx pgx.Tx, tenant Tenant, ids []uuid.UUID, strength string) ([]lockedFlow, error) {
	flows, err := collect(ctx, tx, pgx.RowToStructByPos[lockedFlow], `
		SELECT id, status, container, read_only, job_id, run, deleted_at IS NOT NULL
		FROM flow WHERE tenant_id = $1 AND id = ANY($2) ORDER BY id `+strength, tenant, ids)
	if err != nil {
		return nil, fmt.Errorf("lock %d flows: %w", len(ids), err)
	}
	found := make(map[uuid.UUID]bool, len(flows))
	for _, f := range flows {
		found[f.ID] = true
	}
	for _, id := range ids {
		if !found[id] {
			return nil, fault.Newf(fault.NotFound, "there is no flow %s", id)
		}
	}
	return flows, nil
}

// insertSegments is the only writer of segments. The caller holds the rows of the
// Flows, for update, and of the objects. It returns what was added to each Flow, or
// SegmentOverlap naming two ranges that overlap.
func (s *Store) insertSegments(ctx context.Context, tx pgx.Tx, tenant Tenant, segments []Segment) (map[uuid.UUID]mediatime.Range, error) {
	sorted := slices.Clone(segments)
	slices.SortFunc(sorted, func(a, b Segment) int {
		return cmp.Or(slices.Compare(a.FlowID[:], b.FlowID[:]), cmp.Compare(a.Range.Start, b.Range.Start))
	})
	added := make(map[uuid.UUID]mediatime.Range)
	for i, one := range sorted {
		if i > 0 && sorted[i-1].FlowID == one.FlowID && sorted[i-1].Range.Overlaps(one.Range) {
			return nil, overlap(one.FlowID, one.Range, sorted[i-1].Range)
		}
		added[one.FlowID] = added[one.FlowID].Union(one.Range)
	}
	if err := probeNeighbours(ctx, tx, sorted); err != nil {
		return nil, err
	}
	if err := copySegments(ctx, tx, tenant, sorted); err != nil {
		return nil, err
	}
	return added, nil
}

func overlap(flow uuid.UUID, wanted, stored mediatime.Range) error {
	return fault.Newf(fault.SegmentOverlap, "a segment at %s of flow %s would overlap the one at %s", wanted, flow, stored)
}

// probeNeighbours looks, for each new segment, at the last stored one that starts
// before its end. As stored ones do not overlap, no other can reach into it.
func probeNeighbours(ctx context.Context, tx pgx.Tx, segments []Segment) error {
	flows := make([]uuid.UUID, len(segments))
	starts := make([]int64, len(segments))
	ends := make([]int64, len(segments))
	for i, one := range segments {
		flows[i], starts[i], ends[i] = one.FlowID, int64(one.Range.Start), int64(one.Range.End)
	}
	var (
		flow           uuid.UUID
		wanted, stored mediatime.Range
	)
	err := tx.QueryRow(ctx, `
		SELECT n.flow_id, n.start_ns, n.end_ns, stored.start_ns, stored.end_ns
		FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS n (flow_id, start_ns, end_ns)
		CROSS JOIN LATERAL (
			SELECT s.start_ns, s.end_ns FROM segment s
			WHERE s.flow_id = n.flow_id AND s.start_ns < n.end_ns ORDER BY s.start_ns DESC LIMIT 1
		) stored
		WHERE stored.end_ns > n.start_ns LIMIT 1`, flows, starts, ends).
		Scan(&flow, &wanted.Start, &wanted.End, &stored.Start, &stored.End)
	if isNone(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the neighbours of %d segments: %w", len(segments), err)
	}
	return overlap(flow, wanted, stored)
}

func copySegments(ctx context.Context, tx pgx.Tx, tenant Tenant, segments []Segment) error {
	columns := []string{
		"flow_id", "start_ns", "end_ns", "tenant_id", "object_id", "ts_offset_ns",
		"last_duration", "key_frames", "sample_offset", "sample_count",
	}
	rows := make([][]any, len(segments))
	for i, one := range segments {
		rows[i] = []any{
			one.FlowID, int64(one.Range.Start), int64(one.Range.End), tenant, one.ObjectID, int64(one.Offset),
			(*int64)(one.LastDuration), one.KeyFrames, one.SampleOffset, one.SampleCount,
		}
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"segment"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("insert %d segments: %w", len(segments), err)
	}
	return nil
}

// addTotals brings the sums of Flows up to date after segments were added to them.
func addTotals(ctx context.Context, tx pgx.Tx, added map[uuid.UUID]Totals) error {
	batch := &pgx.Batch{}
	for id, t := range added {
		batch.Queue(`
			UPDATE flow SET segments = segments + $2, bytes = bytes + $3, grains = grains + $4,
				revision = nextval('flow_revision'), segments_updated_at = clock_timestamp()
			WHERE id = $1`, id, t.Segments, t.Bytes, t.Grains)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("sum up %d flows: %w", len(added), err)
	}
	return nil
}
