package tams_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/outbox"
	"github.com/grainmesh/grainmesh/pkg/pg"
	"github.com/grainmesh/grainmesh/pkg/telemetry"

	"github.com/grainmesh/grainmesh/services/media-store/migrations"
	"github.com/grainmesh/grainmesh/services/media-store/store"
	"github.com/grainmesh/grainmesh/services/media-store/tams"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

// client calls the API as one caller.
type client struct {
	base   string
	tenant string
	scopes []auth.Scope
	db     *pg.DB
}

// setup starts the API on a database and a bucket of its own. The caller is proved
// by two headers, as the verifier would prove it by a token.
func setup(t *testing.T) (alpha, beta *client) {
	t.Helper()
	db := meshtest.Schema(t, "store", migrations.FS)
	trace, err := telemetry.NewTracing(t.Context(), "test", "")
	require.NoError(t, err)
	publisher := outbox.NewPublisher(db, nil, db.NewSignal("outbox"), nil, outbox.DefaultConfig(), telemetry.Discard())
	s3 := meshtest.Bucket(t)
	objects, err := objstore.Open(objstore.Config{URL: config.Secret(strings.Replace(s3.Endpoint, "://", "://"+s3.AccessKey+":"+s3.SecretKey+"@", 1))})
	require.NoError(t, err)
	t.Cleanup(objects.Close)
	api := tams.New(store.New(db, publisher, trace), objects.Bucket(s3.Bucket), tams.Config{
		UploadTTL: time.Hour, DownloadTTL: time.Hour, MinObjectTimeout: time.Hour, Version: "test",
	}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	handler := api.Handler(func(chi.Router) {})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tenant := r.Header.Get("X-Tenant"); tenant != "" {
			id := &auth.Identity{Kind: auth.KindUser, Subject: "somebody", Tenant: tenant}
			for _, scope := range r.Header.Values("X-Scope") {
				id.Scopes = append(id.Scopes, auth.Scope(scope))
			}
			r = r.WithContext(auth.WithIdentity(r.Context(), id))
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	all := []auth.Scope{auth.Read, auth.Write, auth.Delete}
	return &client{server.URL, "alpha", all, db}, &client{server.URL, "beta", all, db}
}

// answer is what the API answered.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) decode(t *testing.T, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(a.body, into), string(a.body))
}

// object decodes a JSON object.
func (a *answer) object(t *testing.T) map[string]any {
	t.Helper()
	var out map[string]any
	a.decode(t, &out)
	return out
}

// list decodes a JSON list of objects.
func (a *answer) list(t *testing.T) []map[string]any {
	t.Helper()
	var out []map[string]any
	a.decode(t, &out)
	return out
}

// raw is a body that is sent as it is.
type raw string

// call sends a request; path is below the prefix unless it is a whole URL. The body
// is sent as JSON.
func (c *client) call(t *testing.T, method, path string, body any) *answer {
	t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case raw:
		reader = strings.NewReader(string(b))
	default:
		encoded, err := json.Marshal(b)
		require.NoError(t, err)
		reader = bytes.NewReader(encoded)
	}
	url := path
	if !strings.HasPrefix(path, "http") {
		url = c.base + tams.Prefix + path
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, reader)
	require.NoError(t, err)
	request.Header.Set("X-Tenant", c.tenant)
	for _, scope := range c.scopes {
		request.Header.Add("X-Scope", string(scope))
	}
	response, err := new(http.Client).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return &answer{response.StatusCode, response.Header, got}
}

// want is call that must be answered with a status.
func (c *client) want(t *testing.T, status int, method, path string, body any) *answer {
	t.Helper()
	a := c.call(t, method, path, body)
	require.Equal(t, status, a.status, "%s %s: %s", method, path, a.body)
	return a
}

func videoFlow(id, source uuid.UUID) map[string]any {
	return map[string]any{
		"id": id, "source_id": source, "format": "urn:x-nmos:format:video", "codec": "video/h264", "container": "video/mp2t",
		"label": "camera one", "tags": map[string]any{"reel": "A1", "people": []string{"ann", "bob"}}, "generation": 1,
		"essence_parameters": map[string]any{
			"frame_width": 1920, "frame_height": 1080, "frame_rate": map[string]any{"numerator": 25},
			"avc_parameters": map[string]any{"profile": 100, "level": 40, "flags": 0}, "bit_depth": 8,
		},
	}
}

func (c *client) newFlow(t *testing.T) uuid.UUID {
	t.Helper()
	id := uuid.New()
	c.want(t, http.StatusCreated, http.MethodPut, "/flows/"+id.String(), videoFlow(id, uuid.New()))
	return id
}

// upload asks for storage, puts bytes there as a plain client does, and returns the
// object's id.
func (c *client) upload(t *testing.T, flow uuid.UUID, content string) string {
	t.Helper()
	var storage struct {
		MediaObjects []struct {
			ObjectID string `json:"object_id"`
			PutURL   struct {
				URL         string `json:"url"`
				ContentType string `json:"content-type"`
			} `json:"put_url"`
		} `json:"media_objects"`
	}
	c.want(t, http.StatusCreated, http.MethodPost, "/flows/"+flow.String()+"/storage", map[string]any{"limit": 1}).decode(t, &storage)
	require.Len(t, storage.MediaObjects, 1)
	object := storage.MediaObjects[0]
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, object.PutURL.URL, strings.NewReader(content))
	require.NoError(t, err)
	request.Header.Set("Content-Type", object.PutURL.ContentType)
	response, err := new(http.Client).Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	return object.ObjectID
}

// addSegment uploads an object and registers it at a range.
func (c *client) addSegment(t *testing.T, flow uuid.UUID, timerange string) string {
	t.Helper()
	object := c.upload(t, flow, "pictures of "+timerange)
	c.want(t, http.StatusCreated, http.MethodPost, "/flows/"+flow.String()+"/segments",
		map[string]any{"object_id": object, "timerange": timerange})
	return object
}
