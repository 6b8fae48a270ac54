package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/outbox"
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

// work is one row of table work.
type work struct {
	id       uuid.UUID
	jobID    uuid.UUID
	run      int32
	layer    subjects.Layer
	number   int32
	state    WorkState
	epoch    int32
	attempts int32
	document []byte
	bytes    int64
}

// lockWork locks first the job, then the piece of work: every transaction takes
// them in this order. It returns pgx.ErrNoRows for work that is not there.
func lockWork(ctx context.Context, tx pgx.Tx, id uuid.UUID) (*Job, *work, error) {
	var jobID uuid.UUID
	if err := tx.QueryRow(ctx, `SELECT job_id FROM work WHERE id = $1`, id).Scan(&jobID); err != nil {
		return nil, nil, fmt.Errorf("find work %s: %w", id, err)
	}
	j, err := lock(ctx, tx, jobID)
	if err != nil {
		return nil, nil, err
	}
	w, err := readWork(ctx, tx, id)
	return j, w, err
}

func readWork(ctx context.Context, tx pgx.Tx, id uuid.UUID) (*work, error) {
	w := &work{id: id}
	err := tx.QueryRow(ctx, `SELECT job_id, run, layer, number, state, epoch, attempts, document, bytes FROM work WHERE id = $1 FOR UPDATE`, id).
		Scan(&w.jobID, &w.run, &w.layer, &w.number, &w.state, &w.epoch, &w.attempts, &w.document, &w.bytes)
	if err != nil {
		return nil, fmt.Errorf("read work %s: %w", id, err)
	}
	return w, nil
}

// Start counts an attempt at a piece of work and hands out its document under a
// new epoch, which makes every report of earlier attempts stale. If the work is not
// wanted any more it says so instead.
func (o *Jobs) Start(ctx context.Context, id uuid.UUID, worker string) (*jobv1.StartWorkResponse, error) {
	var response *jobv1.StartWorkResponse
	err := o.db.InTx(ctx, func(tx pgx.Tx) error {
		j, w, err := lockWork(ctx, tx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			response = &jobv1.StartWorkResponse{Status: jobv1.StartStatus_START_STATUS_GONE}
			return outbox.Settle(ctx, tx, id)
		}
		if err != nil {
			return err
		}
		response, err = o.start(ctx, tx, j, w, worker)
		return err
	})
	if err == nil && response.GetStatus() != jobv1.StartStatus_START_STATUS_STARTED {
		o.signal.Raise()
	}
	return response, err
}

func (o *Jobs) start(ctx context.Context, tx pgx.Tx, j *Job, w *work, worker string) (*jobv1.StartWorkResponse, error) {
	switch w.state {
	case Done:
		return unwanted(ctx, tx, w, jobv1.StartStatus_START_STATUS_GONE)
	case WorkCancelled:
		return unwanted(ctx, tx, w, jobv1.StartStatus_START_STATUS_CANCELLED)
	case Dead:
		return unwanted(ctx, tx, w, jobv1.StartStatus_START_STATUS_DEAD)
	case Waiting, Running:
	}
	// Attempts that ended without a report, as of a process that was killed, count
	// here and nowhere else.
	if w.attempts >= o.config.MaxAttempts && w.layer != subjects.Close {
		failure := fault.Newf(fault.Exhausted, "%s work %d ended %d times without a report", w.layer, w.number, w.attempts)
		if err := o.bury(ctx, tx, j, w, fault.Proto(failure)); err != nil {
			return nil, err
		}
		return unwanted(ctx, tx, w, jobv1.StartStatus_START_STATUS_DEAD)
	}
	w.epoch++
	w.attempts++
	_, err := tx.Exec(ctx, `UPDATE work SET state = 'running', epoch = $2, attempts = $3, worker = $4, started_at = now() WHERE id = $1`,
		w.id, w.epoch, w.attempts, worker)
	if err != nil {
		return nil, fmt.Errorf("start work %s: %w", w.id, err)
	}
	response := &jobv1.StartWorkResponse{
		Status: jobv1.StartStatus_START_STATUS_STARTED, Epoch: w.epoch, Attempt: w.attempts,
		DeadlineUnixNs: time.Now().Add(o.config.Deadline).UnixNano(), Tenant: j.Tenant, JobId: j.ID.String(), Run: w.run,
	}
	return response, attachDocument(response, j, w)
}

func unwanted(ctx context.Context, tx pgx.Tx, w *work, status jobv1.StartStatus) (*jobv1.StartWorkResponse, error) {
	return &jobv1.StartWorkResponse{Status: status}, outbox.Settle(ctx, tx, w.id)
}

// attachDocument gives a layer what it needs to know.
func attachDocument(response *jobv1.StartWorkResponse, j *Job, w *work) error {
	switch w.layer {
	case subjects.Analyse:
		response.Document = &jobv1.StartWorkResponse_Analyse{Analyse: &jobv1.AnalyseDocument{Spec: j.Spec}}
	case subjects.Chunk:
		response.Document = &jobv1.StartWorkResponse_Chunk{Chunk: &jobv1.ChunkDocument{Spec: j.Spec, Analysis: j.Analysis}}
	case subjects.Read:
		chunk, err := decode(w.document, &mediav1.Chunk{})
		if err != nil {
			return fmt.Errorf("document of work %s: %w", w.id, err)
		}
		response.Document = &jobv1.StartWorkResponse_Read{Read: &jobv1.ReadDocument{
			Url: j.Spec.GetUrl(), Format: j.Analysis.GetFormat(), Size: j.Analysis.GetSize(), Etag: j.Analysis.GetEtag(),
			Chunk: chunk, Flows: flowsOf(j, chunk),
		}}
	case subjects.Close:
		response.Document = &jobv1.StartWorkResponse_Close{Close: &jobv1.CloseDocument{
			Discard: j.State == Discarding && j.Spec.GetOnFailure() != jobv1.OnFailure_ON_FAILURE_KEEP,
			Failed:  j.State == Discarding,
		}}
	}
	return nil
}

// flowsOf returns the Flows that a chunk writes.
func flowsOf(j *Job, chunk *mediav1.Chunk) []*mediav1.Flow {
	var flows []*mediav1.Flow
	for _, track := range chunk.GetTracks() {
		for _, flow := range j.Flows {
			if flow.GetId() == track.GetFlowId() {
				flows = append(flows, flow)
			}
		}
	}
	return flows
}
