package ingest

import (
	"fmt"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// State is where a job stands.
type State string

// States. See doc.go.
const (
	Analysing  State = "analysing"
	Chunking   State = "chunking"
	Reading    State = "reading"
	Closing    State = "closing"
	Completed  State = "completed"
	Discarding State = "discarding"
	Failed     State = "failed"
	Cancelled  State = "cancelled"
)

// Ended says that nothing more happens to the job by itself.
func (s State) Ended() bool { return s == Completed || s == Failed || s == Cancelled }

var stateToProto = map[State]jobv1.JobState{
	Analysing: jobv1.JobState_JOB_STATE_ANALYSING, Chunking: jobv1.JobState_JOB_STATE_CHUNKING,
	Reading: jobv1.JobState_JOB_STATE_READING, Closing: jobv1.JobState_JOB_STATE_CLOSING,
	Completed: jobv1.JobState_JOB_STATE_COMPLETED, Discarding: jobv1.JobState_JOB_STATE_DISCARDING,
	Failed: jobv1.JobState_JOB_STATE_FAILED, Cancelled: jobv1.JobState_JOB_STATE_CANCELLED,
}

// StateFromProto returns the State that an API names; "" for none.
func StateFromProto(in jobv1.JobState) State {
	for state, value := range stateToProto {
		if value == in {
			return state
		}
	}
	return ""
}

// Job is one row of table job.
type Job struct {
	ID              uuid.UUID
	Tenant          string
	State           State
	Run             int32
	Revision        int64
	Priority        int32
	Region          string
	Kind            string
	Spec            *jobv1.IngestSpec
	Sizes           *jobv1.Sizes
	Analysis        *mediav1.Analysis
	Flows           []*mediav1.Flow
	FlowIDs         []uuid.UUID
	FlowID          *uuid.UUID
	PlanComplete    bool
	ChunksTotal     int32
	ChunksRemaining int32
	BytesTotal      int64
	BytesDone       int64
	Outcome         *State
	Failure         *mediav1.Failure
	TraceParent     string
	Created         time.Time
	Updated         time.Time
	Finished        *time.Time
}

// jobColumns are those that scanJob reads, in its order.
const jobColumns = `id, tenant_id, state, run, revision, priority, region, kind, spec, sizes, analysis, flows, flow_ids, flow_id,
	plan_complete, chunks_total, chunks_remaining, bytes_total, bytes_done, outcome, failure, trace_parent,
	created_at, updated_at, finished_at`

// scanJob reads a row of jobColumns.
func scanJob(row pgx.CollectableRow) (*Job, error) {
	j := &Job{}
	var spec, sizes, analysis, failure []byte
	var flows [][]byte
	err := row.Scan(&j.ID, &j.Tenant, &j.State, &j.Run, &j.Revision, &j.Priority, &j.Region, &j.Kind, &spec, &sizes, &analysis, &flows,
		&j.FlowIDs, &j.FlowID, &j.PlanComplete, &j.ChunksTotal, &j.ChunksRemaining, &j.BytesTotal, &j.BytesDone, &j.Outcome,
		&failure, &j.TraceParent, &j.Created, &j.Updated, &j.Finished)
	if err != nil {
		return nil, fmt.Errorf("read a job: %w", err)
	}
	d := decoder{}
	j.Spec, j.Sizes, j.Analysis, j.Flows = d.spec(spec), d.sizes(sizes), d.analysis(analysis), d.flows(flows)
	if failure != nil {
		j.Failure = &mediav1.Failure{}
		d.into(failure, j.Failure)
	}
	if d.err != nil {
		return nil, fmt.Errorf("row of job %s: %w", j.ID, d.err)
	}
	return j, nil
}

// now returns the time as finely as the database keeps it, so that a job is the same
// whether it was just made or read. All times of a job are of this one clock: the
// database's would put what one transaction did in another order.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// touch sets the times of a change that is being made.
func (j *Job) touch() time.Time {
	j.Updated = now()
	j.Finished = nil
	if j.State.Ended() {
		j.Finished = &j.Updated
	}
	return j.Updated
}

// decoder reads the messages of a row and keeps the first error.
type decoder struct{ err error }

func (d *decoder) into(b []byte, m proto.Message) {
	if err := proto.Unmarshal(b, m); err != nil && d.err == nil {
		d.err = fmt.Errorf("%s: %w", proto.MessageName(m), err)
	}
}

func (d *decoder) spec(b []byte) *jobv1.IngestSpec {
	m := &jobv1.IngestSpec{}
	d.into(b, m)
	return m
}

func (d *decoder) sizes(b []byte) *jobv1.Sizes {
	m := &jobv1.Sizes{}
	d.into(b, m)
	return m
}

// analysis returns nil before there is one.
func (d *decoder) analysis(b []byte) *mediav1.Analysis {
	if b == nil {
		return nil
	}
	m := &mediav1.Analysis{}
	d.into(b, m)
	return m
}

func (d *decoder) flows(list [][]byte) []*mediav1.Flow {
	flows := make([]*mediav1.Flow, len(list))
	for i, b := range list {
		flows[i] = &mediav1.Flow{}
		d.into(b, flows[i])
	}
	return flows
}

// encode turns m into bytes. It fails only on invalid UTF-8, which decoding has
// refused before.
func encode(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		return nil
	}
	return b
}

// Public returns the job as APIs and events show it: without what formats hand to
// themselves, sample entries, and secrets in the URL.
func (j *Job) Public() *jobv1.Job {
	out := &jobv1.Job{
		Id: j.ID.String(), Tenant: j.Tenant, State: stateToProto[j.State], Spec: publicSpec(j.Spec), Run: j.Run, Revision: j.Revision,
		ChunksTotal: j.ChunksTotal, ChunksDone: j.ChunksTotal - j.ChunksRemaining, BytesTotal: j.BytesTotal, BytesDone: j.BytesDone,
		Failure: j.Failure, Analysis: publicAnalysis(j.Analysis), CreatedUnixNs: j.Created.UnixNano(), UpdatedUnixNs: j.Updated.UnixNano(),
		Region: j.Region, Priority: j.Priority,
	}
	if j.FlowID != nil {
		out.FlowId = j.FlowID.String()
	}
	for _, id := range j.FlowIDs {
		out.FlowIds = append(out.FlowIds, id.String())
	}
	if j.Finished != nil {
		out.FinishedUnixNs = j.Finished.UnixNano()
	}
	return out
}

// workID derives the id of a piece of work, so that the same plan makes the same
// work.
func (j *Job) workID(layer subjects.Layer, number int32) uuid.UUID {
	return uuid.NewSHA1(j.ID, fmt.Appendf(nil, "%d/%s/%d", j.Run, layer, number))
}

// nullable encodes m if present, else gives NULL.
func nullable(present bool, m proto.Message) []byte {
	if !present {
		return nil
	}
	return encode(m)
}

func publicSpec(spec *jobv1.IngestSpec) *jobv1.IngestSpec {
	u, err := url.Parse(spec.GetUrl())
	if err != nil || (u.User == nil && u.RawQuery == "" && u.Fragment == "") {
		return spec
	}
	shown := proto.CloneOf(spec)
	shown.Url = urlguard.Redact(u)
	return shown
}

func publicAnalysis(a *mediav1.Analysis) *mediav1.Analysis {
	if a == nil {
		return nil
	}
	shown := proto.CloneOf(a)
	shown.State = nil
	for _, track := range shown.GetTracks() {
		if track.GetFlow() != nil {
			track.Flow.CodecConfigs = nil
		}
	}
	return shown
}
