package tams_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// ingestTake ingests four seconds of sound, and returns their Flow.
func ingestTake(t *testing.T, mesh *harness.Mesh, user *harness.User) string {
	t.Helper()
	file, err := os.ReadFile(mediatest.Make(t, "take.wav", "-f", "lavfi", "-i", "sine=duration=4:sample_rate=48000"))
	require.NoError(t, err)
	job := user.Ingest(t, &jobv1.IngestSpec{Url: mesh.Source.Set("/take.wav", harness.File(file))})
	for _, id := range job.GetFlowIds() {
		if id != job.GetFlowId() {
			return id
		}
	}
	require.Fail(t, "there is no flow of the sound")
	return ""
}
