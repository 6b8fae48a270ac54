package store

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// IndexedSegment is a stored segment with what is known of its object.
type IndexedSegment struct {
	Segment
	Key    string // of the object in the bucket; empty if its bytes are elsewhere
	Object ObjectFacts
	// Instances are where else its bytes are.
	Instances []Instance
}

// SegmentQuery says which segments of a Flow to read.
type SegmentQuery struct {
	Flow  uuid.UUID
	Range mediatime.Range // any overlap; Eternity for all
	// ObjectID keeps only segments of one object, if not empty.
	ObjectID string
	// After continues after the segment that starts then; nil from the beginning.
	After *mediatime.Time
	// Reverse reads from the end to the start.
	Reverse bool
	Limit   int
	// WithIndex reads the grain indexes too.
	WithIndex bool
}

// Segments returns segments of a Flow in order of time. A Flow that is not there
// has none.
func (s *Store) Segments(ctx context.Context, tenant Tenant, q SegmentQuery) ([]IndexedSegment, error) {
	if q.Range.IsEmpty() {
		return nil, nil
	}
	from, until := q.Range.Start, q.Range.End
	comparison, direction := ">", "ASC"
	if q.Reverse {
		comparison, direction = "<", "DESC"
	}
	// The one segment that starts before the range and reaches into it is found by a
	// probe; from there on the primary key is read in order.
	segments, err := collect(ctx, s.db, scanSegment, `
		SELECT s.start_ns, s.end_ns, s.object_id, s.ts_offset_ns, s.last_duration, s.key_frames, s.sample_offset, s.sample_count,
			coalesce(o.key, ''), o.start_ns, o.end_ns, o.size, o.sha256, o.etag, o.grains, o.key_frames, CASE WHEN $6 THEN o.grain_index END, `+instances+`
		FROM segment s JOIN object o ON o.tenant_id = s.tenant_id AND o.id = s.object_id
		WHERE s.flow_id = $1 AND s.tenant_id = $2 AND s.start_ns < $4 AND s.end_ns > $3
			AND s.start_ns >= coalesce((SELECT p.start_ns FROM segment p WHERE p.flow_id = $1 AND p.start_ns <= $3 ORDER BY p.start_ns DESC LIMIT 1), $3)
			AND ($5::bigint IS NULL OR s.start_ns `+comparison+` $5) AND ($7 = '' OR s.object_id = $7)
		ORDER BY s.start_ns `+direction+` LIMIT $8`,
		q.Flow, tenant, int64(from), int64(until), (*int64)(q.After), q.WithIndex, q.ObjectID, q.Limit)
	if err != nil {
		return nil, fmt.Errorf("read segments of flow %s: %w", q.Flow, err)
	}
	for i := range segments {
		segments[i].FlowID = q.Flow
	}
	return segments, nil
}

func scanSegment(row pgx.CollectableRow) (IndexedSegment, error) {
	var s IndexedSegment
	o := &s.Object
	err := row.Scan(&s.Range.Start, &s.Range.End, &s.ObjectID, &s.Offset, &s.LastDuration, &s.KeyFrames, &s.SampleOffset, &s.SampleCount,
		&s.Key, &o.Range.Start, &o.Range.End, &o.Size, &o.SHA256, &o.ETag, &o.Grains, &o.KeyFrames, &o.Index, &s.Instances)
	return s, err
}
