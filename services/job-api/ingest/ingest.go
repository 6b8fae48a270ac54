package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	workv1 "github.com/grainmesh/grainmesh/rpc/work/v1"
)

// Config says how jobs are driven.
type Config struct {
	Region string
	// PerJob is how many chunks of one job may be outstanding. Not above the number
	// of reader slots in the fleet, or a large job makes small ones wait.
	PerJob int
	// MaxAttempts is after how many attempts work is dead.
	MaxAttempts int32
	// RetryBase is how long a failed piece of work waits the first time; each further
	// time doubles it.
	RetryBase time.Duration
	// Deadline is how long an attempt may be silent.
	Deadline time.Duration
}

// Jobs is the owner of ingest jobs.
type Jobs struct {
	db      *pg.DB
	signal  *pg.Signal
	trace   *telemetry.Tracing
	formats *formats.Registry
	config  Config
}

// New makes the owner. Signal is raised after each commit that wrote to the outbox.
func New(db *pg.DB, signal *pg.Signal, trace *telemetry.Tracing, registry *formats.Registry, config Config) *Jobs {
	return &Jobs{db, signal, trace, registry, config}
}

// inTx runs fn in a transaction and wakes the publisher after it.
func (o *Jobs) inTx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	if err := o.db.InTx(ctx, fn); err != nil {
		return err
	}
	o.signal.Raise()
	return nil
}

// lock reads a job FOR UPDATE. Every change of a job holds this lock from its
// start, so changes stand in one order.
func lock(ctx context.Context, tx pgx.Tx, id uuid.UUID) (*Job, error) {
	return one(ctx, tx, `SELECT `+jobColumns+` FROM job WHERE id = $1 FOR UPDATE`, id)
}

// lockOf reads a job of a tenant FOR UPDATE, or a fault NotFound.
func lockOf(ctx context.Context, tx pgx.Tx, tenant string, id uuid.UUID) (*Job, error) {
	j, err := one(ctx, tx, `SELECT `+jobColumns+` FROM job WHERE id = $1 AND tenant_id = $2 FOR UPDATE`, id, tenant)
	return j, notFound(err, id)
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

// save writes what may change of a job, with a new revision, and the event of it.
func (o *Jobs) save(ctx context.Context, tx pgx.Tx, j *Job) error {
	j.Revision++
	err := tx.QueryRow(ctx, `
		UPDATE job SET state = $2, run = $3, revision = $4, kind = $5, analysis = $6, flows = $7, flow_ids = $8, flow_id = $9,
			plan_complete = $10, chunks_total = $11, chunks_remaining = $12, bytes_total = $13, bytes_done = $14, outcome = $15,
			failure = $16, updated_at = now(), finished_at = CASE WHEN $17 THEN now() END
		WHERE id = $1 RETURNING updated_at, finished_at`,
		j.ID, j.State, j.Run, j.Revision, j.Kind, nullable(j.Analysis != nil, j.Analysis), nullable(j.Flows != nil, &jobv1.ReportChunksRequest{Flows: j.Flows}),
		j.FlowIDs, j.FlowID, j.PlanComplete, j.ChunksTotal, j.ChunksRemaining, j.BytesTotal, j.BytesDone, j.Outcome,
		nullable(j.Failure != nil, j.Failure), j.State.Ended()).Scan(&j.Updated, &j.Finished)
	if err != nil {
		return fmt.Errorf("save job %s as %s: %w", j.ID, j.State, err)
	}
	return o.announce(ctx, tx, j)
}

// announce writes the event of a job's newest revision.
func (o *Jobs) announce(ctx context.Context, tx pgx.Tx, jobs ...*Job) error {
	facts := make([]outbox.Fact, len(jobs))
	for i, j := range jobs {
		facts[i] = outbox.Fact{
			Tenant: j.Tenant, Subject: subjects.JobChanged.Changed(j.ID.String(), string(j.State)),
			Payload: encode(&jobv1.JobChanged{Job: j.Proto()}),
		}
	}
	return outbox.AddFacts(ctx, tx, jobs[0].TraceParent, facts...)
}

// newWork is one piece of work that is about to exist.
type newWork struct {
	number    int32
	document  []byte
	bytes     int64
	timerange string
}

// addWork makes pieces of work of one layer and hands them to the outbox. What
// exists already, as when a plan is reported twice, is left as it is; it returns
// which were new.
func (o *Jobs) addWork(ctx context.Context, tx pgx.Tx, j *Job, layer subjects.Layer, work ...newWork) ([]newWork, error) {
	batch := &pgx.Batch{}
	for _, w := range work {
		batch.Queue(`INSERT INTO work (id, job_id, tenant_id, run, layer, number, document, bytes, timerange)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
			j.workID(layer, w.number), j.ID, j.Tenant, j.Run, layer, w.number, w.document, w.bytes, w.timerange)
	}
	results := tx.SendBatch(ctx, batch)
	added := make([]newWork, 0, len(work))
	for _, w := range work {
		tag, err := results.Exec()
		if err != nil {
			return nil, errors.Join(fmt.Errorf("add %s work %d of job %s: %w", layer, w.number, j.ID, err), results.Close())
		}
		if tag.RowsAffected() == 1 {
			added = append(added, w)
		}
	}
	if err := results.Close(); err != nil {
		return nil, fmt.Errorf("add %s work of job %s: %w", layer, j.ID, err)
	}
	return added, o.queue(ctx, tx, j, layer, added)
}

func (o *Jobs) queue(ctx context.Context, tx pgx.Tx, j *Job, layer subjects.Layer, work []newWork) error {
	items := make([]outbox.Work, len(work))
	for i, w := range work {
		id := j.workID(layer, w.number)
		items[i] = outbox.Work{
			ID: id, Group: j.ID, Tenant: j.Tenant, Lane: string(layer), Priority: j.Priority,
			Subject: layer.Work(j.Kind, id.String()),
			Payload: encode(&workv1.Work{Layer: string(layer), Kind: j.Kind, Id: id.String()}),
		}
	}
	return outbox.AddWork(ctx, tx, j.TraceParent, o.config.PerJob, items...)
}
