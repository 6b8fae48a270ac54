package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// Flow is a stored Flow: what it says of itself, and what the store knows of it.
type Flow struct {
	media.Flow

	Tenant Tenant
	Run    Run // of the job that fills it; zero for Flows of TAMS clients
	Totals Totals
	// Revision grows with every published change.
	Revision int64
	// Mappings are the TAMS container mappings of its members, in their order; nil
	// where a member has none.
	Mappings []json.RawMessage
	// Document is what a TAMS client said of the Flow that has no field here.
	Document json.RawMessage

	CreatedBy, UpdatedBy string
	SegmentsUpdated      time.Time // zero if it never had any
	Deleted              bool
}

// Totals are sums over a Flow's segments.
type Totals struct{ Segments, Bytes, Grains int64 }

// Run is one attempt of a job to fill Flows.
type Run struct {
	Job    string
	Number int32
}

// IsZero says that there is no job.
func (r Run) IsZero() bool { return r.Job == "" }

// member is how flowColumns gathers a multi Flow's members.
type member struct {
	ID      uuid.UUID       `json:"id"`
	Role    string          `json:"role"`
	Mapping json.RawMessage `json:"mapping"`
}

// flowColumns selects a Flow. Its members and collectors are asked for one by one,
// not joined, so that each is one probe of an index whatever the planner knows. What a multi Flow covers is what its members cover.
// Members that were deleted are left out.
const flowColumns = `
	f.id, f.tenant_id, f.source_id, f.format, f.codec, f.container, f.label, f.description, f.tags, f.status,
	f.read_only, f.avg_bit_rate, f.max_bit_rate, f.essence, f.document, f.job_id, f.run,
	f.segments, f.bytes, f.grains, f.revision, f.created_by, f.updated_by,
	f.created_at, f.metadata_updated_at, f.segments_updated_at, f.deleted_at IS NOT NULL,
	(SELECT jsonb_agg(jsonb_build_object('id', m.member_id, 'role', m.role, 'mapping', m.mapping) ORDER BY m.position)
		FROM flow_member m WHERE m.flow_id = f.id AND (SELECT part.deleted_at FROM flow part WHERE part.id = m.member_id) IS NULL),
	(SELECT array_agg(m.flow_id ORDER BY m.flow_id)
		FROM flow_member m WHERE m.member_id = f.id AND (SELECT multi.deleted_at FROM flow multi WHERE multi.id = m.flow_id) IS NULL),
	span.start_ns, span.end_ns
	FROM flow f ` + flowSpan

// flowSpan joins the first start and the last end of Flow f, each found by one probe
// of the primary key a Flow.
const flowSpan = `
	CROSS JOIN LATERAL (
		SELECT min(head.start_ns) AS start_ns, max(tail.end_ns) AS end_ns
		FROM (SELECT f.id UNION ALL SELECT m.member_id FROM flow_member m WHERE m.flow_id = f.id) AS part (id)
		CROSS JOIN LATERAL (SELECT start_ns FROM segment WHERE flow_id = part.id ORDER BY start_ns LIMIT 1) head
		CROSS JOIN LATERAL (SELECT end_ns FROM segment WHERE flow_id = part.id ORDER BY start_ns DESC LIMIT 1) tail
	) span `

// selectFlow reads a Flow of a tenant ($1) by its id ($2), selectFlows several. Of the
// tenant IS TRUE, here and elsewhere, so that no plan takes the tenant's list for the
// way to one row: while tables are small that costs the same, a connection keeps its
// plans, and a job took 7 ms more of the database with a thousand jobs in the list.
const (
	selectFlow  = `SELECT ` + flowColumns + ` WHERE f.id = $2 AND (f.tenant_id = $1) IS TRUE`
	selectFlows = `SELECT ` + flowColumns + ` WHERE f.id = ANY($2) AND (f.tenant_id = $1) IS TRUE ORDER BY f.id`
)

