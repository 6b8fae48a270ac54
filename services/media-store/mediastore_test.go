package mediastore_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"

	mediastore "github.com/grainmesh/grainmesh/services/media-store"
	"github.com/grainmesh/grainmesh/services/media-store/migrations"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

// queue keeps what the service publishes.
type queue struct {
	mu       sync.Mutex
	subjects []string
}

func (q *queue) Publish(_ context.Context, messages []bus.Outgoing) []error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range messages {
		q.subjects = append(q.subjects, m.Subject)
	}
	return make([]error, len(messages))
}

func (q *queue) EnsureStreams(context.Context, ...subjects.Layer) error { return nil }

// changes lists what was published about an entity, in order.
func (q *queue) changes(id string) []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []string
	for _, subject := range q.subjects {
		if _, change, ok := strings.Cut(subject, id+"."); ok {
			out = append(out, change)
		}
	}
	return out
}

// bundle is a running service.
type bundle struct {
	url   string
	queue *queue
}

func setup(t *testing.T) *bundle {
	t.Helper()
	db := meshtest.Schema(t, mediastore.Schema, migrations.FS)
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	s3 := meshtest.Bucket(t)
	objects, err := objstore.Open(objstore.Config{URL: config.Secret(strings.Replace(s3.Endpoint, "://", "://"+s3.AccessKey+":"+s3.SecretKey+"@", 1))})
	require.NoError(t, err)
	t.Cleanup(objects.Close)
	var cfg mediastore.Config
	require.NoError(t, config.Load("GRAINMESH_TEST_MEDIA_STORE", &cfg))
	b, registry := &bundle{queue: &queue{}}, prometheus.NewRegistry()
	service, err := mediastore.New(cfg, mediastore.Deps{
		DB: db, Queue: b.queue, Bucket: objects.Bucket(s3.Bucket), Trace: trace, Metrics: registry, Log: telemetry.Discard(),
		Twirp: serve.NewTwirpServer(telemetry.Discard(), registry),
	})
	require.NoError(t, err)
	b.url = listen(t, service)
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- service.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-stopped)
	})
	return b
}

// callers are the services that call each method of Segments.
var callers = map[string]string{
	"PutFlows": "chunker", "AllocateObjects": "reader", "RegisterSegments": "reader", "EndFlows": "job-api", "ReadIndex": "origin",
}

// listen serves all routes of a service. Headers say who calls, in place of a token.
func listen(t *testing.T, service *mediastore.Service) string {
	t.Helper()
	mux := chi.NewRouter()
	routes := service.Routes()
	for _, route := range append(routes.Public, routes.Internal...) {
		mux.Mount(route.Prefix, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			chi.RouteContext(r.Context()).RoutePath = ""
			if tenant := r.Header.Get("X-Tenant"); tenant != "" {
				id := &auth.Identity{Subject: "somebody", Tenant: tenant, Scopes: []auth.Scope{auth.Scope(r.Header.Get("X-Scope"))}}
				if id.Has(auth.Service) {
					id.Subject = callers[path.Base(r.URL.Path)]
				}
				r = r.WithContext(auth.WithIdentity(r.Context(), id))
			}
			route.Handler.ServeHTTP(w, r)
		}))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// as is a client of one tenant with one scope.
func (b *bundle) as(tenant string, scope auth.Scope) *http.Client {
	return &http.Client{Transport: headers{"X-Tenant": tenant, "X-Scope": string(scope)}}
}

type headers map[string]string

func (h headers) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for name, value := range h {
		r.Header.Set(name, value)
	}
	return http.DefaultTransport.RoundTrip(r) //nolint:forbidigo // the test's servers close its connections
}

func (b *bundle) segments(tenant string) mediastorev1.Segments {
	return mediastorev1.NewSegmentsProtobufClient(b.url, b.as(tenant, auth.Service), serve.ClientOption())
}

func (b *bundle) flows(tenant string) mediastorev1.Flows {
	return mediastorev1.NewFlowsProtobufClient(b.url, b.as(tenant, auth.Read), serve.ClientOption())
}

