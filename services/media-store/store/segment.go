package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/subjects"
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
	Job       string
	Run       int32
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

// queueFlowLocks queues the lock of Flows, whose ids are in order.
func (u *unit) queueFlowLocks(out *[]lockedFlow, tenant Tenant, ids []uuid.UUID, strength string) {
	each(u, out, pgx.RowToStructByPos[lockedFlow], `
		SELECT id, status, container, read_only, coalesce(job_id, ''), coalesce(run, 0), deleted_at IS NOT NULL
		FROM flow WHERE id = $2 AND (tenant_id = $1) IS TRUE `+strength, tenant, ids)
}

// inOrder sorts ids: rows are locked in this order, so that those who lock several
// wait for one another and not in a circle.
func inOrder(ids []uuid.UUID) []uuid.UUID {
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return ids
}

// checkFound is NotFound if one of the Flows is not among those locked.
func checkFound(locked []lockedFlow, ids []uuid.UUID) error {
	found := make(map[uuid.UUID]bool, len(locked))
	for _, f := range locked {
		found[f.ID] = true
	}
	for _, id := range ids {
		if !found[id] {
			return fault.Newf(fault.NotFound, "there is no flow %s", id)
		}
	}
	return nil
}

// checkOpen refuses Flows that are not there or take no more segments.
func checkOpen(locked []lockedFlow, ids []uuid.UUID) error {
	if err := checkFound(locked, ids); err != nil {
		return err
	}
	for i := range locked {
		if err := locked[i].open(); err != nil {
			return err
		}
	}
	return nil
}

// insertSegments queues new segments. It is the only writer of segments: the caller
// holds the rows of the Flows, for update, and of the objects. It returns what is
// added to each Flow, or SegmentOverlap, naming two ranges that overlap; overlaps
// with what is stored come to light when the unit is sent.
func (u *unit) insertSegments(tenant Tenant, segments []Segment) (map[uuid.UUID]mediatime.Range, error) {
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
	c := columnsOf(sorted)
	u.probeNeighbours(c)
	u.Exec(`
		INSERT INTO segment (flow_id, start_ns, end_ns, tenant_id, object_id, ts_offset_ns, last_duration, key_frames, sample_offset, sample_count)
		SELECT n.flow_id, n.start_ns, n.end_ns, $1, n.object_id, n.ts_offset_ns, n.last_duration, n.key_frames, n.sample_offset, n.sample_count
		FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::text[], $6::bigint[], $7::bigint[], $8::int[], $9::bigint[], $10::bigint[])
			AS n (flow_id, start_ns, end_ns, object_id, ts_offset_ns, last_duration, key_frames, sample_offset, sample_count)`,
		tenant, c.flows, c.starts, c.ends, c.objects, c.offsets, c.lastDurations, c.keyFrames, c.sampleOffsets, c.sampleCounts)
	return added, nil
}

// segmentColumns are segments column by column.
type segmentColumns struct {
	flows                                      []uuid.UUID
	starts, ends, offsets                      []int64
	objects                                    []string
	lastDurations, sampleOffsets, sampleCounts []*int64
	keyFrames                                  []*int32
}

func columnsOf(segments []Segment) *segmentColumns {
	c := &segmentColumns{}
	for i := range segments {
		s := &segments[i]
		c.flows, c.objects = append(c.flows, s.FlowID), append(c.objects, s.ObjectID)
		c.starts, c.ends = append(c.starts, int64(s.Range.Start)), append(c.ends, int64(s.Range.End))
		c.offsets, c.lastDurations = append(c.offsets, int64(s.Offset)), append(c.lastDurations, (*int64)(s.LastDuration))
		c.keyFrames, c.sampleOffsets = append(c.keyFrames, s.KeyFrames), append(c.sampleOffsets, s.SampleOffset)
		c.sampleCounts = append(c.sampleCounts, s.SampleCount)
	}
	return c
}

func overlap(flow uuid.UUID, wanted, stored mediatime.Range) error {
	return fault.Newf(fault.SegmentOverlap, "a segment at %s of flow %s would overlap the one at %s", wanted, flow, stored)
}

// probeNeighbours looks, for each new segment, at the last stored one that starts
// before its end. As stored ones do not overlap, no other can reach into it.
func (u *unit) probeNeighbours(c *segmentColumns) {
	u.QueryRow(func(row pgx.Row) error {
		var (
			flow           uuid.UUID
			wanted, stored mediatime.Range
		)
		err := row.Scan(&flow, &wanted.Start, &wanted.End, &stored.Start, &stored.End)
		if isNone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return overlap(flow, wanted, stored)
	}, `
		SELECT n.flow_id, n.start_ns, n.end_ns, stored.start_ns, stored.end_ns
		FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS n (flow_id, start_ns, end_ns)
		CROSS JOIN LATERAL (
			SELECT s.start_ns, s.end_ns FROM segment s
			WHERE s.flow_id = n.flow_id AND s.start_ns < n.end_ns ORDER BY s.start_ns DESC LIMIT 1
		) stored
		WHERE stored.end_ns > n.start_ns LIMIT 1`, c.flows, c.starts, c.ends)
}

// addSegments queues new segments of locked Flows, brings what stands of these up to
// date, and tells of it. Revisions has a new one for each Flow.
func (s *Store) addSegments(ctx context.Context, u *unit, tenant Tenant, flows []*Flow, revisions []int64, news []NewSegment) error {
	segments := make([]Segment, len(news))
	totals := map[uuid.UUID]Totals{}
	for i := range news {
		segments[i] = news[i].Segment
		t := totals[news[i].FlowID]
		t.add(Totals{Segments: 1, Bytes: news[i].Object.Size, Grains: int64(news[i].Object.Grains)})
		totals[news[i].FlowID] = t
	}
	added, err := u.insertSegments(tenant, segments)
	if err != nil {
		return err
	}
	for i, f := range flows {
		t, within := totals[f.ID], added[f.ID]
		u.Exec(`
			UPDATE flow SET segments = segments + $2, bytes = bytes + $3, grains = grains + $4,
				revision = $5, segments_updated_at = clock_timestamp()
			WHERE id = $1`, f.ID, t.Segments, t.Bytes, t.Grains, revisions[i])
		f.Revision, f.Timerange = revisions[i], f.Timerange.Union(within)
		if err := s.publishFlow(ctx, u, subjects.SegmentsAdded, f, &within); err != nil {
			return err
		}
	}
	return nil
}
