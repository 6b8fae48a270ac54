package store_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/telemetry"

	"github.com/grainmesh/grainmesh/services/media-store/migrations"
	"github.com/grainmesh/grainmesh/services/media-store/store"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

const tenantA, tenantB store.Tenant = "alpha", "beta"

// bundle is a store on a database of its own.
type bundle struct {
	*store.Store
	db *pg.DB
}

func setup(t testing.TB) *bundle {
	t.Helper()
	db := meshtest.Schema(t, "store", migrations.FS)
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	publisher := outbox.NewPublisher(db, nil, db.NewSignal("outbox"), nil, outbox.DefaultConfig(), telemetry.Discard())
	return &bundle{store.New(db, publisher, trace), db}
}

func openDB(t testing.TB, url string) *pg.DB {
	t.Helper()
	db, err := pg.Open(t.Context(), url, "store", 8)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	return db
}

// newRun makes a run with one audio Flow for each of the given ids.
func (b *bundle) newRun(t *testing.T, tenant store.Tenant, flows ...uuid.UUID) store.Run {
	t.Helper()
	run := store.Run{Job: uuid.NewString(), Number: 1}
	all := make([]*media.Flow, len(flows))
	for i, id := range flows {
		all[i] = audioFlow(id)
	}
	require.NoError(t, b.PutFlows(t.Context(), tenant, run, "chunker", all, nil))
	return run
}

func audioFlow(id uuid.UUID) *media.Flow {
	return &media.Flow{
		ID: id, SourceID: uuid.NewSHA1(id, []byte("source")), Format: media.FormatAudio,
		Codec: media.CodecPCM, Container: media.ContainerGSF, Label: "sound",
		GrainRate: mediatime.NewRate(25, 1),
		Audio:     &media.Audio{SampleRate: 48000, Channels: 2, BitDepth: 16, UncType: "interleaved", GSFFormat: 2},
	}
}

// work allocates one object for each range and returns the registration of all.
func (b *bundle) work(t testing.TB, tenant store.Tenant, run store.Run, flow uuid.UUID, ranges ...mediatime.Range) store.Registration {
	t.Helper()
	r := store.Registration{WorkID: uuid.New(), Epoch: 1, Run: run}
	b.extend(t, tenant, &r, flow, ranges...)
	return r
}

func (b *bundle) extend(t testing.TB, tenant store.Tenant, r *store.Registration, flow uuid.UUID, ranges ...mediatime.Range) {
	t.Helper()
	objects, err := b.Allocate(t.Context(), tenant, r.Run.Job, r.WorkID, map[uuid.UUID]int{flow: len(ranges)})
	require.NoError(t, err)
	for i, o := range objects {
		r.Segments = append(r.Segments, newSegment(flow, o.ID, ranges[i]))
	}
}

// newSegment makes a segment of an object that holds one grain.
func newSegment(flow uuid.UUID, object string, r mediatime.Range) store.NewSegment {
	grain := media.Grain{PTS: r.Start, Order: r.Start, Duration: r.Length(), Access: media.Clean}
	index := media.Index{{Grain: grain, Offset: 100, Size: 900}}
	return store.NewSegment{
		Segment: store.Segment{FlowID: flow, ObjectID: object, Range: r},
		Object:  store.ObjectFacts{Size: 1000, SHA256: make([]byte, 32), Grains: 1, KeyFrames: 1, Index: index.Pack()},
	}
}

func seconds(start, end int64) mediatime.Range {
	return mediatime.NewRange(mediatime.Time(start)*mediatime.Second, mediatime.Time(end)*mediatime.Second)
}

// segments returns all stored segments of a Flow.
func (b *bundle) segments(ctx context.Context, t *testing.T, tenant store.Tenant, flow uuid.UUID) []store.IndexedSegment {
	t.Helper()
	all, err := b.Segments(ctx, tenant, store.SegmentQuery{Flow: flow, Range: mediatime.Eternity, Limit: 1000, WithIndex: true})
	require.NoError(t, err)
	return all
}

// states counts the objects in each state.
func (b *bundle) states(t *testing.T) map[string]int {
	t.Helper()
	rows, err := b.db.Query(t.Context(), `SELECT state, count(*) FROM object GROUP BY state`)
	require.NoError(t, err)
	out := map[string]int{}
	for rows.Next() {
		var state string
		var n int
		require.NoError(t, rows.Scan(&state, &n))
		out[state] = n
	}
	require.NoError(t, rows.Err())
	return out
}

// facts lists the subjects in the outbox that end in change.
func (b *bundle) facts(t *testing.T, change string) int {
	t.Helper()
	var n int
	require.NoError(t, b.db.QueryRow(t.Context(), `SELECT count(*) FROM outbox WHERE subject LIKE '%.' || $1`, change).Scan(&n))
	return n
}

func TestMigrationsGoUpDownUp(t *testing.T) {
	t.Parallel()
	db := openDB(t, meshtest.Database(t, meshtest.Template{}))
	require.NoError(t, db.Migrate(t.Context(), migrations.FS))
	require.NoError(t, db.MigrateDown(t.Context(), migrations.FS))
	var tables int
	require.NoError(t, db.QueryRow(t.Context(),
		`SELECT count(*) FROM information_schema.tables WHERE table_schema = 'store' AND table_name <> 'migration'`).Scan(&tables))
	require.Zero(t, tables)
	require.NoError(t, db.Migrate(t.Context(), migrations.FS))
}

func TestOutboxIsAsItsPackageWantsIt(t *testing.T) {
	t.Parallel()
	files, err := fs.ReadFile(migrations.FS, "0001_store.sql")
	require.NoError(t, err)
	require.Contains(t, string(files), strings.TrimSpace(outbox.Schema))
}