func newFlow() *media.Flow {
	return &media.Flow{
		ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatAudio, Codec: media.CodecPCM, Container: media.ContainerGSF, Label: "Sound",
		Audio: &media.Audio{SampleRate: 48000, Channels: 2, BitDepth: 16},
	}
}

// put uploads bytes as a reader does, and returns the status.
func put(t *testing.T, o *mediastorev1.AllocatedObject, bytes string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, o.GetPutUrl(), strings.NewReader(bytes))
	require.NoError(t, err)
	for name, value := range o.GetHeaders() {
		request.Header.Set(name, value)
	}
	response, err := new(http.Client).Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// store makes a run with one Flow and n objects, of a second and two grains each.
func (b *bundle) store(t *testing.T, tenant string, flow *media.Flow, n int) (job string) {
	t.Helper()
	api, job, work := b.segments(tenant), uuid.NewString(), uuid.NewString()
	_, err := api.PutFlows(t.Context(), &mediastorev1.PutFlowsRequest{JobId: job, Run: 1, Flows: []*mediav1.Flow{flow.Proto()}})
	require.NoError(t, err)
	allocated, err := api.AllocateObjects(t.Context(), &mediastorev1.AllocateObjectsRequest{WorkId: work, Objects: map[string]int32{flow.ID.String(): int32(n)}})
	require.NoError(t, err)
	request := &mediastorev1.RegisterSegmentsRequest{WorkId: work, Epoch: 1, JobId: job, Run: 1}
	for i, o := range allocated.GetObjects() {
		require.Equal(t, http.StatusOK, put(t, o, "bytes"))
		require.Equal(t, http.StatusPreconditionFailed, put(t, o, "other"))
		start := mediatime.Time(i) * mediatime.Second
		index := make(media.Index, 2)
		for k := range index {
			at := start + mediatime.Time(k)*mediatime.Second/2
			index[k] = media.Entry{Grain: media.Grain{PTS: at, Order: at, Duration: mediatime.Second / 2, Access: media.Clean, Samples: 24000}, Offset: int64(k), Size: 1}
		}
		request.Segments = append(request.Segments, &mediastorev1.NewSegment{
			FlowId: flow.ID.String(), ObjectId: o.GetObjectId(), Timerange: mediatime.NewRange(start, start+mediatime.Second).String(),
			Size: 5, Grains: 2, KeyFrames: 2, Index: index.Pack(),
		})
	}
	response, err := api.RegisterSegments(t.Context(), request)
	require.NoError(t, err)
	require.True(t, response.GetStored())
	response, err = api.RegisterSegments(t.Context(), request)
	require.NoError(t, err)
	require.False(t, response.GetStored())
	return job
}

const patience, pollEvery = 10 * time.Second, 10 * time.Millisecond

func TestRunIsStoredReadAndTold(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), newFlow()
	job := b.store(t, "alpha", flow, 3)
	api := b.segments("alpha")
	request := &mediastorev1.ReadIndexRequest{FlowId: flow.ID.String(), PageSize: 2}
	var ranges []string
	for {
		page, err := api.ReadIndex(t.Context(), request)
		require.NoError(t, err)
		require.Equal(t, "[0:0_3:0)", page.GetFlow().GetTimerange())
		for _, s := range page.GetSegments() {
			ranges = append(ranges, s.GetTimerange())
			index, err := media.UnpackIndex(s.GetIndex())
			require.NoError(t, err)
			require.Len(t, index, 2)
			response, err := new(http.Client).Get(s.GetUrl()) //nolint:noctx // a signed URL of this test
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, http.StatusOK, response.StatusCode)
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			break
		}
	}
	require.Equal(t, []string{"[0:0_1:0)", "[1:0_2:0)", "[2:0_3:0)"}, ranges)

	ended, err := api.EndFlows(t.Context(), &mediastorev1.EndFlowsRequest{JobId: job, Run: 1})
	require.NoError(t, err)
	require.EqualValues(t, 15, ended.GetBytes())
	require.EqualValues(t, 6, ended.GetGrains())
	require.Eventually(t, func() bool { return len(b.queue.changes(flow.ID.String())) == 3 }, patience, pollEvery)
	require.Equal(t, []string{"created", "segments_added", "closed"}, b.queue.changes(flow.ID.String()))
	require.Equal(t, []string{"created"}, b.queue.changes(flow.SourceID.String()))
}

