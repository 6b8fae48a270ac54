package bench_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/bench"
)

func sample() *bench.Report {
	r := bench.New("sample")
	r.Add("jobs_per_s", 212.5, "jobs/s", bench.AtLeast(200))
	r.Add("idle_p50_ms", 30, "ms", bench.AtMost(25))
	r.Add("grains_per_s", 3141592.65, "grains/s", bench.Goal{})
	return r
}

func TestPrint(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, sample().Print(&out))
	require.Equal(t, `sample        value    unit      goal    
jobs_per_s    212.500  jobs/s    >= 200  met
idle_p50_ms   30       ms        <= 25   MISSED
grains_per_s  3141593  grains/s          
`, out.String())
	require.ErrorIs(t, sample().Print(brokenWriter{}), errBroken)
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestWrite(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	require.NoError(t, sample().Write(root))
	file, err := os.ReadFile(filepath.Join(root, "bench", "sample.json"))
	require.NoError(t, err)
	require.JSONEq(t, `{"metrics":{"jobs_per_s":212.5,"idle_p50_ms":30,"grains_per_s":3141592.65}}`, string(file))
	require.Error(t, sample().Write(filepath.Join(root, "bench", "sample.json")), "a file is no folder")
}

func TestMet(t *testing.T) {
	t.Parallel()
	require.False(t, sample().Met())
	r := bench.New("good")
	r.Add("a", 1, "", bench.AtLeast(1))
	r.Add("b", 1, "", bench.AtMost(1))
	require.True(t, r.Met())
}

// A miss is an error where the goal says so, and there alone.
func TestFinish(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.work"), nil, 0o600))
	t.Chdir(root)
	r := sample()
	require.NoError(t, r.Finish(io.Discard), "idle_p50_ms has missed its goal, which it need not meet")
	r.Add("again_s", 4, "s", bench.AtMost(5).Must())
	require.NoError(t, r.Finish(io.Discard))
	r.Add("ready_s", 6, "s", bench.AtMost(5).Must())
	err := r.Finish(io.Discard)
	require.ErrorIs(t, err, bench.ErrMissed)
	require.EqualError(t, err, "goal missed: ready_s is 6 s, want <= 5")
	file, err := os.ReadFile(filepath.Join(root, "bench", "sample.json"))
	require.NoError(t, err)
	require.Contains(t, string(file), "ready_s", "what was measured is kept")
}

func TestRoot(t *testing.T) {
	t.Parallel()
	root, err := bench.Root()
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(root, "go.work"))
}
