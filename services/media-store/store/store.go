package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

// Tenant is whose rows a call may see.
type Tenant string

// Check refuses names that could not stand in an object's key as one part of it.
func (t Tenant) Check() error {
	if t == "" {
		return fault.New(fault.PermissionDenied, "the token names no tenant")
	}
	if !auth.ValidTenant(string(t)) {
		return fault.Newf(fault.PermissionDenied, "tenant %q, want at most %d letters, digits, dashes, dots and underscores", t, auth.MaxTenant)
	}
	return nil
}

// Store reads and writes the index.
type Store struct {
	db        *pg.DB
	writer    *pg.Writer
	publisher *outbox.Publisher
	trace     *telemetry.Tracing
}

// New makes a Store on a migrated schema. What it commits to the outbox is handed to
// the publisher.
func New(db *pg.DB, publisher *outbox.Publisher, trace *telemetry.Tracing) *Store {
	return &Store{db, db.NewWriter(pg.OnDisk), publisher, trace}
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// collect reads all rows of a query with scan.
func collect[T any](ctx context.Context, q querier, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, clientFault(err)
	}
	out, err := pgx.CollectRows(rows, scan)
	return out, clientFault(err)
}

// clientFault tells values that the database cannot hold, which only who sent them can
// mend, from failures of ours.
func clientFault(err error) error {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || fault.Of(err).Code != fault.Internal {
		return err
	}
	switch e.Code {
	case "22021", "22P05", "22P02", "22003": // not in the encoding, no such character, no such value, out of range
		return fault.Newf(fault.InvalidArgument, "a value cannot be stored or looked for: %s", e.Message)
	default:
		return err
	}
}

// isNone says that a query for one row found none.
func isNone(err error) bool { return errors.Is(err, pgx.ErrNoRows) }