func TestFlowsAreLookedAt(t *testing.T) {
	t.Parallel()
	b, flow, other := setup(t), newFlow(), newFlow()
	other.Label = "50% off_air"
	b.store(t, "alpha", flow, 3)
	b.store(t, "alpha", other, 1)
	api := b.flows("alpha")

	got, err := api.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: flow.ID.String()})
	require.NoError(t, err)
	require.Equal(t, []int64{3, 3, 15, 6}, []int64{got.GetSegments(), got.GetObjects(), got.GetBytes(), got.GetGrains()})
	require.Equal(t, mediav1.FlowStatus_FLOW_STATUS_INGESTING, got.GetFlow().GetStatus())

	first, err := api.ListFlows(t.Context(), &mediastorev1.ListFlowsRequest{PageSize: 1, TopLevel: true})
	require.NoError(t, err)
	require.Equal(t, other.ID.String(), first.GetFlows()[0].GetId(), "the newest first")
	second, err := api.ListFlows(t.Context(), &mediastorev1.ListFlowsRequest{PageSize: 1, PageToken: first.GetNextPageToken()})
	require.NoError(t, err)
	require.Equal(t, flow.ID.String(), second.GetFlows()[0].GetId())
	require.Empty(t, second.GetNextPageToken())
	for text, count := range map[string]int{"SOUND": 1, "%": 1, "f_a": 1, "x-raw": 2, flow.ID.String()[:8]: 1, "nothing": 0} {
		page, err := api.ListFlows(t.Context(), &mediastorev1.ListFlowsRequest{Text: text})
		require.NoError(t, err)
		require.Len(t, page.GetFlows(), count, text)
	}
	sources, err := api.ListSources(t.Context(), &mediastorev1.ListSourcesRequest{Text: "sound"})
	require.NoError(t, err)
	require.Len(t, sources.GetSources(), 1)
	source, err := api.GetSource(t.Context(), &mediastorev1.GetSourceRequest{Id: flow.SourceID.String()})
	require.NoError(t, err)
	require.Len(t, source.GetFlows(), 1)
}

func TestGrainsAreListedByTime(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), newFlow()
	b.store(t, "alpha", flow, 3)
	request := &mediastorev1.ListGrainsRequest{FlowId: flow.ID.String(), PageSize: 4, Timerange: "[0:500000000_2:500000000)"}
	first, err := b.flows("alpha").ListGrains(t.Context(), request)
	require.NoError(t, err)
	require.Len(t, first.GetGrains(), 4)
	require.Empty(t, first.GetNextPageToken())
	request.PageSize = 3
	first, err = b.flows("alpha").ListGrains(t.Context(), request)
	require.NoError(t, err)
	require.Len(t, first.GetGrains(), 3)
	require.EqualValues(t, 500_000_000, first.GetGrains()[0].GetTimeNs())
	require.EqualValues(t, 1, first.GetGrains()[0].GetPosition())
	require.Equal(t, "idr", first.GetGrains()[0].GetRandomAccess())
	request.PageToken = first.GetNextPageToken()
	second, err := b.flows("alpha").ListGrains(t.Context(), request)
	require.NoError(t, err)
	require.Len(t, second.GetGrains(), 1)
	require.EqualValues(t, 2_000_000_000, second.GetGrains()[0].GetTimeNs())
}

