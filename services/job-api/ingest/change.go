package ingest

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	workv1 "github.com/grainmesh/grainmesh/rpc/work/v1"
)

// change is one unit of change on jobs.
type change struct {
	*pg.Unit

	owner  *Jobs
	outbox *outbox.Changes
}

// change runs fn as a unit that changes nothing but the given job, in a transaction
// that it may share with changes of other jobs.
func (o *Jobs) change(ctx context.Context, job uuid.UUID, fn func(c *change) error) error {
	return o.writer.Do(ctx, job.String(), o.unit(fn))
}

// changeAlone runs fn in a transaction of its own: it is large, or of several jobs.
func (o *Jobs) changeAlone(ctx context.Context, fn func(c *change) error) error {
	return o.db.Write(ctx, pg.OnDisk, o.unit(fn))
}

func (o *Jobs) unit(fn func(c *change) error) func(*pg.Unit) error {
	return func(u *pg.Unit) error { return fn(&change{u, o, o.outbox.Begin(u)}) }
}

// lockJob reads a job of a tenant FOR UPDATE, or says that there is none. Every
// change of a job holds this lock from its start, so changes stand in one order.
func (c *change) lockJob(tenant string, id uuid.UUID) (*Job, error) {
	var j *Job
	c.queryJob(&j, `SELECT `+jobColumns+` FROM job WHERE id = $1 AND (tenant_id = $2) IS TRUE FOR UPDATE`, id, tenant)
	if err := c.Send(); err != nil {
		return nil, fmt.Errorf("lock job %s: %w", id, err)
	}
	if j == nil {
		return nil, noJob(id)
	}
	return j, nil
}

// lockWork locks first the job, then the piece of work: every transaction takes them
// in this order. Both are nil for work that is not there.
func (c *change) lockWork(id uuid.UUID) (*Job, *work, error) {
	var j *Job
	var w *work
	c.queryJob(&j, `SELECT `+jobColumns+` FROM job WHERE id = (SELECT job_id FROM work WHERE id = $1) FOR UPDATE`, id)
	c.Query(func(rows pgx.Rows) error {
		read := work{id: id}
		_, err := pgx.ForEachRow(rows, []any{&read.run, &read.layer, &read.number, &read.state, &read.epoch, &read.attempts, &read.bytes}, func() error {
			w = &read
			return nil
		})
		return err
	}, `SELECT run, layer, number, state, epoch, attempts, bytes FROM work WHERE id = $1 FOR UPDATE`, id)
	if err := c.Send(); err != nil {
		return nil, nil, fmt.Errorf("lock work %s: %w", id, err)
	}
	return j, w, nil
}

// queryJob queues a query for one job, which stays nil if there is none.
func (c *change) queryJob(j **Job, sql string, args ...any) {
	c.Query(func(rows pgx.Rows) error {
		found, err := pgx.CollectRows(rows, scanJob)
		if err == nil && len(found) > 0 {
			*j = found[0]
		}
		return err
	}, sql, args...)
}

// save queues what may change of a job, with a new revision, and the event of it.
func (c *change) save(j *Job) {
	j.Revision++
	flows := make([][]byte, len(j.Flows))
	for i, flow := range j.Flows {
		flows[i] = encode(flow)
	}
	c.Exec(`
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
	c.Exec(`INSERT INTO work (id, job_id, tenant_id, run, layer, number, created_at) VALUES ($1, $2, $3, $4, $5, 0, $6)`,
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
		return noJob(id)
	}
	return err
}

func noJob(id uuid.UUID) error { return fault.Newf(fault.NotFound, "there is no job %s", id) }
