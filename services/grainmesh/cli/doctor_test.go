package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a mesh can do without is told, and is no fault; what it needs is one.
func TestStatusTellsHowAMeshIs(t *testing.T) {
	t.Parallel()
	answers := http.NewServeMux()
	answers.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte(`{"process": "ready", "job-api redis": "degraded: no answer", "job-api database": "not ready"}`))
	})
	mesh := httptest.NewServer(answers)
	t.Cleanup(mesh.Close)
	var out bytes.Buffer
	require.NoError(t, newApp(&out, &out).Run(t.Context(), []string{"grainmesh", "--api", mesh.URL, "--token", "x", "--json", "status"}))
	require.JSONEq(t, `[
		{"what": "job-api database", "ok": false, "detail": "not ready"},
		{"what": "job-api redis", "ok": true, "detail": "degraded: no answer"},
		{"what": "process", "ok": true, "detail": "ready"}
	]`, out.String())
}