func scanFlow(row pgx.CollectableRow) (*Flow, error) {
	f := &Flow{}
	var (
		average, highest, start, end *int64
		essence                      []byte
		job                          *string
		run                          *int32
		segmentsUpdated              *time.Time
		members                      []member
	)
	err := row.Scan(&f.ID, &f.Tenant, &f.SourceID, &f.Format, &f.Codec, &f.Container, &f.Label, &f.Description, &f.Tags, &f.Status,
		&f.ReadOnly, &average, &highest, &essence, &f.Document, &job, &run,
		&f.Totals.Segments, &f.Totals.Bytes, &f.Totals.Grains, &f.Revision, &f.CreatedBy, &f.UpdatedBy,
		&f.Created, &f.Updated, &segmentsUpdated, &f.Deleted,
		&members, &f.CollectedBy, &start, &end)
	if err != nil {
		return nil, err
	}
	f.AvgBitRate, f.MaxBitRate = deref(average), deref(highest)
	f.Run = Run{deref(job), deref(run)}
	f.JobID = f.Run.Job
	f.SegmentsUpdated = deref(segmentsUpdated)
	for _, m := range members {
		f.Collection = append(f.Collection, media.Member{FlowID: m.ID, Role: m.Role})
		f.Mappings = append(f.Mappings, m.Mapping)
	}
	if start != nil && end != nil {
		f.Timerange = mediatime.NewRange(mediatime.Time(*start), mediatime.Time(*end))
	}
	err = f.setEssence(essence)
	return f, err
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// nilIfZero is how a value that may be absent is written.
func nilIfZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// essence returns what has no column of its own, as protobuf's JSON.
func essence(f *media.Flow) ([]byte, error) {
	all := f.Proto()
	b, err := protojson.Marshal(&mediav1.Flow{
		GrainRate: all.GetGrainRate(), Video: all.GetVideo(), Audio: all.GetAudio(),
		CodecConfigs: all.GetCodecConfigs(), Timescale: all.GetTimescale(), StartTimecode: all.GetStartTimecode(),
	})
	if err != nil {
		return nil, fmt.Errorf("encode essence of flow %s: %w", f.ID, err)
	}
	return b, nil
}

func (f *Flow) setEssence(b []byte) error {
	in := &mediav1.Flow{}
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, in); err != nil {
		return fmt.Errorf("decode essence of flow %s: %w", f.ID, err)
	}
	parsed, err := media.FlowFromProto(in)
	if err != nil {
		return fmt.Errorf("decode essence of flow %s: %w", f.ID, err)
	}
	f.GrainRate, f.Video, f.Audio = parsed.GrainRate, parsed.Video, parsed.Audio
	f.Configs, f.Timescale, f.StartTimecode = parsed.Configs, parsed.Timescale, parsed.StartTimecode
	return nil
}

// Flow returns one Flow. It is NotFound if the tenant never had it, Gone if it was
// deleted.
func (s *Store) Flow(ctx context.Context, tenant Tenant, id uuid.UUID) (*Flow, error) {
	return oneFlow(ctx, s.db, tenant, id)
}

func oneFlow(ctx context.Context, q querier, tenant Tenant, id uuid.UUID) (*Flow, error) {
	flows, err := flowsByID(ctx, q, tenant, []uuid.UUID{id})
	switch {
	case err != nil:
		return nil, err
	case len(flows) == 0:
		return nil, fault.Newf(fault.NotFound, "there is no flow %s", id)
	case flows[0].Deleted:
		return nil, fault.Newf(fault.Gone, "flow %s was deleted", id)
	}
	return flows[0], nil
}

// Flows returns those of the given Flows that there are, deleted ones left out, in
// the order of ids.
func (s *Store) Flows(ctx context.Context, tenant Tenant, ids []uuid.UUID) ([]*Flow, error) {
	all, err := flowsByID(ctx, s.db, tenant, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]*Flow, len(all))
	for _, f := range all {
		if !f.Deleted {
			byID[f.ID] = f
		}
	}
	flows := make([]*Flow, 0, len(all))
	for _, id := range ids {
		if f := byID[id]; f != nil {
			flows = append(flows, f)
		}
	}
	return flows, nil
}

func flowsByID(ctx context.Context, q querier, tenant Tenant, ids []uuid.UUID) ([]*Flow, error) {
	flows, err := collect(ctx, q, scanFlow, selectFlows, tenant, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d flows: %w", len(ids), err)
	}
	return flows, nil
}
