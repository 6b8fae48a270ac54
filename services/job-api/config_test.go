package jobapi

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/formats"
)

// The sizes that jobs get by default are those that formats were made for.
func TestDefaultSizes(t *testing.T) {
	t.Parallel()
	var c Config
	require.NoError(t, config.Load("GRAINMESH_JOB_API_TEST", &c))
	want := formats.DefaultSizes()
	require.Equal(t, want, formats.Sizes{
		ChunkBytes: c.ChunkBytes, MaxChunkBytes: c.MaxChunkBytes, ChunkDuration: want.ChunkDuration,
		VideoObject: c.VideoObject, AudioObject: c.AudioObject, AudioDuration: want.AudioDuration, Grains: c.GrainsPerObject,
	})
	require.Equal(t, []time.Duration{time.Duration(want.ChunkDuration), time.Duration(want.AudioDuration)}, []time.Duration{c.ChunkDuration, c.AudioDuration})
}

// A setting that makes no sense is named.
func TestConfigNamesWhatIsWrong(t *testing.T) {
	t.Setenv("GRAINMESH_JOB_API_TEST_READ_WINDOW", "0")
	require.ErrorContains(t, config.Load("GRAINMESH_JOB_API_TEST", &Config{}), "READ_WINDOW")
}
