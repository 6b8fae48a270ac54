// Package harness runs a whole mesh for one test: every service in this process, on
// the shared Postgres, an account of NATS, a bucket and a Redis of its own.
package harness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// Options say how a test's mesh differs from the usual.
type Options struct {
	// Adjust changes the services' configs.
	Adjust func(config any)
	// Services to run; all of them when empty.
	Services []service.Definition
}

// Mesh is a running mesh.
type Mesh struct {
	URL      string // of the public listener
	Internal string
	// Source is a web server that the mesh may read from.
	Source   *rangetest.Server
	Settings service.Settings
	keyring  *auth.Keyring
	stop     context.CancelFunc
	stopped  chan error
}

// New starts a mesh, and stops it with the test.
func New(t testing.TB, options Options) *Mesh {
	t.Helper()
	m := &Mesh{Source: rangetest.New(t)}
	m.Settings = neighbours(t, m.Source.Host())
	m.keyring = auth.OpenKeyring(m.Settings.Keys)
	m.Start(t, options)
	t.Cleanup(func() { m.Stop(t) })
	return m
}

// neighbours gives a test its own share of everything.
func neighbours(t testing.TB, allowed string) service.Settings {
	t.Helper()
	keys := t.TempDir()
	_, users, err := mesh.EnsureKeys(keys)
	require.NoError(t, err)
	account := meshtest.NATS(t)
	for _, user := range users {
		account.AddUser(t, user)
	}
	bucket := meshtest.Bucket(t)
	s3, err := url.Parse(bucket.Endpoint)
	require.NoError(t, err)
	s3.User = url.UserPassword(bucket.AccessKey, bucket.SecretKey)
	return service.Settings{
		Listen: "127.0.0.1:0", InternalListen: "127.0.0.1:0", Keys: keys, Region: "test",
		DatabaseURL: config.Secret(meshtest.Database(t, meshtest.Template{})), NATSURL: account.URL,
		RedisURL: config.Secret(meshtest.Redis(t)), S3URL: config.Secret(s3.String()), S3Bucket: bucket.Bucket,
		AllowHosts: []string{allowed},
	}
}

// readyTimeout bounds the start of a mesh.
const readyTimeout = 30 * time.Second

// Start runs the mesh, again if it was stopped.
func (m *Mesh) Start(t testing.TB, options Options) {
	t.Helper()
	definitions := options.Services
	if len(definitions) == 0 {
		definitions = mesh.Services()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	m.stop, m.stopped = cancel, make(chan error, 1)
	log := telemetry.Discard()
	if os.Getenv("GRAINMESH_TEST_LOG") != "" {
		log = telemetry.NewLogger(os.Stderr, 0)
	}
	go func() {
		m.stopped <- service.Run(ctx, service.Options{
			Settings: m.Settings, Log: log, Adjust: options.Adjust,
			Ready: func(public, internal string) {
				m.URL, m.Internal = public, internal
				close(ready)
			},
		}, definitions...)
	}()
	select {
	case <-ready:
	case err := <-m.stopped:
		require.NoError(t, err, "the mesh did not start")
	case <-time.After(readyTimeout):
		require.Fail(t, "the mesh is not ready")
	}
}

// Stop stops the mesh; it is no error if it has stopped.
func (m *Mesh) Stop(t testing.TB) {
	t.Helper()
	if m.stop == nil {
		return
	}
	m.stop()
	m.stop = nil
	require.NoError(t, <-m.stopped)
}

// User is someone of a tenant who talks to the mesh.
type User struct {
	Jobs  jobv1.Jobs
	Flows mediastorev1.Flows
	HTTP  *http.Client
	Token string
	URL   string
}

// User returns a user of a tenant with the given scopes; all of them if there are
// none.
func (m *Mesh) User(t testing.TB, tenant string, scopes ...auth.Scope) *User {
	t.Helper()
	if len(scopes) == 0 {
		scopes = auth.UserScopes()
	}
	signer, err := m.keyring.Signer(mesh.UserIssuer)
	require.NoError(t, err)
	token, err := signer.Issue(&auth.Identity{Subject: "tester", Tenant: tenant, Scopes: scopes}, auth.AudienceUsers, time.Hour)
	require.NoError(t, err)
	client := serve.NewHTTPClient(func(context.Context) (string, error) { return token, nil })
	return &User{
		Jobs:  jobv1.NewJobsProtobufClient(m.URL, client, serve.ClientOption()),
		Flows: mediastorev1.NewFlowsProtobufClient(m.URL, client, serve.ClientOption()),
		HTTP:  client, Token: token, URL: m.URL,
	}
}

// Submit makes a job.
func (u *User) Submit(t testing.TB, spec *jobv1.IngestSpec) *jobv1.Job {
	t.Helper()
	response, err := u.Jobs.CreateJob(t.Context(), &jobv1.CreateJobRequest{Spec: spec})
	require.NoError(t, err)
	return response.GetJob()
}

// pollEvery is how often a condition is looked at.
const pollEvery = 10 * time.Millisecond

// jobTimeout bounds the wait for a job; what takes longer hangs.
const jobTimeout = 60 * time.Second

// Await waits until a job has ended, and returns it.
func (u *User) Await(t testing.TB, id string) *jobv1.Job {
	t.Helper()
	var job *jobv1.Job
	require.Eventually(t, func() bool {
		response, err := u.Jobs.GetJob(t.Context(), &jobv1.GetJobRequest{Id: id})
		job = response.GetJob()
		return err == nil && job.GetFinishedUnixNs() > 0
	}, jobTimeout, pollEvery, "job %s has not ended", id)
	return job
}

// Ingest makes a job and waits until it has completed.
func (u *User) Ingest(t testing.TB, spec *jobv1.IngestSpec) *jobv1.Job {
	t.Helper()
	job := u.Await(t, u.Submit(t, spec).GetId())
	require.Equal(t, jobv1.JobState_JOB_STATE_COMPLETED, job.GetState(), "%v", job.GetFailure())
	return job
}

// File makes content of bytes, with a strong ETag.
func File(b []byte) rangetest.File {
	sum := sha256.Sum256(b)
	return rangetest.File{Content: bytes.NewReader(b), Size: int64(len(b)), ETag: fmt.Sprintf("%q", hex.EncodeToString(sum[:8]))}
}
