package ingest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// ffmpeg makes a file with ffmpeg and returns its bytes.
func ffmpeg(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	out, err := exec.CommandContext(t.Context(), "ffmpeg", append(append([]string{"-v", "error"}, args...), path)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

func TestMP4GoesThroughAllLayers(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	user := mesh.User(t, "acme")
	file := ffmpeg(t, "film.mp4", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=24:duration=6", "-f", "lavfi", "-i", "sine=duration=6:sample_rate=44100",
		"-c:v", "libx264", "-g", "24", "-bf", "3", "-c:a", "aac")
	url := mesh.Source.Set("/film.mp4", harness.File(file))

	job := user.Ingest(t, &jobv1.IngestSpec{Url: url})
	require.Len(t, job.GetFlowIds(), 3)
}
