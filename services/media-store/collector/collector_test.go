package collector_test

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/telemetry"

	"github.com/grainmesh/grainmesh/services/media-store/collector"
	"github.com/grainmesh/grainmesh/services/media-store/migrations"
	"github.com/grainmesh/grainmesh/services/media-store/store"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

const tenant store.Tenant = "alpha"

type counted struct {
	mu                 sync.Mutex
	condemned, removed int
	waiting            store.Backlog
}

func (c *counted) Collected(condemned, removed int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.condemned, c.removed = c.condemned+condemned, c.removed+removed
}

func (c *counted) Waiting(b store.Backlog) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = b
}

type bundle struct {
	db      *pg.DB
	store   *store.Store
	bucket  *objstore.Bucket
	metrics counted
	log     *slog.Logger
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db := meshtest.Schema(t, "store", migrations.FS)
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	publisher := outbox.NewPublisher(db, nil, db.NewSignal("outbox"), nil, outbox.DefaultConfig(), telemetry.Discard())
	s3 := meshtest.Bucket(t)
	objects, err := objstore.Open(objstore.Config{URL: config.Secret(strings.Replace(s3.Endpoint, "://", "://"+s3.AccessKey+":"+s3.SecretKey+"@", 1))})
	require.NoError(t, err)
	t.Cleanup(objects.Close)
	return &bundle{
		db: db, store: store.New(db, publisher, trace), bucket: objects.Bucket(s3.Bucket),
		log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// collector makes one that waits neither for grace nor for lateness, or as given.
func (b *bundle) collector(timeout, grace, keep time.Duration) *collector.Collector {
	return collector.New(b.store, b.bucket, collector.Config{MinObjectTimeout: timeout, Grace: grace, Keep: keep, Every: time.Millisecond}, &b.metrics, b.log)
}

// stored makes a run of one Flow with a registered object for each of n seconds.
func (b *bundle) stored(t *testing.T, n int) (store.Run, uuid.UUID, []store.Allocated) {
	t.Helper()
	flow := &media.Flow{ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatData, Container: media.ContainerGSF, Codec: "application/json"}
	run := store.Run{Job: uuid.NewString(), Number: 1}
	require.NoError(t, b.store.PutFlows(t.Context(), tenant, run, "test", []*media.Flow{flow}, nil))
	r := store.Registration{WorkID: uuid.New(), Run: run}
	objects := b.allocate(t, r.WorkID, flow.ID, n)
	for i, o := range objects {
		start := mediatime.Time(i) * mediatime.Second
		r.Segments = append(r.Segments, store.NewSegment{
			Segment: store.Segment{FlowID: flow.ID, ObjectID: o.ID, Range: mediatime.NewRange(start, start+mediatime.Second)},
			Object:  store.ObjectFacts{Size: 5},
		})
	}
	_, err := b.store.Register(t.Context(), tenant, r)
	require.NoError(t, err)
	return run, flow.ID, objects
}

// allocate makes objects and uploads them.
func (b *bundle) allocate(t *testing.T, work, flow uuid.UUID, n int) []store.Allocated {
	t.Helper()
	objects, err := b.store.Allocate(t.Context(), tenant, "", work, map[uuid.UUID]int{flow: n})
	require.NoError(t, err)
	for _, o := range objects {
		_, err := b.bucket.Put(t.Context(), o.Key, strings.NewReader("bytes"), 5, media.ContainerGSF)
		require.NoError(t, err)
	}
	return objects
}

// left counts the rows and the bytes that are left.
func (b *bundle) left(t *testing.T) (rows, keys int) {
	t.Helper()
	require.NoError(t, b.db.QueryRow(t.Context(), `SELECT count(*) FROM object`).Scan(&rows))
	page, err := b.bucket.List(t.Context(), "", "", 1000)
	require.NoError(t, err)
	return rows, len(page.Objects)
}

func TestOnlyWhatNothingRefersToGoes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, kept, _ := b.stored(t, 3)
	dropped, _, _ := b.stored(t, 2)
	b.allocate(t, uuid.New(), kept, 2) // and never registered
	_, err := b.store.EndRun(t.Context(), tenant, dropped, store.Discard)
	require.NoError(t, err)

	require.NoError(t, b.collector(time.Hour, time.Hour, time.Hour).Once(t.Context()))
	rows, keys := b.left(t)
	require.Equal(t, [2]int{7, 7}, [2]int{rows, keys}, "nothing goes before its time")
	require.Equal(t, store.Backlog{Allocated: 2, Condemned: 2}, b.metrics.waiting)

	require.NoError(t, b.collector(0, 0, time.Hour).Once(t.Context()))
	rows, keys = b.left(t)
	require.Equal(t, [2]int{3, 3}, [2]int{rows, keys})
	require.Equal(t, 2, b.metrics.condemned)
	require.Equal(t, 4, b.metrics.removed)
	segments, err := b.store.Segments(t.Context(), tenant, store.SegmentQuery{Flow: kept, Range: mediatime.Eternity, Limit: 10})
	require.NoError(t, err)
	require.Len(t, segments, 3)
}

func TestSharedObjectsStayUntilTheLastReference(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run, _, objects := b.stored(t, 1)
	edit := &store.Flow{Flow: media.Flow{ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatData, Container: media.ContainerGSF}}
	_, err := b.store.CreateFlow(t.Context(), tenant, "editor", edit)
	require.NoError(t, err)
	require.NoError(t, b.store.PostSegment(t.Context(), tenant, store.PostedSegment{NewSegment: store.NewSegment{
		Segment: store.Segment{FlowID: edit.ID, ObjectID: objects[0].ID, Range: mediatime.NewRange(0, mediatime.Second)},
	}}))
	_, err = b.store.EndRun(t.Context(), tenant, run, store.Discard)
	require.NoError(t, err)
	everything := b.collector(0, 0, time.Hour)
	require.NoError(t, everything.Once(t.Context()))
	rows, keys := b.left(t)
	require.Equal(t, [2]int{1, 1}, [2]int{rows, keys})
	require.NoError(t, b.store.DeleteFlow(t.Context(), tenant, edit.ID))
	require.NoError(t, everything.Once(t.Context()))
	rows, keys = b.left(t)
	require.Equal(t, [2]int{0, 0}, [2]int{rows, keys})
}

func TestCondemnedObjectsCannotBeRegistered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run, flow, _ := b.stored(t, 1)
	work := uuid.New()
	late := b.allocate(t, work, flow, 1)
	require.NoError(t, b.collector(0, time.Hour, time.Hour).Once(t.Context()))
	_, err := b.store.Register(t.Context(), tenant, store.Registration{WorkID: work, Run: run, Segments: []store.NewSegment{{
		Segment: store.Segment{FlowID: flow, ObjectID: late[0].ID, Range: mediatime.NewRange(5*mediatime.Second, 6*mediatime.Second)},
		Object:  store.ObjectFacts{Size: 5},
	}}})
	require.True(t, fault.Is(err, fault.Gone), "%v", err)
}

