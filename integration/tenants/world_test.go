package tenants_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/pkg/sources"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

func TestMain(m *testing.M) { harness.Main(m) }

// Tenants. Their names are such as stand in no answer by chance.
const (
	tenantA = "tenant-alpha"
	tenantB = "tenant-beta"
)

// world is a mesh in which tenant A has something of everything.
type world struct {
	*harness.Mesh
	a, b   *harness.User
	client *http.Client
	routes map[string]serve.Routes // by service; of a mesh in one process only
	// things are what the placeholders of the tables stand for.
	things []thing
}

// thing is something that A has, and the like of it that nobody has; or something
// that B itself has, twice.
type thing struct{ name, ofA, ofNobody string }

func setup(t *testing.T) *world {
	t.Helper()
	return setupAs(t, harness.Together)
}

func setupAs(t *testing.T, mode harness.Mode) *world {
	t.Helper()
	w := &world{routes: map[string]serve.Routes{}, client: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(w.client.CloseIdleConnections)
	w.Mesh = harness.New(t, harness.Options{Mode: mode, Services: w.watched()})
	w.a, w.b = w.User(t, tenantA), w.User(t, tenantB)
	return w
}

// watched are all services, whose route tables the world comes to know.
func (w *world) watched() []service.Definition {
	var all []service.Definition
	for _, d := range mesh.Services() {
		all = append(all, service.Definition{Name: d.Name, New: func(ctx context.Context, env *service.Env) (service.Service, error) {
			s, err := d.New(ctx, env)
			if err == nil {
				w.routes[d.Name] = s.Routes()
			}
			return s, err
		}})
	}
	return all
}

// fill lets A ingest, upload and describe, and B have a Flow of its own.
func (w *world) fill(t *testing.T) {
	t.Helper()
	const key = "key-of-alpha"
	request := &jobv1.CreateJobRequest{IdempotencyKey: key, Spec: &jobv1.IngestSpec{
		Url: w.Source.Set("/secret-take.wav", harness.File(harness.WAV(harness.SampleRate))), Label: "secret-label",
	}}
	created, err := w.a.Jobs.CreateJob(t.Context(), request)
	require.NoError(t, err)
	job := w.a.Await(t, created.GetJob().GetId())
	require.Equal(t, jobv1.JobState_JOB_STATE_COMPLETED, job.GetState())
	flow := job.GetFlowIds()[0]
	described, err := w.a.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: flow})
	require.NoError(t, err)
	put := w.a.Do(t, http.MethodPut, harness.TAMS+"/flows/"+flow+"/tags/reel", strings.NewReader(`"secret-tag"`))
	require.Equal(t, http.StatusNoContent, put.Status, "%s", put.Body)
	object, stored := w.stored(t, flow)
	open, file := w.upload(t)
	analysis, ofB, urlOfB := w.filmAnalysis(t), w.flowOf(t, w.b), w.Source.Set("/own.wav", harness.File(harness.WAV(100)))
	bucket, nobodys := "s3://"+w.Settings.S3Bucket+"/", uuid.NewString()
	w.things = []thing{
		{"job", job.GetId(), uuid.NewString()},
		{"multi", job.GetFlowId(), uuid.NewString()},
		{"flow", flow, uuid.NewString()},
		{"source", described.GetFlow().GetSourceId(), uuid.NewString()},
		{"key", key, "key-of-nobody"},
		{"label", "secret-label", "nobodys-label"},
		{"file", file, bucket + sources.UploadPrefix("nobody") + "/" + uuid.NewString() + "/secret.wav"},
		{"stored", bucket + stored, bucket + strings.NewReplacer(tenantA, "nobody", object, nobodys).Replace(stored)},
		{"object", object, nobodys}, // after the key, which ends with it
		{"upload", open, renamed(t, open)},
		{"analysis", analysis, analysis},
		{"b_flow", ofB, ofB},
		{"b_url", urlOfB, urlOfB},
		{"new", uuid.NewString(), uuid.NewString()},
	}
}

// stored returns an object of a Flow of A's, and its key in the bucket.
func (w *world) stored(t *testing.T, flow string) (object, key string) {
	t.Helper()
	var segments []struct {
		ObjectID string `json:"object_id"`
	}
	require.NoError(t, json.Unmarshal(w.a.Get(t, harness.TAMS+"/flows/"+flow+"/segments").Body, &segments))
	object = segments[0].ObjectID
	require.NoError(t, w.Database(t).QueryRow(t.Context(), `SELECT key FROM store.object WHERE id = $1`, object).Scan(&key))
	return object, key
}

// filmAnalysis says what is in a film, in JSON.
func (w *world) filmAnalysis(t *testing.T) string {
	t.Helper()
	film, err := os.ReadFile(harness.Movie(t))
	require.NoError(t, err)
	url := w.Source.Set("/film.mp4", harness.File(film))
	return string(call(t, w.b, "/twirp/grainmesh.analyser.v1.Analyser/Probe", `{"url": "`+url+`"}`)["analysis"])
}

// call calls a Twirp method, which must answer well, and takes its answer apart.
func call(t *testing.T, user *harness.User, path, body string) map[string]json.RawMessage {
	t.Helper()
	got := user.Do(t, http.MethodPost, path, strings.NewReader(body))
	require.Equal(t, http.StatusOK, got.Status, "%s: %s", path, got.Body)
	answer := map[string]json.RawMessage{}
	require.NoError(t, json.Unmarshal(got.Body, &answer))
	return answer
}

