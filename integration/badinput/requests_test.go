package badinput_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/fault"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// beyond is a time range past the 292 years on either side of 1970 that are kept.
const beyond = "[9300000000:0_9300000001:0)"

// refusal is what every API says of a request that it does not take.
type refusal struct {
	Code      string
	Message   string
	Fault     string
	Retryable bool
}

func (r refusal) require(t *testing.T, code fault.Code, says ...string) {
	t.Helper()
	require.Equal(t, string(code), r.Code, r.Message)
	require.Equal(t, string(fault.Customer), r.Fault, r.Message)
	require.False(t, r.Retryable, r.Message)
	for _, part := range says {
		require.Contains(t, r.Message, part)
	}
}

// refused reads the refusal of a REST request.
func refused(t *testing.T, body []byte) refusal {
	t.Helper()
	var r refusal
	require.NoError(t, json.Unmarshal(body, &r), "%s", body)
	return r
}

// refusedCall reads the refusal of a Twirp call as clients in other languages see it.
func refusedCall(t *testing.T, body []byte) refusal {
	t.Helper()
	var r struct {
		Msg  string
		Meta struct{ Code, Fault, Retryable string }
	}
	require.NoError(t, json.Unmarshal(body, &r), "%s", body)
	require.Contains(t, []string{"true", "false"}, r.Meta.Retryable)
	return refusal{Code: r.Meta.Code, Message: r.Msg, Fault: r.Meta.Fault, Retryable: r.Meta.Retryable == "true"}
}

const createJob = "/twirp/grainmesh.job.v1.Jobs/CreateJob"

// post sends a body of a type; a length of -1 sends it in pieces, without a length.
func post(t *testing.T, user *harness.User, path, contentType string, body io.Reader, length int64) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, user.URL+path, body)
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	request.ContentLength = length
	response, err := user.HTTP.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, read
}

func TestBadJobsAreRefused(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	database := mesh.Database(t)
	const url = "http://example.org/take.wav"
	cases := []struct {
		name string
		spec *jobv1.IngestSpec
		code fault.Code
		says []string
	}{
		{"unknown mime type", &jobv1.IngestSpec{Url: url, MimeType: "video/x-unheard-of"}, fault.UnknownMIMEType, []string{"video/x-unheard-of", "video/mp4"}},
		{"no mime type", &jobv1.IngestSpec{Url: url, MimeType: "film"}, fault.UnknownMIMEType, []string{`"film"`}},
		{"no url", &jobv1.IngestSpec{}, fault.InvalidArgument, []string{"spec.url"}},
		{"scheme", &jobv1.IngestSpec{Url: "file:///etc/passwd"}, fault.InvalidArgument, []string{"spec.url", `"file"`}},
		{"range beyond 292 years", &jobv1.IngestSpec{Url: url, Timerange: beyond}, fault.TimeOutOfRange, []string{"spec.timerange", "9300000000"}},
		{"origin beyond 292 years", &jobv1.IngestSpec{Url: url, Origin: &jobv1.Origin{
			Kind: jobv1.OriginKind_ORIGIN_KIND_EXPLICIT, Time: "-9300000000:0",
		}}, fault.TimeOutOfRange, []string{"spec.origin.time", "-9300000000"}},
		{"range that is none", &jobv1.IngestSpec{Url: url, Timerange: "soon"}, fault.InvalidArgument, []string{"spec.timerange", "soon"}},
	}
	user := mesh.User(t, "acme")
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			body, err := proto.Marshal(&jobv1.CreateJobRequest{Spec: c.spec})
			require.NoError(t, err)

			status, answer := post(t, user, createJob, "application/protobuf", strings.NewReader(string(body)), int64(len(body)))

			require.Equal(t, http.StatusBadRequest, status, "%s", answer)
			refusedCall(t, answer).require(t, c.code, c.says...)
		})
	}
	list, err := user.Jobs.ListJobs(t.Context(), &jobv1.ListJobsRequest{})
	require.NoError(t, err)
	require.Empty(t, list.GetJobs())
	requireNothingStored(t, user, database, "acme", nil)
}

// endless is a body without end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	user := mesh.User(t, "acme")
	const large = 17 << 20
	for _, c := range []struct {
		name   string
		path   string
		length int64
		read   func(*testing.T, []byte) refusal
	}{
		{"call that says its length", createJob, large, refused},
		{"call that does not", createJob, -1, refused},
		{"store that says its length", "/tams/v8.2/flows/0a68e8a8-1bb8-4d83-8f8f-7b4c1a4ad7f1/segments", large, refused},
		{"store that does not", "/tams/v8.2/flows/0a68e8a8-1bb8-4d83-8f8f-7b4c1a4ad7f1/segments", -1, refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, answer := post(t, user, c.path, "application/json", io.LimitReader(endless{}, large), c.length)
			require.Equal(t, http.StatusRequestEntityTooLarge, status, "%s", answer)
			c.read(t, answer).require(t, fault.BodyTooLarge, "bytes")
		})
	}
}

func TestTimesBeyondTheStoreAreRefused(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	user := mesh.User(t, "acme")
	job := user.Ingest(t, &jobv1.IngestSpec{Url: mesh.Source.Set("/a.wav", harness.File(harness.WAV(harness.SampleRate)))})
	flow := "/tams/v8.2/flows/" + job.GetFlowIds()[0]
	for name, path := range map[string]string{
		"segments": flow + "/segments?timerange=" + beyond,
		"flows":    "/tams/v8.2/flows?timerange=" + beyond,
		"flow":     flow + "?include_timerange=true&timerange=" + beyond,
		"window":   flow + "/window?format=wav&timerange=" + beyond,
		"grain":    flow + "/grains/9300000000:0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, body := get(t, user, path)
			require.Equal(t, http.StatusBadRequest, status, "%s", body)
			refused(t, body).require(t, fault.TimeOutOfRange, "9300000000")
		})
	}
	t.Run("segment to register", func(t *testing.T) {
		t.Parallel()
		body := `{"object_id": "far", "timerange": "` + beyond + `", "get_urls": [{"label": "x", "url": "http://example.org/far"}]}`
		status, answer := post(t, user, flow+"/segments", "application/json", strings.NewReader(body), int64(len(body)))
		require.Equal(t, http.StatusBadRequest, status, "%s", answer)
		refused(t, answer).require(t, fault.TimeOutOfRange, "9300000000")
	})
	t.Run("grains by call", func(t *testing.T) {
		t.Parallel()
		_, err := user.Flows.ListGrains(t.Context(), &mediastorev1.ListGrainsRequest{FlowId: job.GetFlowIds()[0], Timerange: beyond})
		require.True(t, fault.Is(err, fault.TimeOutOfRange), "%v", err)
		require.Contains(t, err.Error(), "9300000000")
	})
}
