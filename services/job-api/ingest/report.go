package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// report runs fn for a piece of work that is running under the given epoch. A
// report that has been taken before is no error, and changes nothing; one of an
// older epoch is a fault StaleEpoch.
func (o *Jobs) report(ctx context.Context, id uuid.UUID, epoch int32, layer subjects.Layer, fn func(tx pgx.Tx, j *Job, w *work) error) error {
	return o.inTx(ctx, func(tx pgx.Tx) error {
		j, w, err := lockWork(ctx, tx, id)
		if errors.Is(err, pgx.ErrNoRows) {
			return fault.Newf(fault.NotFound, "there is no work %s", id)
		}
		if err != nil {
			return err
		}
		switch {
		case layer != "" && w.layer != layer:
			return fault.Newf(fault.InvalidArgument, "work %s is of layer %s, not %s", id, w.layer, layer)
		case w.state == Done && w.epoch == epoch:
			return nil
		case w.state != Running || w.epoch != epoch || w.run != j.Run:
			return fault.Newf(fault.StaleEpoch, "epoch %d of work %s is over: it is %s, epoch %d", epoch, id, w.state, w.epoch)
		}
		return fn(tx, j, w)
	})
}

// finish marks work as done and takes it off the outbox.
func finish(ctx context.Context, tx pgx.Tx, w *work) error {
	if _, err := tx.Exec(ctx, `UPDATE work SET state = 'done', finished_at = now() WHERE id = $1`, w.id); err != nil {
		return fmt.Errorf("finish work %s: %w", w.id, err)
	}
	return outbox.Settle(ctx, tx, w.id)
}

// ReportAnalysis keeps what the analyser found and hands the job to the chunker.
func (o *Jobs) ReportAnalysis(ctx context.Context, id uuid.UUID, epoch int32, analysis *mediav1.Analysis) error {
	return o.report(ctx, id, epoch, subjects.Analyse, func(tx pgx.Tx, j *Job, w *work) error {
		if err := finish(ctx, tx, w); err != nil {
			return err
		}
		j.State, j.Analysis, j.Kind, j.BytesTotal = Chunking, analysis, analysis.GetFormat(), analysis.GetSize()
		if err := o.save(ctx, tx, j); err != nil {
			return err
		}
		_, err := o.addWork(ctx, tx, j, subjects.Chunk, newWork{})
		return err
	})
}

// ReportChunks adds chunks to the plan, which is written once: a chunk that is
// known already stays as it is. The last report opens the job for reading.
func (o *Jobs) ReportChunks(ctx context.Context, id uuid.UUID, r *jobv1.ReportChunksRequest) error {
	return o.report(ctx, id, r.GetEpoch(), subjects.Chunk, func(tx pgx.Tx, j *Job, w *work) error {
		if err := keepFlows(j, r.GetFlows()); err != nil {
			return err
		}
		added, err := o.addWork(ctx, tx, j, subjects.Read, chunkWork(r.GetChunks())...)
		if err != nil {
			return err
		}
		j.ChunksTotal += int32(len(added))
		j.ChunksRemaining += int32(len(added))
		if !r.GetLast() {
			return o.save(ctx, tx, j)
		}
		if err := finish(ctx, tx, w); err != nil {
			return err
		}
		j.PlanComplete, j.State = true, Reading
		if j.ChunksRemaining == 0 {
			return o.beginClosing(ctx, tx, j)
		}
		return o.save(ctx, tx, j)
	})
}

// keepFlows takes the Flows of the run with the first report that has them.
func keepFlows(j *Job, flows []*mediav1.Flow) error {
	if len(flows) == 0 || len(j.Flows) > 0 {
		return nil
	}
	j.Flows = flows
	for _, flow := range flows {
		id, err := uuid.Parse(flow.GetId())
		if err != nil {
			return fault.Newf(fault.InvalidArgument, "flow id %q is not a UUID", flow.GetId())
		}
		j.FlowIDs = append(j.FlowIDs, id)
		j.FlowID = &id
	}
	return nil
}

func chunkWork(chunks []*mediav1.Chunk) []newWork {
	out := make([]newWork, len(chunks))
	for i, c := range chunks {
		out[i] = newWork{number: c.GetNumber(), document: encode(c), bytes: c.GetByteEnd() - c.GetByteStart()}
		if len(c.GetTracks()) > 0 {
			out[i].timerange = c.GetTracks()[0].GetTimerange()
		}
	}
	return out
}

// CompleteChunk counts a chunk down, and returns its number and the job as it is
// then (nil for a repeated report). The one that finds none left closes the job.
func (o *Jobs) CompleteChunk(ctx context.Context, id uuid.UUID, epoch int32) (after *Job, number int32, err error) {
	err = o.report(ctx, id, epoch, subjects.Read, func(tx pgx.Tx, j *Job, w *work) error {
		if err := finish(ctx, tx, w); err != nil {
			return err
		}
		j.ChunksRemaining--
		j.BytesDone += w.bytes
		after, number = j, w.number
		if j.ChunksRemaining == 0 && j.PlanComplete {
			return o.beginClosing(ctx, tx, j)
		}
		// Not an event: progress goes to those who watch, and the row has the rest.
		_, err := tx.Exec(ctx, `UPDATE job SET chunks_remaining = $2, bytes_done = $3, updated_at = now() WHERE id = $1`,
			j.ID, j.ChunksRemaining, j.BytesDone)
		if err != nil {
			return fmt.Errorf("count down job %s: %w", j.ID, err)
		}
		return nil
	})
	return after, number, err
}

// beginClosing asks media-store, by way of work, to close the run's Flows.
func (o *Jobs) beginClosing(ctx context.Context, tx pgx.Tx, j *Job) error {
	j.State = Closing
	if err := o.save(ctx, tx, j); err != nil {
		return err
	}
	_, err := o.addWork(ctx, tx, j, subjects.Close, newWork{})
	return err
}

// Closed ends a job whose Flows media-store has closed or discarded.
func (o *Jobs) Closed(ctx context.Context, id uuid.UUID, epoch int32) error {
	return o.report(ctx, id, epoch, subjects.Close, func(tx pgx.Tx, j *Job, w *work) error {
		if err := finish(ctx, tx, w); err != nil {
			return err
		}
		if j.State == Discarding {
			j.State = *j.Outcome
		} else {
			j.State = Completed
		}
		return o.save(ctx, tx, j)
	})
}
