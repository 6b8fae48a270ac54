package window_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/runs"
	"github.com/grainmesh/grainmesh/pkg/telemetry"

	"github.com/grainmesh/grainmesh/services/media-store/migrations"
	"github.com/grainmesh/grainmesh/services/media-store/store"
	"github.com/grainmesh/grainmesh/services/media-store/window"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

const tenant store.Tenant = "alpha"

// bundle is a store with its bucket, behind a server of windows.
type bundle struct {
	store  *store.Store
	bucket *objstore.Bucket
	url    string
	client *http.Client
}

func setup(t testing.TB) *bundle {
	t.Helper()
	return setupWith(t, window.Config{Reads: 3, ReadBytes: readBytes(t), AtOnce: 100, Patience: time.Minute})
}

func setupWith(t testing.TB, bounds window.Config) *bundle {
	t.Helper()
	db := meshtest.Schema(t, "store", migrations.FS)
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	publisher := outbox.NewPublisher(db, nil, db.NewSignal("outbox"), nil, outbox.DefaultConfig(), telemetry.Discard())
	s3 := meshtest.Bucket(t)
	endpoint := strings.Replace(s3.Endpoint, "://", "://"+s3.AccessKey+":"+s3.SecretKey+"@", 1)
	objects, err := objstore.Open(objstore.Config{URL: config.Secret(endpoint)})
	require.NoError(t, err)
	t.Cleanup(objects.Close)
	b := &bundle{store: store.New(db, publisher, trace), bucket: objects.Bucket(s3.Bucket)}
	log := slog.New(slog.DiscardHandler)
	handler := window.New(b.store, b.bucket, bounds, log)
	mux := chi.NewRouter()
	mux.Use(middleware.GetHead, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id := &auth.Identity{Kind: auth.KindUser, Subject: "somebody", Tenant: r.Header.Get("X-Tenant")}
			next.ServeHTTP(w, r.WithContext(auth.WithIdentity(r.Context(), id)))
		})
	})
	mux.Route("/flows/{id}", handler.Routes)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b.url, b.client = server.URL, server.Client()
	return b
}

// readBytes is small in tests, so that windows take many reads, and usual in
// benchmarks.
func readBytes(t testing.TB) int64 {
	if _, bench := t.(*testing.B); bench {
		return 4 << 20
	}
	return 20_000
}

// put makes Flows of one run and stores their objects; each object is a run of
// grains and the segment at which it is registered.
func (b *bundle) put(t testing.TB, flows []*media.Flow, objects map[uuid.UUID][]object) store.Run {
	t.Helper()
	run := store.Run{Job: uuid.NewString(), Number: 1}
	require.NoError(t, b.store.PutFlows(t.Context(), tenant, run, "test", flows, nil))
	r := store.Registration{WorkID: uuid.New(), Run: run}
	for _, flow := range flows {
		for _, o := range objects[flow.ID] {
			r.Segments = append(r.Segments, b.upload(t, r.WorkID, flow, o))
		}
	}
	stored, err := b.store.Register(t.Context(), tenant, r)
	require.NoError(t, err)
	require.True(t, stored)
	return run
}

// object is a run of grains and where it stands.
type object struct {
	grains  []formats.Grain
	segment mediatime.Range // what the grains cover if empty
}

func (b *bundle) upload(t testing.TB, work uuid.UUID, flow *media.Flow, o object) store.NewSegment {
	t.Helper()
	allocated, err := b.store.Allocate(t.Context(), tenant, "", work, map[uuid.UUID]int{flow.ID: 1})
	require.NoError(t, err)
	writer := runs.NewWriter(flow, uuid.New(), nil)
	for i := range o.grains {
		require.NoError(t, writer.Add(&o.grains[i]))
	}
	done, err := writer.Finish()
	require.NoError(t, err)
	_, err = b.bucket.Put(t.Context(), allocated[0].Key, bytes.NewReader(done.Bytes), int64(len(done.Bytes)), media.ContainerGSF)
	require.NoError(t, err)
	segment := o.segment
	if segment.IsEmpty() {
		segment = done.Range
	}
	return store.NewSegment{
		Segment: store.Segment{FlowID: flow.ID, ObjectID: allocated[0].ID, Range: segment},
		Object: store.ObjectFacts{
			Range: done.Range, Size: int64(len(done.Bytes)), Grains: int32(len(done.Index)), KeyFrames: int32(done.KeyFrames), Index: done.Index.Pack(),
		},
	}
}

// answer is what the server answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (b *bundle) get(t *testing.T, path string) *answer {
	t.Helper()
	return b.as(t, tenant, http.MethodGet, path)
}

func (b *bundle) as(t *testing.T, who store.Tenant, method, path string, headers ...string) *answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, b.url+"/flows/"+path, nil)
	require.NoError(t, err)
	request.Header.Set("X-Tenant", string(who))
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return &answer{response.StatusCode, response.Header, body}
}

func (b *bundle) want(t *testing.T, status int, path string) *answer {
	t.Helper()
	a := b.get(t, path)
	if a.status != http.StatusOK || status != http.StatusOK {
		require.Equal(t, status, a.status, "%s: %s", path, a.body)
	}
	return a
}

func pcmFlow() *media.Flow {
	return &media.Flow{
		ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatAudio, Codec: media.CodecPCM, Container: media.ContainerGSF, Label: "Sound 1/2",
		GrainRate: mediatime.NewRate(44100, 1024), Timescale: 44100,
		Audio: &media.Audio{SampleRate: 44100, Channels: 2, BitDepth: 16, UncType: "interleaved", GSFFormat: uint32(gsf.AudioS16Interleaved)},
	}
}

// pcmObjects cuts samples (of 4 bytes, all channels) to grains of 1024 and these to
// objects. The first sample is at the start of the time line.
func pcmObjects(samples []byte, perObject int) []object {
	const frame, perGrain = 4, 1024
	rate := mediatime.NewRate(44100, 1)
	var objects []object
	for n := 0; n*frame < len(samples); n += perGrain {
		count := min(perGrain, len(samples)/frame-n)
		if n/perGrain%perObject == 0 {
			objects = append(objects, object{})
		}
		start, end := rate.Offset(int64(n)), rate.Offset(int64(n+count))
		last := &objects[len(objects)-1]
		last.grains = append(last.grains, formats.Grain{
			Grain: media.Grain{PTS: start, Order: start, Duration: end - start, Ticks: int64(n), Access: media.Clean, Samples: uint32(count)},
			Data:  samples[n*frame : (n+count)*frame],
		})
	}
	return objects
}

func noise(n int) []byte {
	b := make([]byte, n)
	source := rand.NewPCG(1, 2)
	for i := 0; i+8 <= n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], source.Uint64())
	}
	return b
}

// grains decodes a GSF file.
func grains(t *testing.T, file []byte) (gsf.Header, []gsf.Grain) {
	t.Helper()
	reader, err := gsf.NewBytesReader(file, gsf.Options{})
	require.NoError(t, err)
	var all []gsf.Grain
	for {
		var g gsf.Grain
		err := reader.Next(&g)
		if errors.Is(err, io.EOF) {
			return *reader.Header(), all
		}
		require.NoError(t, err)
		all = append(all, g)
	}
}
