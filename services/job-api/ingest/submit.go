package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// MaxBulk is how many jobs one submission may hold.
const MaxBulk = 1000

// Submit takes jobs in one transaction, all or none, and returns them in order. A
// job whose idempotency key is known is the one that was made then; if the request
// differs it is a fault IdempotencyConflict.
func (o *Jobs) Submit(ctx context.Context, tenant string, requests []*jobv1.CreateJobRequest) ([]*Job, error) {
	if len(requests) == 0 || len(requests) > MaxBulk {
		return nil, fault.Newf(fault.InvalidArgument, "%d jobs in one request, want 1 to %d", len(requests), MaxBulk)
	}
	ctx, span := o.trace.Start(ctx, "submit")
	defer span.End()
	jobs := make([]*Job, len(requests))
	for i, request := range requests {
		j, err := o.newJob(ctx, tenant, request)
		if err != nil {
			return nil, atPosition(err, i, len(requests))
		}
		jobs[i] = j
	}
	var taken []*Job
	take := func(c *change) (err error) {
		taken, err = c.take(tenant, jobs, requests)
		return err
	}
	var err error
	if len(jobs) == 1 {
		err = o.change(ctx, jobs[0].ID, take)
	} else {
		err = o.changeAlone(ctx, take)
	}
	return taken, err
}

// take writes those jobs that are new, and returns all as they are: those whose
// idempotency key is known as they were made then.
func (c *change) take(tenant string, jobs []*Job, requests []*jobv1.CreateJobRequest) ([]*Job, error) {
	fresh, err := c.insert(jobs, requests)
	if err != nil {
		return nil, err
	}
	taken := slices.Clone(jobs)
	for i, j := range jobs {
		if fresh[i] {
			c.addWork(j, subjects.Analyse)
			c.announce(j)
			continue
		}
		if taken[i], err = c.existing(tenant, requests[i]); err != nil {
			return nil, atPosition(err, i, len(requests))
		}
	}
	return taken, nil
}

// atPosition says which of several requests is meant.
func atPosition(err error, i, of int) error {
	if of == 1 {
		return err
	}
	return fmt.Errorf("job %d of %d: %w", i+1, of, err)
}

// newJob makes the job of a request that makes sense.
func (o *Jobs) newJob(ctx context.Context, tenant string, request *jobv1.CreateJobRequest) (*Job, error) {
	kind, err := o.check(request)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make a job id: %w", err)
	}
	created := now()
	return &Job{
		ID: id, Tenant: tenant, State: Analysing, Run: 1, Revision: 1, Priority: request.GetPriority(), Region: o.config.Region,
		Kind: kind, Spec: request.GetSpec(), Sizes: o.config.Sizes, TraceParent: o.trace.TraceParent(ctx), Created: created, Updated: created,
	}, nil
}

// insert writes jobs and says which are new: those whose idempotency key is known
// are not.
func (c *change) insert(jobs []*Job, requests []*jobv1.CreateJobRequest) ([]bool, error) {
	fresh := make([]bool, len(jobs))
	for i, j := range jobs {
		c.Query(func(rows pgx.Rows) error {
			for rows.Next() {
				fresh[i] = true
			}
			return rows.Err()
		}, `
			INSERT INTO job (id, tenant_id, state, priority, region, kind, label, url, public_url, spec, sizes,
				idempotency_key, request_hash, trace_parent, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULLIF($12, ''), $13, $14, $15, $15)
			ON CONFLICT (tenant_id, idempotency_key) DO NOTHING RETURNING true`,
			j.ID, j.Tenant, j.State, j.Priority, j.Region, j.Kind, j.Spec.GetLabel(), j.Spec.GetUrl(), publicSpec(j.Spec).GetUrl(), encode(j.Spec), encode(j.Sizes),
			requests[i].GetIdempotencyKey(), requestHash(requests[i]), j.TraceParent, j.Created)
	}
	if err := c.Send(); err != nil {
		return nil, fmt.Errorf("insert %d jobs: %w", len(jobs), err)
	}
	return fresh, nil
}

// existing returns the job that was made with the request's idempotency key.
func (c *change) existing(tenant string, request *jobv1.CreateJobRequest) (*Job, error) {
	key := request.GetIdempotencyKey()
	var have []byte
	var j *Job
	c.QueryRow(func(row pgx.Row) error { return row.Scan(&have) },
		`SELECT request_hash FROM job WHERE tenant_id = $1 AND idempotency_key = $2`, tenant, key)
	c.queryJob(&j, `SELECT `+jobColumns+` FROM job WHERE tenant_id = $1 AND idempotency_key = $2`, tenant, key)
	if err := c.Send(); err != nil {
		return nil, fmt.Errorf("find the job of key %q: %w", key, err)
	}
	if !bytes.Equal(have, requestHash(request)) {
		return nil, fault.Newf(fault.IdempotencyConflict, "idempotency key %q was used before with another request", key)
	}
	return j, nil
}

// requestHash is the same for requests that say the same.
func requestHash(request *jobv1.CreateJobRequest) []byte {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
	if err != nil {
		return nil
	}
	sum := sha256.Sum256(b)
	return sum[:]
}
