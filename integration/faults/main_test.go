package faults_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// settings make faults show, and pass, quickly.
func settings() []string {
	env := []string{
		"GRAINMESH_JOB_API_REDRIVE=1s", "GRAINMESH_JOB_API_RETRY_BASE=100ms",
		// Chunks and objects of one second of the WAV.
		"GRAINMESH_JOB_API_CHUNK_BYTES=200000", "GRAINMESH_JOB_API_CHUNK_DURATION=1s", "GRAINMESH_JOB_API_AUDIO_OBJECT_BYTES=200000",
		"GRAINMESH_READER_PARALLEL_RANGES=1",
	}
	for _, service := range []string{"JOB_API", "ANALYSER", "CHUNKER", "READER"} {
		env = append(env, "GRAINMESH_"+service+"_ACK_WAIT=2s", "GRAINMESH_"+service+"_RETRY_DELAY=100ms")
	}
	return env
}

// rounds is how often everything is done.
func rounds(t *testing.T) int {
	t.Helper()
	return int(variable(t, "GRAINMESH_FAULT_N", 1))
}

// chance chooses by a seed, which it tells.
func chance(t *testing.T) *rand.Rand {
	t.Helper()
	seed := variable(t, "GRAINMESH_FAULT_SEED", time.Now().UnixNano())
	t.Logf("GRAINMESH_FAULT_SEED=%d", seed)
	return rand.New(rand.NewPCG(uint64(seed), 0))
}

func variable(t *testing.T, name string, otherwise int64) int64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	require.NoError(t, err, name)
	return n
}