func TestCallersSeeTheirTenantAndUseTheirScope(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), newFlow()
	job := b.store(t, "alpha", flow, 1)
	id := flow.ID.String()
	code := func(_ any, err error) fault.Code { return fault.Of(err).Code }
	require.Equal(t, fault.NotFound, code(b.flows("beta").GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: id})))
	require.Equal(t, fault.NotFound, code(b.flows("beta").ListGrains(t.Context(), &mediastorev1.ListGrainsRequest{FlowId: id})))
	require.Equal(t, fault.NotFound, code(b.flows("beta").GetSource(t.Context(), &mediastorev1.GetSourceRequest{Id: flow.SourceID.String()})))
	require.Equal(t, fault.NotFound, code(b.segments("beta").ReadIndex(t.Context(), &mediastorev1.ReadIndexRequest{FlowId: id})))
	require.Equal(t, fault.NotFound, code(b.segments("beta").AllocateObjects(t.Context(),
		&mediastorev1.AllocateObjectsRequest{WorkId: uuid.NewString(), Objects: map[string]int32{id: 1}})))
	list, err := b.flows("beta").ListFlows(t.Context(), &mediastorev1.ListFlowsRequest{})
	require.NoError(t, err)
	require.Empty(t, list.GetFlows())
	_, err = b.segments("beta").EndFlows(t.Context(), &mediastorev1.EndFlowsRequest{JobId: job, Run: 1, Discard: true})
	require.NoError(t, err)
	_, err = b.flows("alpha").GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: id})
	require.NoError(t, err, "another tenant's job of the same id is another job")

	user := mediastorev1.NewSegmentsProtobufClient(b.url, b.as("alpha", auth.Admin), serve.ClientOption())
	require.Equal(t, fault.PermissionDenied, code(user.ReadIndex(t.Context(), &mediastorev1.ReadIndexRequest{FlowId: id})))
	nobody := mediastorev1.NewFlowsProtobufClient(b.url, new(http.Client), serve.ClientOption())
	require.Equal(t, fault.Unauthenticated, code(nobody.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: id})))
	odd := mediastorev1.NewFlowsProtobufClient(b.url, b.as("../alpha", auth.Read), serve.ClientOption())
	require.Equal(t, fault.PermissionDenied, code(odd.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: id})))
}

func TestBadRequestsAreNamed(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), newFlow()
	b.store(t, "alpha", flow, 1)
	id := flow.ID.String()
	for name, call := range map[string]func() error{
		"page_size": func() error {
			_, err := b.flows("alpha").ListFlows(t.Context(), &mediastorev1.ListFlowsRequest{PageSize: -1})
			return err
		},
		"page_token": func() error {
			_, err := b.flows("alpha").ListGrains(t.Context(), &mediastorev1.ListGrainsRequest{FlowId: id, PageToken: "x"})
			return err
		},
		"page token": func() error {
			_, err := b.flows("alpha").ListFlows(t.Context(), &mediastorev1.ListFlowsRequest{PageToken: "Zm9vL2Jhcg"})
			return err
		},
		"UUID": func() error {
			_, err := b.flows("alpha").GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: "x"})
			return err
		},
		"TAMS time": func() error {
			_, err := b.segments("alpha").ReadIndex(t.Context(), &mediastorev1.ReadIndexRequest{FlowId: id, Timerange: "soon"})
			return err
		},
		"job_id": func() error {
			_, err := b.segments("alpha").EndFlows(t.Context(), &mediastorev1.EndFlowsRequest{})
			return err
		},
	} {
		err := call()
		require.ErrorContains(t, err, name)
		require.Equal(t, fault.InvalidArgument, fault.Of(err).Code)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	good := mediastore.Config{}
	require.NoError(t, config.Load("GRAINMESH_TEST_MEDIA_STORE", &good))
	for name, change := range map[string]func(*mediastore.Config){
		"GRACE":              func(c *mediastore.Config) { c.Grace = time.Minute },
		"MIN_OBJECT_TIMEOUT": func(c *mediastore.Config) { c.MinObjectTimeout = time.Minute },
		"WINDOWS":            func(c *mediastore.Config) { c.Windows = 0 },
		"WINDOW_READS":       func(c *mediastore.Config) { c.WindowReads = 0 },
	} {
		bad := good
		change(&bad)
		require.ErrorContains(t, bad.Validate(), name)
	}
}
