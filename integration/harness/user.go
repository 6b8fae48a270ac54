package harness

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/serve"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	originv1 "github.com/grainmesh/grainmesh/rpc/origin/v1"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
	jobapi "github.com/grainmesh/grainmesh/services/job-api"
)

// User is someone of a tenant who talks to the mesh.
type User struct {
	Jobs     jobv1.Jobs
	Flows    mediastorev1.Flows
	Playback originv1.Playback
	HTTP     *http.Client
	Token    string
	URL      string
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
		Jobs:     jobv1.NewJobsProtobufClient(m.URL, client, serve.ClientOption()),
		Flows:    mediastorev1.NewFlowsProtobufClient(m.URL, client, serve.ClientOption()),
		Playback: originv1.NewPlaybackProtobufClient(m.URL, client, serve.ClientOption()),
		HTTP:     client, Token: token, URL: m.URL,
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

// Reports returns a client of job-api's service-only API as one of the services.
func (m *Mesh) Reports(t testing.TB, service string) jobv1.Reports {
	t.Helper()
	return jobv1.NewReportsProtobufClient(m.InternalURL(jobapi.Name), m.ServiceClient(t, service, jobapi.Name), serve.ClientOption())
}

// ServiceClient returns an HTTP client that calls an audience as one of the services.
func (m *Mesh) ServiceClient(t testing.TB, service, audience string) *http.Client {
	t.Helper()
	signer, err := m.keyring.Signer(service)
	require.NoError(t, err)
	return serve.NewHTTPClient(func(ctx context.Context) (string, error) { return signer.Service(ctx, audience) })
}

// InternalURL is the internal listener of a service.
func (m *Mesh) InternalURL(service string) string {
	if at := m.instances[service]; at != nil {
		return "http://" + at.internal
	}
	return m.Internal
}
