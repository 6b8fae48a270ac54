package origin_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/runs"
	"github.com/grainmesh/grainmesh/pkg/serve"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	originv1 "github.com/grainmesh/grainmesh/rpc/origin/v1"

	"github.com/grainmesh/grainmesh/services/origin"
)

const tenant = "acme"

// bench is an origin beside a store in memory.
type bench struct {
	store  *memoryStore
	server *httptest.Server
	user   *auth.Signer
}

// newBench starts one; adjust may change the settings.
func newBench(t *testing.T, adjust func(*origin.Config)) *bench {
	t.Helper()
	signers, issuers := map[string]*auth.Signer{}, []auth.Issuer{}
	for name, kind := range map[string]auth.Kind{"portal": auth.KindUser, origin.PlayIssuer: auth.KindPlay, origin.Name: auth.KindService} {
		public, private, err := ed25519.GenerateKey(nil)
		require.NoError(t, err)
		signers[name], issuers = auth.NewSigner(name, private), append(issuers, auth.Issuer{Name: name, Kind: kind, Key: public})
	}
	b := &bench{store: newMemoryStore(t, signers[origin.Name], auth.NewVerifier(issuers, "media-store")), user: signers["portal"]}
	var cfg origin.Config
	require.NoError(t, config.Load("GRAINMESH_ORIGIN_TEST", &cfg))
	cfg.Refresh = time.Nanosecond
	if adjust != nil {
		adjust(&cfg)
	}
	log := slog.New(slog.DiscardHandler)
	verifier, metrics := auth.NewVerifier(issuers, origin.Name), prometheus.NewRegistry()
	service, err := origin.New(cfg, origin.Deps{
		Store: b.store, Objects: b.store.server.Client(), Signer: signers[origin.PlayIssuer], Verifier: verifier,
		Twirp: serve.NewTwirpServer(log, metrics), Metrics: metrics, Log: log,
	})
	require.NoError(t, err)
	mux := http.NewServeMux()
	for _, route := range service.Routes().Public {
		mux.Handle(route.Prefix, verifier.Middleware(serve.WriteError)(route.Handler))
	}
	b.server = httptest.NewServer(mux)
	t.Cleanup(b.server.Close)
	return b
}

// userToken proves a user of a tenant.
func (b *bench) userToken(t *testing.T, tenant string) string {
	t.Helper()
	token, err := b.user.Issue(&auth.Identity{Kind: auth.KindUser, Subject: "ada", Tenant: tenant, Scopes: []auth.Scope{auth.Read}}, auth.AudienceUsers, time.Hour)
	require.NoError(t, err)
	return token
}

// links asks for the links of a Flow.
func (b *bench) links(t *testing.T, tenant string, flow uuid.UUID) (*originv1.GetLinksResponse, error) {
	t.Helper()
	token := b.userToken(t, tenant)
	client := serve.NewHTTPClient(func(context.Context) (string, error) { return token, nil })
	return originv1.NewPlaybackProtobufClient(b.server.URL, client, serve.ClientOption()).
		GetLinks(t.Context(), &originv1.GetLinksRequest{FlowId: flow.String()})
}

// play returns the URL at which a Flow plays.
func (b *bench) play(t *testing.T, flow uuid.UUID) string {
	t.Helper()
	response, err := b.links(t, tenant, flow)
	require.NoError(t, err)
	require.NotEmpty(t, response.GetHlsUrl(), response.GetUnplayable())
	return b.server.URL + response.GetHlsUrl()
}

// get fetches a URL and returns status and body.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	response, body := request(t, url, nil)
	return response.StatusCode, body
}

func request(t *testing.T, url string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	if header != nil {
		req.Header = header
	}
	response, err := http.DefaultClient.Do(req) //nolint:forbidigo // a test
	require.NoError(t, err)
	defer response.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	require.NoError(t, err)
	return response, body.String()
}

