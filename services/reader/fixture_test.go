package reader

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	"github.com/grainmesh/grainmesh/pkg/sources"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
	"github.com/grainmesh/grainmesh/pkg/work/worktest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

// format is a format whose reading is the test's.
type format struct {
	formats.Format
	read func(in formats.Input, sink formats.Sink) error
}

func (f *format) Name() string         { return "sound" }
func (f *format) MIMETypes() []string  { return []string{"audio/x-sound"} }
func (f *format) Extensions() []string { return []string{".sound"} }

func (f *format) Read(_ context.Context, in formats.Input, _ *formats.ReadRequest, sink formats.Sink) error {
	return f.read(in, sink)
}

// second returns second n of the time line.
func second(n int) mediatime.Range {
	return mediatime.Range{Start: mediatime.Time(n) * mediatime.Second, End: mediatime.Time(n+1) * mediatime.Second}
}

// object writes second n of track 1 as an object of one grain.
func object(sink formats.Sink, n int) error {
	if err := sink.StartObject(1, second(n)); err != nil {
		return err
	}
	return sink.Grain(1, &formats.Grain{
		Grain: media.Grain{PTS: second(n).Start, Order: second(n).Start, Duration: mediatime.Second, Access: media.Clean},
		Data:  []byte(strings.Repeat("x", 1000)),
	})
}

// objects writes n of them.
func objects(n int) func(formats.Input, formats.Sink) error {
	return func(_ formats.Input, sink formats.Sink) error {
		for i := range n {
			if err := object(sink, i); err != nil {
				return err
			}
		}
		return nil
	}
}

// objectStore takes uploads as a test says; without a word it keeps them.
type objectStore struct {
	mu     sync.Mutex
	answer func(path string, n int) int // status of the n-th upload of a path; 0 to keep it
	puts   map[string]int
	kept   map[string][]byte
}

func (o *objectStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	o.mu.Lock()
	o.puts[r.URL.Path]++
	n := o.puts[r.URL.Path]
	answer := o.answer
	o.mu.Unlock()
	status := 0
	switch {
	case err != nil || r.Method != http.MethodPut || r.Header.Get("If-None-Match") != "*":
		status = http.StatusBadRequest
	case answer != nil:
		status = answer(r.URL.Path, n)
	}
	if status != 0 {
		w.WriteHeader(status)
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept[r.URL.Path] = body
}

func (o *objectStore) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.kept)
}

// store is a media-store that gives places and is told of segments.
type store struct {
	mediastorev1.Segments
	url      string
	register func(*mediastorev1.RegisterSegmentsRequest) error
}

func (s *store) AllocateObjects(_ context.Context, r *mediastorev1.AllocateObjectsRequest) (*mediastorev1.AllocateObjectsResponse, error) {
	response := &mediastorev1.AllocateObjectsResponse{}
	for flow, n := range r.GetObjects() {
		for range n {
			id := uuid.NewString()
			response.Objects = append(response.Objects, &mediastorev1.AllocatedObject{
				FlowId: flow, ObjectId: id, PutUrl: s.url + "/" + id, Headers: map[string]string{"If-None-Match": "*"},
			})
		}
	}
	return response, nil
}

func (s *store) RegisterSegments(_ context.Context, r *mediastorev1.RegisterSegmentsRequest) (*mediastorev1.RegisterSegmentsResponse, error) {
	return &mediastorev1.RegisterSegmentsResponse{}, s.register(r)
}

// reports is an owner that is told of chunks.
type reports struct {
	jobv1.Reports
	told []*jobv1.CompleteChunkRequest
}

func (r *reports) CompleteChunk(_ context.Context, in *jobv1.CompleteChunkRequest) (*jobv1.CompleteChunkResponse, error) {
	r.told = append(r.told, in)
	return &jobv1.CompleteChunkResponse{}, nil
}

// bundle is a reader of one format, with where its objects go.
type bundle struct {
	*Service
	format     *format
	files      *rangetest.Server
	uploads    *objectStore
	store      *store
	reports    *reports
	queue      *worktest.Queue
	registered []*mediastorev1.RegisterSegmentsRequest
}

// uploadsAtOnce is how many uploads of a chunk may be on their way in tests.
const uploadsAtOnce = 2

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{
		format: &format{}, files: rangetest.New(t), reports: &reports{}, queue: worktest.New(t, subjects.Read),
		uploads: &objectStore{puts: map[string]int{}, kept: map[string][]byte{}},
	}
	server := httptest.NewServer(b.uploads)
	t.Cleanup(server.Close)
	client := server.Client()
	t.Cleanup(client.CloseIdleConnections)
	b.store = &store{url: server.URL, register: func(r *mediastorev1.RegisterSegmentsRequest) error {
		b.registered = append(b.registered, r)
		return nil
	}}
	registry, err := formats.NewRegistry(b.format)
	require.NoError(t, err)
	guard, err := urlguard.New(urlguard.Config{Allow: []string{b.files.Host()}})
	require.NoError(t, err)
	opener, err := rangereader.New(rangereader.Config{Guard: guard})
	require.NoError(t, err)
	t.Cleanup(opener.Close)
	config := Config{Policy: worktest.Policy(), Uploads: uploadsAtOnce, ParallelRanges: 2, RangeBytes: 1 << 20}
	b.Service, err = New(config, Deps{
		Worker: b.queue.Worker, Reports: b.reports, Store: b.store, Sources: sources.New(opener, "media"),
		Formats: registry, Objects: client, Metrics: prometheus.NewRegistry(),
	})
	require.NoError(t, err)
	return b
}

// flow is what track 1 writes.
func flow() *media.Flow {
	return &media.Flow{
		ID: uuid.MustParse("6ba7b810-9dad-41d1-80b4-00c04fd430c8"), SourceID: uuid.MustParse("6ba7b810-9dad-41d1-80b4-00c04fd430c9"),
		Format: media.FormatAudio, Codec: media.CodecPCM, Container: media.ContainerGSF, GrainRate: mediatime.NewRate(1, 1),
		Audio: &media.Audio{SampleRate: 48000, Channels: 1, BitDepth: 16, UncType: "interleaved", GSFFormat: 2},
	}
}

// chunk is a chunk of n objects, of a file of 1,000 bytes.
func (b *bundle) chunk(n int) *jobv1.ReadDocument {
	chunk := formats.Chunk{Number: 4, Start: 100, End: 900, Tracks: []formats.ChunkTrack{{
		Number: 1, Flow: flow().ID, Range: mediatime.Range{End: mediatime.Time(n) * mediatime.Second}, Objects: n,
	}}}
	return &jobv1.ReadDocument{
		Url:    b.files.Set("/rain.sound", rangetest.File{Content: rangetest.Pattern(1), Size: 1000, ETag: `"one"`}),
		Format: "sound", Size: 1000, Etag: `"one"`, Chunk: chunk.Proto(), Flows: []*mediav1.Flow{flow().Proto()},
	}
}

// readChunk has a chunk read.
func (b *bundle) readChunk(t *testing.T, document *jobv1.ReadDocument) error {
	t.Helper()
	return b.queue.Do(t, &jobv1.StartWorkResponse{
		Epoch: 2, Run: 3, Tenant: "acme", JobId: uuid.NewString(), Document: &jobv1.StartWorkResponse_Read{Read: document},
	}, b.do)
}

var errFile = errors.New("the file is broken")
