package wav_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/formattest"
	"github.com/grainmesh/grainmesh/pkg/formats/wav"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// ffmpeg runs it and returns what it wrote.
func ffmpeg(t testing.TB, args ...string) []byte {
	t.Helper()
	var out, report bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "ffmpeg", append([]string{"-v", "error", "-nostdin"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &report
	require.NoError(t, cmd.Run(), "%s: %s", cmd, report.String())
	return out.Bytes()
}

// decode is how ffmpeg reads the samples of a WAV, in the form of the store.
func decode(t testing.TB, file []byte, flow *media.Flow) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "in.wav")
	require.NoError(t, os.WriteFile(path, file, 0o600))
	sample := "s" + strconv.Itoa(flow.Audio.BitDepth) + "le"
	if flow.Audio.Float {
		sample = "f" + strconv.Itoa(flow.Audio.BitDepth) + "le"
	}
	return ffmpeg(t, "-i", path, "-f", sample, "-c:a", "pcm_"+sample, "-")
}

// What ffmpeg makes of a tone is read as ffmpeg reads it, bit for bit.
func TestFilesOfFFmpeg(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"u8":           {"-c:a", "pcm_u8"},
		"s16":          {"-c:a", "pcm_s16le"},
		"s24":          {"-c:a", "pcm_s24le"},
		"s32":          {"-c:a", "pcm_s32le"},
		"f32":          {"-c:a", "pcm_f32le"},
		"f64":          {"-c:a", "pcm_f64le"},
		"six channels": {"-c:a", "pcm_s24le", "-ac", "6"},
		"RF64":         {"-c:a", "pcm_s16le", "-rf64", "always"},
		"bext":         {"-c:a", "pcm_s16le", "-write_bext", "1", "-metadata", "time_reference=158760000", "-metadata", "description=tone"},
		"8 kHz mono":   {"-c:a", "pcm_s16le", "-ar", "8000", "-ac", "1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "out.wav")
			input := []string{"-f", "lavfi", "-i", "sine=f=997:r=44100:d=0.3"}
			ffmpeg(t, append(append(input, args...), path)...)
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			a, err := wav.Format{}.Probe(t.Context(), formattest.NewInput(b))
			require.NoError(t, err)
			require.Empty(t, a.Warnings)
			require.Equal(t, 300*mediatime.Millisecond, a.Tracks[0].Range.End)
			require.Equal(t, decode(t, b, a.Tracks[0].Flow), ingest(t, b, a))
			if name == "bext" {
				require.Equal(t, "01:00:00:00", a.Tracks[0].Flow.StartTimecode)
			}
		})
	}
}

// A WAV that ffmpeg wrote to a pipe has no sizes in its header.
func TestStreamOfFFmpeg(t *testing.T) {
	t.Parallel()
	b := ffmpeg(t, "-f", "lavfi", "-i", "sine=f=997:r=44100:d=0.3", "-f", "wav", "-")
	a, err := wav.Format{}.Probe(t.Context(), formattest.NewInput(b))
	require.NoError(t, err)
	require.Len(t, a.Warnings, 1)
	require.Equal(t, decode(t, b, a.Tracks[0].Flow), ingest(t, b, a))
}

// ingest returns all samples as the store keeps them.
func ingest(t testing.TB, b []byte, a *formats.Analysis) []byte {
	t.Helper()
	in := formattest.NewInput(b)
	flows := map[int]*media.Flow{1: a.Tracks[0].Flow}
	var samples []byte
	req := &formats.PlanRequest{Analysis: a, Flows: flows, Range: mediatime.Eternity, Sizes: formats.DefaultSizes()}
	err := wav.Format{}.Plan(t.Context(), in, req, func(c *formats.Chunk) error {
		sink := formattest.NewCollector(flows)
		if err := (wav.Format{}).Read(t.Context(), in, &formats.ReadRequest{Chunk: c, Flows: flows}, sink); err != nil {
			return err
		}
		objects, err := sink.Objects()
		for i := range objects {
			for n := range objects[i].Index {
				samples = append(samples, objects[i].Data(n)...)
			}
		}
		return err
	})
	require.NoError(t, err)
	return samples
}
