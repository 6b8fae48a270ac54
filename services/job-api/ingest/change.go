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
	workv1 "github.com/grainmesh/grainmesh/rpc/work/v1"
)

// change is one transaction on jobs. What it writes is gathered in one batch, which
// goes to the database at once when all is decided: a report costs four round trips
// however much it changes.
type change struct {
	owner  *Jobs
	tx     pgx.Tx
	batch  *pgx.Batch
	outbox *outbox.Changes
}

// change runs fn in a transaction, writes what it queued, and hands the outbox on
// after the commit.
func (o *Jobs) change(ctx context.Context, fn func(c *change) error) error {
	var c *change
	err := o.db.InTx(ctx, func(tx pgx.Tx) error {
		batch := &pgx.Batch{}
		c = &change{owner: o, tx: tx, batch: batch, outbox: o.outbox.Begin(batch)}
		if err := fn(c); err != nil {
			return err
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return fmt.Errorf("write the change: %w", err)
		}
		return nil
	})
	if err == nil {
		c.outbox.Committed()
	}
	return err
}

// lockJob reads a job of a tenant FOR UPDATE, or says that there is none. Every
// change of a job holds this lock from its start, so changes stand in one order.
func (c *change) lockJob(ctx context.Context, tenant string, id uuid.UUID) (*Job, error) {
	j, err := one(ctx, c.tx, `SELECT `+jobColumns+` FROM job WHERE id = $1 AND tenant_id = $2 FOR UPDATE`, id, tenant)
	return j, notFound(err, id)
}

// lockWork locks first the job, then the piece of work: every transaction takes them
// in this order. It returns pgx.ErrNoRows for work that is not there.
func (c *change) lockWork(ctx context.Context, id uuid.UUID) (*Job, *work, error) {
	var j *Job
	w := &work{id: id}
	batch := &pgx.Batch{}
	batch.Queue(`SELECT `+jobColumns+` FROM job WHERE id = (SELECT job_id FROM work WHERE id = $1) FOR UPDATE`, id).Query(func(rows pgx.Rows) (err error) {
		j, err = pgx.CollectExactlyOneRow(rows, scanJob)
		return err
	})
	batch.Queue(`SELECT run, layer, number, state, epoch, attempts, bytes FROM work WHERE id = $1 FOR UPDATE`, id).QueryRow(func(row pgx.Row) error {
		return row.Scan(&w.run, &w.layer, &w.number, &w.state, &w.epoch, &w.attempts, &w.bytes)
	})
	if err := c.tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, nil, fmt.Errorf("lock work %s: %w", id, err)
	}
	return j, w, nil
}

// save queues what may change of a job, with a new revision, and the event of it.
func (c *change) save(j *Job) {
	j.Revision++
	flows := make([][]byte, len(j.Flows))
	for i, flow := range j.Flows {
		flows[i] = encode(flow)
	}
	c.batch.Queue(`
		UPDATE job SET state = $2, run = $3, revision = $4, kind = $5, analysis = $6, flows = $7, flow_ids = $8, flow_id = $9,
			plan_complete = $10, chunks_total = $11, chunks_remaining = $12, bytes_total = $13, bytes_done = $14, outcome = $15,
			failure = $16, updated_at = $17, finished_at = $18
		WHERE id = $1`,
		j.ID, j.State, j.Run, j.Revision, j.Kind, nullable(j.Analysis != nil, j.Analysis), flows, j.FlowIDs, j.FlowID,
		j.PlanComplete, j.ChunksTotal, j.ChunksRemaining, j.BytesTotal, j.BytesDone, j.Outcome,
		nullable(j.Failure != nil, j.Failure), j.touch(), j.Finished)
	c.announce(j)
}

// announce queues the event of a job's newest revision.
func (c *change) announce(j *Job) {
	c.outbox.AddFact(j.TraceParent, outbox.Fact{
		Tenant: j.Tenant, Subject: subjects.JobChanged.Changed(j.ID.String(), string(j.State)),
		Payload: encode(&jobv1.JobChanged{Job: j.Public()}),
	})
}

// addWork queues the one piece of work of a layer that has just one.
func (c *change) addWork(j *Job, layer subjects.Layer) {
	c.batch.Queue(`INSERT INTO work (id, job_id, tenant_id, run, layer, number, created_at) VALUES ($1, $2, $3, $4, $5, 0, $6)`,
		j.workID(layer, 0), j.ID, j.Tenant, j.Run, layer, now())
	c.handOut(j, layer, 0)
}

// handOut queues work for the outbox.
func (c *change) handOut(j *Job, layer subjects.Layer, numbers ...int32) {
	items := make([]outbox.Work, len(numbers))
	for i, number := range numbers {
		id := j.workID(layer, number)
		items[i] = outbox.Work{
			ID: id, Group: j.ID, Tenant: j.Tenant, Lane: layer, Priority: j.Priority, Subject: layer.Work(j.Kind, id.String()),
			Payload: encode(&workv1.Work{Layer: string(layer), Kind: j.Kind, Id: id.String()}),
		}
	}
	c.outbox.AddWork(j.TraceParent, c.owner.config.PerJob, items...)
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func one(ctx context.Context, q querier, sql string, args ...any) (*Job, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("query job: %w", err)
	}
	return pgx.CollectExactlyOneRow(rows, scanJob)
}

func notFound(err error, id uuid.UUID) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return fault.Newf(fault.NotFound, "there is no job %s", id)
	}
	return err
}
