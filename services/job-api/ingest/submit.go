package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

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
	kinds := make([]string, len(requests))
	for i, request := range requests {
		kind, err := o.check(request)
		if err != nil {
			return nil, atPosition(err, i, len(requests))
		}
		kinds[i] = kind
	}
	jobs := make([]*Job, len(requests))
	err := o.inTx(ctx, func(tx pgx.Tx) error {
		for i, request := range requests {
			j, err := o.insert(ctx, tx, tenant, kinds[i], request)
			if err != nil {
				return atPosition(err, i, len(requests))
			}
			jobs[i] = j
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return jobs, nil
}

// atPosition says which of several requests is meant.
func atPosition(err error, i, of int) error {
	if of == 1 {
		return err
	}
	return fmt.Errorf("job %d of %d: %w", i+1, of, err)
}

func (o *Jobs) insert(ctx context.Context, tx pgx.Tx, tenant, kind string, request *jobv1.CreateJobRequest) (*Job, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make a job id: %w", err)
	}
	hash := requestHash(request)
	spec := request.GetSpec()
	rows, err := tx.Query(ctx, `
		INSERT INTO job (id, tenant_id, state, priority, region, kind, label, url, spec, idempotency_key, request_hash, trace_parent)
		VALUES ($1, $2, 'analysing', $3, $4, $5, $6, $7, $8, NULLIF($9, ''), $10, $11)
		ON CONFLICT (tenant_id, idempotency_key) DO NOTHING RETURNING `+jobColumns,
		id, tenant, request.GetPriority(), o.config.Region, kind, spec.GetLabel(), spec.GetUrl(), encode(spec),
		request.GetIdempotencyKey(), hash, o.trace.TraceParent(ctx))
	if err != nil {
		return nil, fmt.Errorf("insert job: %w", err)
	}
	j, err := pgx.CollectExactlyOneRow(rows, scanJob)
	if errors.Is(err, pgx.ErrNoRows) {
		return o.existing(ctx, tx, tenant, request.GetIdempotencyKey(), hash)
	}
	if err != nil {
		return nil, fmt.Errorf("insert job: %w", err)
	}
	if _, err := o.addWork(ctx, tx, j, subjects.Analyse, newWork{}); err != nil {
		return nil, err
	}
	return j, o.announce(ctx, tx, j)
}

func (o *Jobs) existing(ctx context.Context, tx pgx.Tx, tenant, key string, hash []byte) (*Job, error) {
	var have []byte
	err := tx.QueryRow(ctx, `SELECT request_hash FROM job WHERE tenant_id = $1 AND idempotency_key = $2`, tenant, key).Scan(&have)
	if err != nil {
		return nil, fmt.Errorf("find the job of key %q: %w", key, err)
	}
	if !bytes.Equal(have, hash) {
		return nil, fault.Newf(fault.IdempotencyConflict, "idempotency key %q was used before with another request", key)
	}
	return one(ctx, tx, `SELECT `+jobColumns+` FROM job WHERE tenant_id = $1 AND idempotency_key = $2`, tenant, key)
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
