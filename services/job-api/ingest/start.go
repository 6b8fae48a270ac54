package ingest

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// WorkState is where a piece of work stands.
type WorkState string

// States of work. See doc.go.
const (
	Waiting       WorkState = "waiting"
	Running       WorkState = "running"
	Done          WorkState = "done"
	Dead          WorkState = "dead"
	WorkCancelled WorkState = "cancelled"
)

// work is what changes look at of a row of table work.
type work struct {
	id       uuid.UUID
	run      int32
	layer    subjects.Layer
	number   int32
	state    WorkState
	epoch    int32
	attempts int32
	bytes    int64
}

// Start counts an attempt at a piece of work and hands out its document under a
// new epoch, which makes every report of earlier attempts stale. If the work is not
// wanted any more it says so instead.
func (o *Jobs) Start(ctx context.Context, id uuid.UUID, worker string) (*jobv1.StartWorkResponse, error) {
	for {
		response, err := o.startWanted(ctx, id, worker)
		if err != nil || response != nil {
			return response, err
		}
		if response, err = o.refuseStart(ctx, id); err != nil || response != nil {
			return response, err
		}
	}
}

// startWanted starts work that may be started, in one statement that takes no lock on
// the job: the chunks of a job start side by side. It returns nil for work that may
// not. The commit need not reach the disk at once: if a crash of the database takes
// the epoch back, reports under it are stale, and the work is done again.
func (o *Jobs) startWanted(ctx context.Context, id uuid.UUID, worker string) (*jobv1.StartWorkResponse, error) {
	var response *jobv1.StartWorkResponse
	err := o.starter.Do(ctx, id.String(), func(u *pg.Unit) error {
		response = nil
		u.Note(func(rows pgx.Rows) error {
			for rows.Next() {
				var err error
				if response, err = scanStarted(rows); err != nil {
					return err
				}
			}
			return rows.Err()
		}, `
			UPDATE work w SET state = 'running', epoch = epoch + 1, attempts = attempts + 1, worker = $2, started_at = $4
			FROM job j
			WHERE w.id = $1 AND j.id = w.job_id AND w.run = j.run AND w.state IN ('waiting', 'running')
				AND (w.attempts < $3 OR w.layer = 'close')
			RETURNING w.layer, w.epoch, w.attempts, w.run, w.document, j.id, j.tenant_id, j.state, j.spec, j.sizes, j.analysis,
				CASE WHEN w.layer = 'read' THEN j.flows END`, id, worker, o.config.MaxAttempts, now())
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("start work %s: %w", id, err)
	}
	return response, nil
}

// refuseStart says why a piece of work cannot be started, takes it off the outbox,
// and buries what has been tried too often: attempts that ended without a report, as
// of a process that was killed, count here and nowhere else. It returns nil for work
// that may be started after all, as when its last attempt was released meanwhile.
func (o *Jobs) refuseStart(ctx context.Context, id uuid.UUID) (*jobv1.StartWorkResponse, error) {
	var response *jobv1.StartWorkResponse
	err := o.changeAlone(ctx, func(c *change) error {
		response = &jobv1.StartWorkResponse{Status: jobv1.StartStatus_START_STATUS_GONE}
		j, w, err := c.lockWork(id)
		if err != nil {
			return err
		}
		if w != nil && o.startable(j, w) {
			response = nil
			return nil
		}
		c.outbox.Settle(id)
		switch {
		case w == nil || w.state == Done || w.run != j.Run:
		case w.state == WorkCancelled:
			response.Status = jobv1.StartStatus_START_STATUS_CANCELLED
		case w.state == Dead:
			response.Status = jobv1.StartStatus_START_STATUS_DEAD
		default:
			response.Status = jobv1.StartStatus_START_STATUS_DEAD
			failure := fault.Newf(fault.Exhausted, "%s work %d ended %d times without a report", w.layer, w.number, w.attempts)
			c.bury(j, w, fault.Proto(failure))
		}
		return nil
	})
	return response, err
}

// startable says what the condition of startWanted says.
func (o *Jobs) startable(j *Job, w *work) bool {
	return w.run == j.Run && (w.state == Waiting || w.state == Running) && (w.attempts < o.config.MaxAttempts || w.layer == subjects.Close)
}

// scanStarted reads a row of work that was started, and gives its layer what it
// needs to know.
func scanStarted(rows pgx.Rows) (*jobv1.StartWorkResponse, error) {
	r := &jobv1.StartWorkResponse{Status: jobv1.StartStatus_START_STATUS_STARTED}
	var layer subjects.Layer
	var job uuid.UUID
	var state State
	var document, spec, sizes, analysis []byte
	var flows [][]byte
	err := rows.Scan(&layer, &r.Epoch, &r.Attempt, &r.Run, &document, &job, &r.Tenant, &state, &spec, &sizes, &analysis, &flows)
	if err != nil {
		return nil, fmt.Errorf("read started work: %w", err)
	}
	r.JobId = job.String()
	d := decoder{}
	ingestSpec := d.spec(spec)
	switch layer {
	case subjects.Analyse:
		r.Document = &jobv1.StartWorkResponse_Analyse{Analyse: &jobv1.AnalyseDocument{Spec: ingestSpec}}
	case subjects.Chunk:
		r.Document = &jobv1.StartWorkResponse_Chunk{Chunk: &jobv1.ChunkDocument{Spec: ingestSpec, Analysis: d.analysis(analysis), Sizes: d.sizes(sizes)}}
	case subjects.Read:
		a, chunk := d.analysis(analysis), &mediav1.Chunk{}
		d.into(document, chunk)
		r.Document = &jobv1.StartWorkResponse_Read{Read: &jobv1.ReadDocument{
			Url: ingestSpec.GetUrl(), Format: a.GetFormat(), Size: a.GetSize(), Etag: a.GetEtag(), Chunk: chunk, Flows: flowsOf(chunk, d.flows(flows)),
		}}
	case subjects.Close:
		failed := state == Discarding
		r.Document = &jobv1.StartWorkResponse_Close{Close: &jobv1.CloseDocument{
			Discard: failed && ingestSpec.GetOnFailure() != jobv1.OnFailure_ON_FAILURE_KEEP, Failed: failed,
		}}
	}
	return r, d.err
}

// flowsOf returns the Flows that a chunk writes.
func flowsOf(chunk *mediav1.Chunk, all []*mediav1.Flow) []*mediav1.Flow {
	var flows []*mediav1.Flow
	for _, track := range chunk.GetTracks() {
		for _, flow := range all {
			if flow.GetId() == track.GetFlowId() {
				flows = append(flows, flow)
			}
		}
	}
	return flows
}
