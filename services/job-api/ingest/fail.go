package ingest

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// Fail takes the report of an attempt that did not succeed. One that was released,
// because its worker stops, does not count. What another attempt may cure waits and
// is tried again, with growing delays; anything else ends the job. To close a run is
// tried for ever: until it is closed, its outcome cannot be told.
func (o *Jobs) Fail(ctx context.Context, r Report, failed *jobv1.FailWorkRequest) (retried bool, err error) {
	r.Job = uuid.Nil // it may end any number of chunks, which is done alone
	err = o.report(ctx, r, anyLayer, func(c *change, j *Job, w *work) error {
		failure := failed.GetFailure()
		switch {
		case failed.GetReleased():
			retried = true
			c.Exec(`UPDATE work SET state = 'waiting', attempts = attempts - 1 WHERE id = $1`, w.id)
			c.outbox.Delay(w.id, time.Now())
		case w.layer == subjects.Close || (failure.GetRetryable() && w.attempts < o.config.MaxAttempts):
			retried = true
			c.Exec(`UPDATE work SET state = 'waiting', failure = $2 WHERE id = $1`, w.id, encode(failure))
			c.outbox.Delay(w.id, time.Now().Add(o.retryDelay(w.attempts)))
		default:
			c.bury(j, w, failure)
		}
		return nil
	})
	return retried, err
}

// maxRetryDelay bounds the growing delays.
const maxRetryDelay = 5 * time.Minute

func (o *Jobs) retryDelay(attempts int32) time.Duration {
	return min(o.config.RetryBase<<min(attempts-1, 20), maxRetryDelay)
}

// bury gives a piece of work up, and its job with it.
func (c *change) bury(j *Job, w *work, failure *mediav1.Failure) {
	c.Exec(`UPDATE work SET state = 'dead', failure = $2, finished_at = $3 WHERE id = $1`, w.id, encode(failure), now())
	j.Failure = failure
	c.end(j, Failed)
}

// end stops a job that is not to complete: its other work is cancelled, what it
// wrote is taken back, and only then is the outcome told.
func (c *change) end(j *Job, outcome State) {
	c.Exec(`UPDATE work SET state = 'cancelled', finished_at = $2 WHERE job_id = $1 AND state IN ('waiting', 'running')`, j.ID, now())
	c.outbox.DropGroup(j.ID)
	j.Outcome = &outcome
	if j.State == Analysing {
		j.State = outcome
		c.save(j)
		return
	}
	j.State = Discarding
	c.save(j)
	c.addWork(j, subjects.Close)
}

// Cancel stops a job. A job that is being discarded or was cancelled stays as it
// is; one that completes or has ended otherwise cannot be cancelled.
func (o *Jobs) Cancel(ctx context.Context, tenant string, id uuid.UUID) (*Job, error) {
	var j *Job
	err := o.changeAlone(ctx, func(c *change) (err error) { // of any number of chunks
		if j, err = c.lockJob(tenant, id); err != nil {
			return err
		}
		switch j.State {
		case Cancelled, Discarding:
		case Closing, Completed, Failed:
			return fault.Newf(fault.WrongState, "job %s is %s and cannot be cancelled", id, j.State)
		case Analysing, Chunking, Reading:
			c.end(j, Cancelled)
		}
		return nil
	})
	return j, err
}

// Retry starts a failed or cancelled job anew, as the next run with Flows of its
// own.
func (o *Jobs) Retry(ctx context.Context, tenant string, id uuid.UUID) (*Job, error) {
	var j *Job
	err := o.change(ctx, id, func(c *change) (err error) {
		if j, err = c.lockJob(tenant, id); err != nil {
			return err
		}
		if err := mayRetry(j); err != nil {
			return err
		}
		if j.Kind, err = o.kind(j.Spec.GetMimeType()); err != nil {
			return err
		}
		j.State, j.Run, j.Outcome, j.Failure, j.Analysis, j.Flows = Analysing, j.Run+1, nil, nil, nil, nil
		j.FlowIDs, j.FlowID, j.PlanComplete = []uuid.UUID{}, nil, false
		j.ChunksTotal, j.ChunksRemaining, j.BytesTotal, j.BytesDone = 0, 0, 0, 0
		c.save(j)
		c.addWork(j, subjects.Analyse)
		return nil
	})
	return j, err
}

func mayRetry(j *Job) error {
	if j.State != Failed && j.State != Cancelled {
		return fault.Newf(fault.WrongState, "job %s is %s; only failed and cancelled jobs can be retried", j.ID, j.State)
	}
	if j.Spec.GetOnFailure() == jobv1.OnFailure_ON_FAILURE_KEEP && len(j.Spec.GetFlowIds()) > 0 && len(j.FlowIDs) > 0 {
		return fault.Newf(fault.WrongState, "job %s names its Flows and kept what it wrote to them; delete them first, or submit a new job", j.ID)
	}
	return nil
}