const portalAPI = "/twirp/grainmesh.portal.v1.Portal/"

// upload makes two uploads of A: one that stays open, and one that became a file.
func (w *world) upload(t *testing.T) (open, file string) {
	t.Helper()
	wav := harness.WAV(100)
	begin := func() string {
		answer := call(t, w.a, portalAPI+"StartUpload", `{"file_name": "secret.wav", "mime_type": "audio/wav", "size": "`+strconv.Itoa(len(wav))+`"}`)
		return text(t, answer["upload_id"])
	}
	id := begin()
	var urls map[string]string
	require.NoError(t, json.Unmarshal(call(t, w.a, portalAPI+"SignParts", `{"upload_id": "`+id+`", "parts": [1]}`)["urls"], &urls))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, urls["1"], bytes.NewReader(wav))
	require.NoError(t, err)
	response, err := w.client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, http.StatusOK, response.StatusCode)
	etags, err := json.Marshal(map[string]string{"1": response.Header.Get("ETag")})
	require.NoError(t, err)
	done := call(t, w.a, portalAPI+"CompleteUpload", `{"upload_id": "`+id+`", "etags": `+string(etags)+`}`)
	return begin(), text(t, done["url"])
}

func text(t *testing.T, raw json.RawMessage) string {
	t.Helper()
	var s string
	require.NoError(t, json.Unmarshal(raw, &s), "%s", raw)
	return s
}

// renamed is an upload's id as it would be of another tenant's upload.
func renamed(t *testing.T, id string) string {
	t.Helper()
	document, err := base64.RawURLEncoding.DecodeString(id)
	require.NoError(t, err)
	require.Contains(t, string(document), tenantA)
	return base64.RawURLEncoding.EncodeToString(bytes.ReplaceAll(document, []byte(tenantA), []byte("tenant-gamma")))
}

// flowOf makes an empty Flow of a user.
func (w *world) flowOf(t *testing.T, user *harness.User) string {
	t.Helper()
	id := uuid.NewString()
	made := user.Do(t, http.MethodPut, harness.TAMS+"/flows/"+id, strings.NewReader(flowBody(id, uuid.NewString())))
	require.Equal(t, http.StatusCreated, made.Status, "%s", made.Body)
	return id
}

func flowBody(id, source string) string {
	return `{"id": "` + id + `", "source_id": "` + source + `", "format": "urn:x-nmos:format:audio", "codec": "audio/x-raw",
		"container": "audio/wav", "essence_parameters": {"sample_rate": 48000, "channels": 2}}`
}

// fillIn puts what A has, or what nobody has, in place of the placeholders.
func (w *world) fillIn(template string, nobodys bool) string {
	for _, th := range w.things {
		value := th.ofA
		if nobodys {
			value = th.ofNobody
		}
		template = strings.ReplaceAll(template, "{"+th.name+"}", value)
	}
	return template
}

// passing is what differs between any two answers.
var passing = regexp.MustCompile(`"(trace_id|time)":"[^"]*"`)

// blank takes out of an answer what the request put into it.
func (w *world) blank(answer []byte, nobodys bool) string {
	out := passing.ReplaceAllString(string(answer), "")
	for _, th := range w.things {
		value := th.ofA
		if nobodys {
			value = th.ofNobody
		}
		out = strings.ReplaceAll(out, value, "{"+th.name+"}")
	}
	return out
}

// requireSilent says that an answer to B tells nothing of A that B did not say itself.
func (w *world) requireSilent(t *testing.T, request string, answer []byte) {
	t.Helper()
	marks := []string{tenantA, "secret-take", "secret-tag", "secret.wav"}
	for _, th := range w.things {
		if th.ofA != th.ofNobody {
			marks = append(marks, th.ofA)
		}
	}
	for _, mark := range marks {
		if !strings.Contains(request, mark) {
			require.NotContains(t, string(answer), mark)
		}
	}
}

// send sends a request with a token, if there is one, and reads all of the answer, if
// it ends.
func (w *world) send(t *testing.T, base, token, method, path, body string) *harness.Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := w.client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer := &harness.Answer{Status: response.StatusCode, Header: response.Header}
	if response.Header.Get("Content-Type") == "text/event-stream" {
		return answer // it does not end
	}
	answer.Body, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer
}

// signer signs in the name of an identity of the mesh.
func (w *world) signer(t *testing.T, name string) *auth.Signer {
	t.Helper()
	signer, err := auth.OpenKeyring(w.Settings.Keys).Signer(name)
	require.NoError(t, err)
	return signer
}

// ownedBy is everything that the database has of a tenant, but for what is on its way
// to the queue.
func (w *world) ownedBy(t *testing.T, tenant string) map[string]string {
	t.Helper()
	db := w.Database(t)
	rows, err := db.Query(t.Context(), `
		SELECT table_schema || '.' || table_name FROM information_schema.columns
		WHERE column_name = 'tenant_id' AND table_name <> 'outbox'`)
	require.NoError(t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Contains(t, tables, "job.job")
	require.Contains(t, tables, "store.segment")
	state := map[string]string{}
	for _, table := range tables {
		var content string
		require.NoError(t, db.QueryRow(t.Context(),
			`SELECT coalesce(string_agg(r::text, E'\n' ORDER BY r::text), '') FROM `+table+` r WHERE tenant_id = $1`, tenant).Scan(&content))
		state[table] = content
	}
	return state
}
