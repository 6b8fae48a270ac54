package ingest

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// Fail takes the report of a failed attempt. What another attempt may cure waits
// and is tried again, with growing delays; anything else ends the job.
func (o *Jobs) Fail(ctx context.Context, id uuid.UUID, epoch int32, failure *mediav1.Failure) (retried bool, err error) {
	err = o.report(ctx, id, epoch, "", func(tx pgx.Tx, j *Job, w *work) error {
		retried = w.layer == subjects.Close || (failure.GetRetryable() && w.attempts < o.config.MaxAttempts)
		if !retried {
			return o.bury(ctx, tx, j, w, failure)
		}
		_, err := tx.Exec(ctx, `UPDATE work SET state = 'waiting', failure = $2 WHERE id = $1`, w.id, encode(failure))
		if err != nil {
			return fmt.Errorf("put work %s back: %w", w.id, err)
		}
		return outbox.Delay(ctx, tx, w.id, time.Now().Add(o.retryDelay(w.attempts)))
	})
	return retried, err
}

// maxRetryDelay bounds the growing delays.
const maxRetryDelay = 5 * time.Minute

func (o *Jobs) retryDelay(attempts int32) time.Duration {
	return min(o.config.RetryBase<<min(attempts-1, 20), maxRetryDelay)
}

// bury gives a piece of work up, and its job with it.
func (o *Jobs) bury(ctx context.Context, tx pgx.Tx, j *Job, w *work, failure *mediav1.Failure) error {
	_, err := tx.Exec(ctx, `UPDATE work SET state = 'dead', failure = $2, finished_at = now() WHERE id = $1`, w.id, encode(failure))
	if err != nil {
		return fmt.Errorf("bury work %s: %w", w.id, err)
	}
	w.state = Dead
	j.Failure = failure
	return o.end(ctx, tx, j, Failed)
}

// end stops a job that is not to complete: its other work is cancelled, what it
// wrote is taken back, and only then is the outcome told.
func (o *Jobs) end(ctx context.Context, tx pgx.Tx, j *Job, outcome State) error {
	_, err := tx.Exec(ctx, `UPDATE work SET state = 'cancelled', finished_at = now() WHERE job_id = $1 AND state IN ('waiting', 'running')`, j.ID)
	if err != nil {
		return fmt.Errorf("cancel work of job %s: %w", j.ID, err)
	}
	if err := outbox.DropGroup(ctx, tx, j.ID); err != nil {
		return err
	}
	j.Outcome = &outcome
	if j.State == Analysing {
		j.State = outcome
		return o.save(ctx, tx, j)
	}
	j.State = Discarding
	if err := o.save(ctx, tx, j); err != nil {
		return err
	}
	_, err = o.addWork(ctx, tx, j, subjects.Close, newWork{})
	return err
}

// Cancel stops a job. A job that is being discarded or was cancelled stays as it
// is; one that completes or has ended otherwise cannot be cancelled.
func (o *Jobs) Cancel(ctx context.Context, tenant string, id uuid.UUID) (*Job, error) {
	var j *Job
	err := o.inTx(ctx, func(tx pgx.Tx) (err error) {
		if j, err = lockOf(ctx, tx, tenant, id); err != nil {
			return err
		}
		switch j.State {
		case Cancelled, Discarding:
			return nil
		case Closing, Completed, Failed:
			return fault.Newf(fault.WrongState, "job %s is %s and cannot be cancelled", id, j.State)
		default:
			return o.end(ctx, tx, j, Cancelled)
		}
	})
	return j, err
}

// Retry starts a failed or cancelled job anew, as the next run with Flows of its
// own.
func (o *Jobs) Retry(ctx context.Context, tenant string, id uuid.UUID) (*Job, error) {
	var j *Job
	err := o.inTx(ctx, func(tx pgx.Tx) (err error) {
		if j, err = lockOf(ctx, tx, tenant, id); err != nil {
			return err
		}
		if j.State != Failed && j.State != Cancelled {
			return fault.Newf(fault.WrongState, "job %s is %s; only failed and cancelled jobs can be retried", id, j.State)
		}
		if j.Kind, err = o.kind(j.Spec.GetMimeType()); err != nil {
			return err
		}
		j.State, j.Run, j.Outcome, j.Failure, j.Analysis, j.Flows = Analysing, j.Run+1, nil, nil, nil, nil
		j.FlowIDs, j.FlowID, j.PlanComplete = []uuid.UUID{}, nil, false
		j.ChunksTotal, j.ChunksRemaining, j.BytesTotal, j.BytesDone = 0, 0, 0, 0
		if err := o.save(ctx, tx, j); err != nil {
			return err
		}
		_, err = o.addWork(ctx, tx, j, subjects.Analyse, newWork{})
		return err
	})
	return j, err
}
