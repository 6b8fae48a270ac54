package ingest

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/subjects"
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
const jobColumns = `id, tenant_id, state, run, revision, priority, region, kind, spec, analysis, flows, flow_ids, flow_id,
	plan_complete, chunks_total, chunks_remaining, bytes_total, bytes_done, outcome, failure, trace_parent,
	created_at, updated_at, finished_at`

// scanJob reads a row of jobColumns.
func scanJob(row pgx.CollectableRow) (*Job, error) {
	j := &Job{Spec: &jobv1.IngestSpec{}}
	var spec, analysis, flows, failure []byte
	err := row.Scan(&j.ID, &j.Tenant, &j.State, &j.Run, &j.Revision, &j.Priority, &j.Region, &j.Kind, &spec, &analysis, &flows,
		&j.FlowIDs, &j.FlowID, &j.PlanComplete, &j.ChunksTotal, &j.ChunksRemaining, &j.BytesTotal, &j.BytesDone, &j.Outcome,
		&failure, &j.TraceParent, &j.Created, &j.Updated, &j.Finished)
	if err != nil {
		return nil, fmt.Errorf("read a job: %w", err)
	}
	held := &jobv1.ReportChunksRequest{}
	if err := proto.Unmarshal(flows, held); err != nil {
		return nil, fmt.Errorf("flows of job %s: %w", j.ID, err)
	}
	j.Flows = held.GetFlows()
	if err := proto.Unmarshal(spec, j.Spec); err != nil {
		return nil, fmt.Errorf("spec of job %s: %w", j.ID, err)
	}
	if j.Analysis, err = decode(analysis, &mediav1.Analysis{}); err != nil {
		return nil, fmt.Errorf("analysis of job %s: %w", j.ID, err)
	}
	if j.Failure, err = decode(failure, &mediav1.Failure{}); err != nil {
		return nil, fmt.Errorf("failure of job %s: %w", j.ID, err)
	}
	return j, nil
}

// decode fills m from b; no bytes give no message.
func decode[M proto.Message](b []byte, m M) (M, error) {
	var none M
	if b == nil {
		return none, nil
	}
	return m, proto.Unmarshal(b, m)
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

// Proto returns the job as APIs and events carry it.
func (j *Job) Proto() *jobv1.Job {
	out := &jobv1.Job{
		Id: j.ID.String(), Tenant: j.Tenant, State: stateToProto[j.State], Spec: j.Spec, Run: j.Run, Revision: j.Revision,
		ChunksTotal: j.ChunksTotal, ChunksDone: j.ChunksTotal - j.ChunksRemaining, BytesTotal: j.BytesTotal, BytesDone: j.BytesDone,
		Failure: j.Failure, Analysis: j.Analysis, CreatedUnixNs: j.Created.UnixNano(), UpdatedUnixNs: j.Updated.UnixNano(),
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
