package badinput_test

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// requireNothingStored says that a tenant has nothing in the store, by any API, nor
// objects that something refers to.
func requireNothingStored(t *testing.T, user *harness.User, database *pgxpool.Pool, tenant string, flowIDs []string) {
	t.Helper()
	flows, err := user.Flows.ListFlows(t.Context(), &mediastorev1.ListFlowsRequest{})
	require.NoError(t, err)
	require.Empty(t, flows.GetFlows())
	sources, err := user.Flows.ListSources(t.Context(), &mediastorev1.ListSourcesRequest{})
	require.NoError(t, err)
	require.Empty(t, sources.GetSources())
	for _, list := range []string{"/flows", "/sources"} {
		status, body := user.Get(t, "/tams/v8.2"+list)
		require.Equal(t, http.StatusOK, status)
		require.JSONEq(t, "[]", string(body), list)
	}
	for _, id := range flowIDs {
		status, body := user.Get(t, "/tams/v8.2/flows/"+id+"/segments")
		require.Equal(t, http.StatusOK, status) // as TAMS wants it of a Flow that is not there
		require.JSONEq(t, "[]", string(body))
		status, body = user.Get(t, "/tams/v8.2/flows/"+id)
		require.Equal(t, http.StatusNotFound, status, "%s", body)
		for _, path := range []string{"/window?timerange=[0:0_1:0)&format=raw", "/grains/0:0"} {
			status, body := user.Get(t, "/tams/v8.2/flows/"+id+path)
			require.Contains(t, []int{http.StatusNotFound, http.StatusGone}, status, "%s: %s", path, body)
		}
	}
	var registered, segments int
	err = database.QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM store.object WHERE tenant_id = $1 AND state = 'registered'),
			(SELECT count(*) FROM store.segment WHERE tenant_id = $1)`, tenant).Scan(&registered, &segments)
	require.NoError(t, err)
	require.Zero(t, registered, "objects that are registered")
	require.Zero(t, segments)
}

// cutGSF serves the first two thirds of a GSF file, which the mesh itself has made.
func cutGSF(t *testing.T, s *source) string {
	t.Helper()
	mesh := harness.New(t, harness.Options{})
	user := mesh.User(t, "maker")
	job := user.Ingest(t, &jobv1.IngestSpec{Url: mesh.Source.Set("/a.wav", harness.File(harness.WAV(harness.SampleRate)))})
	status, whole := user.Get(t, "/tams/v8.2/flows/"+job.GetFlowIds()[0]+"/window?format=gsf&timerange=_")
	require.Equal(t, http.StatusOK, status)
	require.True(t, bytes.HasPrefix(whole, []byte("SSBB")), "a GSF file")
	return s.Set(s.path, harness.File(whole[:len(whole)*2/3]))
}