// memoryStore is what the origin sees of media-store, and the object store.
type memoryStore struct {
	signer   *auth.Signer
	verifier *auth.Verifier
	server   *httptest.Server

	mu       sync.Mutex
	flows    map[uuid.UUID]*media.Flow
	deleted  map[uuid.UUID]bool
	segments map[uuid.UUID][]stored
	objects  map[string][]byte
	away     bool
}

type stored struct {
	object string
	r      mediatime.Range
	offset mediatime.Time
	index  media.Index
	size   int
}

func newMemoryStore(t *testing.T, signer *auth.Signer, verifier *auth.Verifier) *memoryStore {
	t.Helper()
	m := &memoryStore{
		signer: signer, verifier: verifier, flows: map[uuid.UUID]*media.Flow{}, deleted: map[uuid.UUID]bool{},
		segments: map[uuid.UUID][]stored{}, objects: map[string][]byte{},
	}
	m.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		body, ok := m.objects[strings.TrimPrefix(r.URL.Path, "/")]
		m.mu.Unlock()
		if !ok {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}))
	t.Cleanup(m.server.Close)
	return m
}

// ReadIndex implements origin.Index as media-store does.
func (m *memoryStore) ReadIndex(ctx context.Context, in *mediastorev1.ReadIndexRequest) (*mediastorev1.ReadIndexResponse, error) {
	token, err := m.signer.Service(ctx, "media-store")
	if err != nil {
		return nil, err
	}
	caller, err := m.verifier.Verify(token)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.away {
		return nil, fault.New(fault.Unavailable, "media-store is away")
	}
	id := uuid.MustParse(in.GetFlowId())
	flow := m.flows[id]
	if flow == nil || caller.Tenant != tenant {
		return nil, fault.Newf(fault.NotFound, "there is no flow %s", id)
	}
	if m.deleted[id] {
		return nil, fault.Newf(fault.Gone, "flow %s was deleted", id)
	}
	r, err := mediatime.ParseRange(in.GetTimerange())
	if err != nil {
		return nil, err
	}
	after, _ := strconv.Atoi(in.GetPageToken())
	out := &mediastorev1.ReadIndexResponse{Flow: flow.Proto()}
	found := slices.DeleteFunc(slices.Clone(m.segments[id]), func(s stored) bool { return !s.r.Overlaps(r) })
	for i := after; i < len(found); i++ {
		if len(out.Segments) == int(in.GetPageSize()) {
			out.NextPageToken = strconv.Itoa(i)
			break
		}
		s := found[i]
		out.Segments = append(out.Segments, &mediastorev1.IndexedSegment{
			ObjectId: s.object, Timerange: s.r.String(), TsOffsetNs: int64(s.offset), Size: int64(s.size),
			Index: s.index.Pack(), Url: m.server.URL + "/" + s.object,
		})
	}
	return out, nil
}

// add registers an object.
func (m *memoryStore) add(flow *media.Flow, r mediatime.Range, o *runs.Object) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := uuid.NewString()
	m.objects[name] = o.Bytes
	m.segments[flow.ID] = append(m.segments[flow.ID], stored{object: name, r: r, index: o.Index, size: len(o.Bytes)})
	slices.SortFunc(m.segments[flow.ID], func(a, b stored) int { return int(a.r.Start - b.r.Start) })
	flow.Timerange = flow.Timerange.Union(r)
}

// put makes a Flow known.
func (m *memoryStore) put(flow *media.Flow) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flows[flow.ID] = flow
}

// close marks Flows complete.
func (m *memoryStore) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, f := range m.flows {
		f.Status = media.StatusComplete
	}
}

// ingested is a file on its way into the store.
type ingested struct {
	multi  *media.Flow
	flows  map[int]*media.Flow
	chunks []*formats.Chunk
	format formats.Format
	input  formats.Input
}

type memoryFile struct{ *bytes.Reader }

func (f memoryFile) Size() int64 { return f.Reader.Size() }