func TestCollectorsShareTheWork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run, _, _ := b.stored(t, 40)
	_, err := b.store.EndRun(t.Context(), tenant, run, store.Discard)
	require.NoError(t, err)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := b.collector(0, 0, time.Hour).Once(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	rows, keys := b.left(t)
	require.Equal(t, [2]int{0, 0}, [2]int{rows, keys})
	require.Equal(t, 40, b.metrics.removed)
}

func TestTombstonesGoInTheEnd(t *testing.T) {
	t.Parallel()
	b := setup(t)
	run, flow, _ := b.stored(t, 1)
	_, err := b.store.EndRun(t.Context(), tenant, run, store.Discard)
	require.NoError(t, err)
	require.NoError(t, b.collector(0, 0, time.Hour).Once(t.Context()))
	_, err = b.store.Flow(t.Context(), tenant, flow)
	require.True(t, fault.Is(err, fault.Gone), "%v", err)
	require.NoError(t, b.collector(0, 0, 0).Once(t.Context()))
	_, err = b.store.Flow(t.Context(), tenant, flow)
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	for _, table := range []string{"flow", "run", "registration", "source"} {
		var n int
		require.NoError(t, b.db.QueryRow(t.Context(), `SELECT count(*) FROM `+table).Scan(&n))
		require.Zero(t, n, table)
	}
}

// What is only kept for late callers may stay a while longer.
func TestRowsAreForgottenNowAndThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rarely := collector.New(b.store, b.bucket, collector.Config{ForgetEvery: time.Hour}, &b.metrics, b.log)
	var flows []uuid.UUID
	for range 2 {
		run, flow, _ := b.stored(t, 1)
		_, err := b.store.EndRun(t.Context(), tenant, run, store.Discard)
		require.NoError(t, err)
		require.NoError(t, rarely.Once(t.Context()))
		flows = append(flows, flow)
	}
	_, err := b.store.Flow(t.Context(), tenant, flows[0])
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	_, err = b.store.Flow(t.Context(), tenant, flows[1])
	require.True(t, fault.Is(err, fault.Gone), "%v", err)
}
