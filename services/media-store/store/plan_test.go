package store_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/telemetry"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// statements gathers the SQL that runs on a connection.
type statements struct {
	mu  sync.Mutex
	all map[string]bool
}

func (s *statements) add(sql string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all[sql] = true
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	s.add(data.SQL)
	return ctx
}

func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

func (s *statements) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	s.add(data.SQL)
}

func (s *statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// TestStatementsOfAJobScanNoTable looks at the plans of all statements that a job
// takes. A plan is kept by its connection: one that was made while the tables were
// small, and scans them, would be kept while they grow.
func TestStatementsOfAJobScanNoTable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	seen := b.traced(t, func(traced *bundle) {
		for _, ending := range []store.Ending{store.Close, store.CloseAtGap, store.Discard} {
			traced.oneJob(t, ending)
		}
	})
	require.Greater(t, len(seen), 20)
	b.requireProbes(t, seen)
}

// TestStatementsOfTheCollectorScanNoTable does the same for what clears away.
func TestStatementsOfTheCollectorScanNoTable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, ending := range []store.Ending{store.Close, store.Discard} {
		b.oneJob(t, ending)
	}
	seen := b.traced(t, func(traced *bundle) {
		require.NoError(t, traced.Forget(t.Context(), time.Hour))
		_, err := traced.CondemnStale(t.Context(), time.Hour, 10)
		require.NoError(t, err)
	})
	require.Len(t, slices.DeleteFunc(slices.Collect(maps.Keys(seen)), func(sql string) bool { return !explainable(sql) }), 5)
	b.requireProbes(t, seen)
}

// traced lets do work with a store, and returns the SQL that it ran.
func (b *bundle) traced(t *testing.T, do func(*bundle)) map[string]bool {
	t.Helper()
	seen := &statements{all: map[string]bool{}}
	config := b.db.Config()
	config.ConnConfig.Tracer = seen
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	db := &pg.DB{Pool: pool}
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	publisher := outbox.NewPublisher(db, nil, db.NewSignal("outbox"), nil, outbox.DefaultConfig(), telemetry.Discard())
	do(&bundle{store.New(db, publisher, trace), db})
	return seen.all
}

// requireProbes looks at the plans of statements, whatever their arguments.
func (b *bundle) requireProbes(t *testing.T, seen map[string]bool) {
	t.Helper()
	_, err := b.db.Exec(t.Context(), "ANALYZE")
	require.NoError(t, err)
	conn, err := b.db.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), "SET plan_cache_mode = force_generic_plan")
	require.NoError(t, err)
	for sql := range seen {
		if !explainable(sql) {
			continue
		}
		prepared, err := conn.Conn().Prepare(t.Context(), "looked_at", sql)
		require.NoError(t, err, sql)
		nulls := strings.TrimSuffix(strings.Repeat("NULL,", len(prepared.ParamOIDs)), ",")
		rows, err := conn.Query(t.Context(), fmt.Sprintf("EXPLAIN EXECUTE looked_at(%s)", nulls), pgx.QueryExecModeSimpleProtocol)
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		for i, line := range plan {
			if tableScan.MatchString(line) {
				require.Contains(t, strings.Join(plan[i:min(i+2, len(plan))], ""), "Cond: ", "%s\n%s", sql, strings.Join(plan, "\n"))
			}
		}
		require.NoError(t, conn.Conn().Deallocate(t.Context(), "looked_at"))
	}
}

// tableScan matches the nodes of a plan that read a table or an index.
var tableScan = regexp.MustCompile(`(Seq|Index|Index Only|Bitmap Index) Scan (using|on)`)

func explainable(sql string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	switch strings.ToUpper(word) {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return true
	}
	return false
}

// oneJob does what a job does to the store, and looks at the result.
func (b *bundle) oneJob(t *testing.T, ending store.Ending) {
	t.Helper()
	flow := audioFlow(uuid.New())
	multi := &media.Flow{ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatMulti, Collection: []media.Member{{FlowID: flow.ID}}}
	run := store.Run{Job: uuid.NewString(), Number: 1}
	require.NoError(t, b.PutFlows(t.Context(), tenantA, run, "test", []*media.Flow{multi, flow}, nil))
	_, err := b.Register(t.Context(), tenantA, b.work(t, tenantA, run, flow.ID, seconds(0, 1), seconds(1, 2)))
	require.NoError(t, err)
	_, err = b.Segments(t.Context(), tenantA, store.SegmentQuery{Flow: flow.ID, Range: mediatime.Eternity, Limit: 10, WithIndex: true})
	require.NoError(t, err)
	_, err = b.GrainAt(t.Context(), tenantA, flow.ID, 0)
	require.NoError(t, err)
	_, err = b.EndRun(t.Context(), tenantA, run, ending)
	require.NoError(t, err)
}