// begin makes the Flows of a file and plans it, with objects of the given sizes.
func (m *memoryStore) begin(t *testing.T, format formats.Format, path string, sizes formats.Sizes) *ingested {
	t.Helper()
	return m.beginRange(t, format, path, sizes, mediatime.Eternity)
}

// beginRange does so for a part of the file.
func (m *memoryStore) beginRange(t *testing.T, format formats.Format, path string, sizes formats.Sizes, r mediatime.Range) *ingested {
	t.Helper()
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	in := &ingested{flows: map[int]*media.Flow{}, format: format, input: memoryFile{bytes.NewReader(body)}}
	analysis, err := format.Probe(t.Context(), in.input)
	require.NoError(t, err)
	in.multi = &media.Flow{ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatMulti, Status: media.StatusIngesting}
	for _, track := range analysis.Tracks {
		if track.Skipped != "" {
			continue
		}
		flow := *track.Flow
		flow.ID, flow.SourceID, flow.Status, flow.Created = uuid.New(), uuid.New(), media.StatusIngesting, time.Unix(1700000000, 0)
		if flow.Tags == nil {
			flow.Tags = media.Tags{}
		}
		flow.Tags["ingest_timerange"] = []string{track.Range.Intersect(r).String()}
		in.flows[track.Number] = &flow
		in.multi.Collection = append(in.multi.Collection, media.Member{FlowID: flow.ID, Role: fmt.Sprint(track.Number)})
		m.put(&flow)
	}
	m.put(in.multi)
	request := &formats.PlanRequest{Analysis: analysis, Flows: in.flows, Range: r, Sizes: sizes}
	require.NoError(t, format.Plan(t.Context(), in.input, request, func(c *formats.Chunk) error {
		in.chunks = append(in.chunks, c)
		return nil
	}))
	return in
}

// read stores one chunk.
func (m *memoryStore) read(t *testing.T, in *ingested, chunk int) {
	t.Helper()
	sink := &memorySink{store: m, flows: in.flows, open: map[int]*openObject{}}
	require.NoError(t, in.format.Read(t.Context(), in.input, &formats.ReadRequest{Chunk: in.chunks[chunk], Flows: in.flows}, sink))
	for number := range sink.open {
		require.NoError(t, sink.end(number))
	}
}

// ingest stores a whole file.
func (m *memoryStore) ingest(t *testing.T, format formats.Format, path string, sizes formats.Sizes) *ingested {
	t.Helper()
	in := m.begin(t, format, path, sizes)
	m.readAll(t, in)
	return in
}

// readAll stores every chunk and closes the Flows.
func (m *memoryStore) readAll(t *testing.T, in *ingested) {
	t.Helper()
	for i := range in.chunks {
		m.read(t, in, i)
	}
	m.close()
}

type memorySink struct {
	store *memoryStore
	flows map[int]*media.Flow
	open  map[int]*openObject
}

type openObject struct {
	r      mediatime.Range
	writer *runs.Writer
}

func (s *memorySink) StartObject(track int, r mediatime.Range) error {
	if err := s.end(track); err != nil {
		return err
	}
	s.open[track] = &openObject{r, runs.NewWriter(s.flows[track], uuid.New(), nil)}
	return nil
}

func (s *memorySink) Grain(track int, g *formats.Grain) error { return s.open[track].writer.Add(g) }

func (s *memorySink) end(track int) error {
	o := s.open[track]
	if o == nil || o.writer.Grains() == 0 || o.r.IsEmpty() {
		return nil
	}
	finished, err := o.writer.Finish()
	if err != nil {
		return err
	}
	s.store.add(s.flows[track], o.r, finished)
	delete(s.open, track)
	return nil
}

// smallSizes give many objects and chunks.
func smallSizes() formats.Sizes {
	return formats.Sizes{
		ChunkBytes: 128 << 10, MaxChunkBytes: 4 << 20, ChunkDuration: 2 * mediatime.Second,
		VideoObject: 100 << 10, AudioObject: 256 << 10, AudioDuration: 3 * mediatime.Second,
	}
}
