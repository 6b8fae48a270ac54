package ingest

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// anyLayer stands for reports that all layers make.
const anyLayer subjects.Layer = ""

// Report says which attempt at which piece of work tells something.
type Report struct {
	Work  uuid.UUID
	Epoch int32
	// Job is that of the work. It may be left out, by workers of an earlier version.
	Job uuid.UUID
}

// report runs fn for a piece of work that is running under the given epoch. A
// report that has been taken before is no error, and changes nothing; one of an
// older epoch is a fault StaleEpoch.
func (o *Jobs) report(ctx context.Context, r Report, layer subjects.Layer, fn func(c *change, j *Job, w *work) error) error {
	checked := func(c *change) error {
		j, w, err := c.lockWork(r.Work)
		if err != nil {
			return err
		}
		if w == nil {
			return fault.Newf(fault.NotFound, "there is no work %s", r.Work)
		}
		switch {
		case layer != anyLayer && w.layer != layer:
			return fault.Newf(fault.InvalidArgument, "work %s is of layer %s, not %s", r.Work, w.layer, layer)
		case r.Job != uuid.Nil && r.Job != j.ID:
			return fault.Newf(fault.InvalidArgument, "work %s is of job %s, not %s", r.Work, j.ID, r.Job)
		case w.state == Done && w.epoch == r.Epoch:
			return nil
		case w.state != Running || w.epoch != r.Epoch || w.run != j.Run:
			return fault.Newf(fault.StaleEpoch, "epoch %d of work %s is over: it is %s, epoch %d", r.Epoch, r.Work, w.state, w.epoch)
		}
		return fn(c, j, w)
	}
	if r.Job == uuid.Nil {
		return o.changeAlone(ctx, checked)
	}
	return o.change(ctx, r.Job, checked)
}

// finish queues that work is done, and takes it off the outbox.
func (c *change) finish(w *work) {
	c.Exec(`UPDATE work SET state = 'done', finished_at = $2 WHERE id = $1`, w.id, now())
	c.outbox.Settle(w.id)
}

// ReportAnalysis keeps what the analyser found and hands the job to the chunker.
func (o *Jobs) ReportAnalysis(ctx context.Context, r Report, analysis *mediav1.Analysis) error {
	return o.report(ctx, r, subjects.Analyse, func(c *change, j *Job, w *work) error {
		c.finish(w)
		j.State, j.Analysis, j.Kind, j.BytesTotal = Chunking, analysis, analysis.GetFormat(), analysis.GetSize()
		c.save(j)
		c.addWork(j, subjects.Chunk)
		return nil
	})
}

// ReportChunks adds chunks to the plan, which is written once: a chunk that is
// known already stays as it is. The last report opens the job for reading.
func (o *Jobs) ReportChunks(ctx context.Context, r Report, plan *jobv1.ReportChunksRequest) error {
	return o.report(ctx, r, subjects.Chunk, func(c *change, j *Job, w *work) error {
		if err := keepFlows(j, plan.GetFlows()); err != nil {
			return err
		}
		var added []int32
		c.queueChunks(&added, j, plan.GetChunks())
		if plan.GetLast() {
			c.queueBytes(j)
		}
		if err := c.Send(); err != nil {
			return fmt.Errorf("add %d chunks to job %s: %w", len(plan.GetChunks()), j.ID, err)
		}
		c.handOut(j, subjects.Read, added...)
		j.ChunksTotal += int32(len(added))
		j.ChunksRemaining += int32(len(added))
		if !plan.GetLast() {
			c.save(j)
			return nil
		}
		c.finish(w)
		j.PlanComplete, j.State = true, Reading
		if j.ChunksRemaining == 0 {
			c.beginClosing(j)
			return nil
		}
		c.save(j)
		return nil
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

// queueBytes queues the sum of what is to be read, which is what a job has in all
// once its plan is complete: a file holds more than its media.
func (c *change) queueBytes(j *Job) {
	c.QueryRow(func(row pgx.Row) error { return row.Scan(&j.BytesTotal) },
		`SELECT COALESCE(sum(bytes), 0)::bigint FROM work WHERE job_id = $1 AND run = $2 AND layer = 'read'`, j.ID, j.Run)
}

// queueChunks queues the work of chunks. The numbers of those that are new go to added.
func (c *change) queueChunks(added *[]int32, j *Job, chunks []*mediav1.Chunk) {
	n := len(chunks)
	ids, numbers, documents, bytes, ranges := make([]uuid.UUID, n), make([]int32, n), make([][]byte, n), make([]int64, n), make([]string, n)
	for i, chunk := range chunks {
		numbers[i] = chunk.GetNumber()
		ids[i], documents[i], bytes[i] = j.workID(subjects.Read, numbers[i]), encode(chunk), chunk.GetByteEnd()-chunk.GetByteStart()
		if len(chunk.GetTracks()) > 0 {
			ranges[i] = chunk.GetTracks()[0].GetTimerange()
		}
	}
	c.Query(func(rows pgx.Rows) (err error) {
		*added, err = pgx.CollectRows(rows, pgx.RowTo[int32])
		return err
	}, `
		INSERT INTO work (id, job_id, tenant_id, run, layer, number, document, bytes, timerange, created_at)
		SELECT u.id, $1, $2, $3, 'read', u.number, u.document, u.bytes, u.timerange, $9
		FROM unnest($4::uuid[], $5::int[], $6::bytea[], $7::bigint[], $8::text[]) AS u (id, number, document, bytes, timerange)
		ON CONFLICT DO NOTHING RETURNING number`, j.ID, j.Tenant, j.Run, ids, numbers, documents, bytes, ranges, now())
}

// CompleteChunk counts a chunk down, and returns its number and the job as it is
// then (nil for a repeated report). The one that finds none left closes the job.
func (o *Jobs) CompleteChunk(ctx context.Context, r Report) (after *Job, number int32, err error) {
	err = o.report(ctx, r, subjects.Read, func(c *change, j *Job, w *work) error {
		c.finish(w)
		j.ChunksRemaining--
		j.BytesDone += w.bytes
		after, number = j, w.number
		if j.ChunksRemaining == 0 && j.PlanComplete {
			c.beginClosing(j)
			return nil
		}
		// Not an event: progress goes to those who watch, and the row has the rest.
		c.Exec(`UPDATE job SET chunks_remaining = $2, bytes_done = $3, updated_at = $4 WHERE id = $1`,
			j.ID, j.ChunksRemaining, j.BytesDone, j.touch())
		return nil
	})
	return after, number, err
}

// beginClosing asks media-store, by way of work, to close the run's Flows.
func (c *change) beginClosing(j *Job) {
	j.State = Closing
	c.save(j)
	c.addWork(j, subjects.Close)
}

// CompleteClose ends a job whose Flows media-store has closed or discarded.
func (o *Jobs) CompleteClose(ctx context.Context, r Report) error {
	return o.report(ctx, r, subjects.Close, func(c *change, j *Job, w *work) error {
		c.finish(w)
		if j.State == Discarding {
			j.State = *j.Outcome
		} else {
			j.State = Completed
		}
		c.save(j)
		return nil
	})
}
