package windows_test

import (
	"bytes"
	"net/http"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// noise is a source of ffmpeg's whose samples all differ.
func noise(rate string) []string {
	return []string{"-f", "lavfi", "-i", "anoisesrc=seed=7:duration=3:amplitude=0.4:sample_rate=" + rate, "-ac", "2"}
}

// rawSound takes windows of raw audio at any sample: they have exactly those samples.
func rawSound(t *testing.T, b *bundle) {
	for name, c := range map[string]struct {
		file, codec, pcm string
		rate, frameBytes int
	}{
		"16 bit WAV": {"take.wav", "pcm_s16le", "s16le", 44100, 4},
		"24 bit WAV": {"take.wav", "pcm_s24le", "s24le", 48000, 6},
		"float WAV":  {"take.wav", "pcm_f32le", "f32le", 48000, 8},
		"MOV":        {"take.mov", "pcm_s16be", "s16le", 48000, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rate := mediatime.NewRate(int64(c.rate), 1)
			take := b.ingest(t, mediatest.Make(t, c.file, append(noise(rate.String()), "-c:a", c.codec)...))
			source := mediatest.FFmpeg(t, "-i", take.path, "-f", c.pcm, "-")
			total := len(source) / c.frameBytes
			flow := take.flow(t, media.FormatAudio).GetId()
			dir := t.TempDir()
			for _, s := range []span{{0, total}, {0, 1}, {1, 2}, {1919, 1921}, {44099, 50000}, {total / 2, total}, {total - 1, total}, {7, total - 7}} {
				want := source[s.from*c.frameBytes : s.to*c.frameBytes]
				within := frames(rate, s.from, s.to)
				wav := b.window(t, flow, within, "&format=wav&trim=exact")
				require.Equal(t, within.String(), wav.Header.Get("X-Media-Timerange"))
				require.True(t, bytes.HasSuffix(wav.Body, want), "%v", s)
				require.Equal(t, want, mediatest.FFmpeg(t, "-i", save(t, dir, "w.wav", wav), "-f", c.pcm, "-"), "%v", s)
				require.Equal(t, want, b.window(t, flow, within, "&format=raw&trim=exact").Body, "%v", s)
			}
		})
	}
}

// packets is media rule 15: a window of AAC has the packets of the source that cover
// it and one before them, and an edit that starts it to the sample.
func packets(t *testing.T, b *bundle) {
	const rate, frame = 44100, 1024
	take := b.ingest(t, mediatest.Make(t, "take.mp4", append(noise("44100"), "-c:a", "aac", "-aac_pns", "0")...))
	file, err := os.ReadFile(take.path)
	require.NoError(t, err)
	source := samples(t, file, "soun")
	primed := int(tracks(t, file, "soun")[0].Edits[0].MediaTime)
	require.Equal(t, frame, primed)
	decoded := mediatest.FFmpeg(t, "-i", take.path, "-f", "f32le", "-")
	flow := take.flow(t, media.FormatAudio).GetId()
	clock := mediatime.NewRate(rate, 1)
	for _, s := range []span{{0, 3 * rate}, {0, 1000}, {1, 2}, {1024, 2048}, {1023, 1025}, {30000, 90000}, {50000, 50001}, {100000, 3 * rate}} {
		got := b.window(t, flow, frames(clock, s.from, s.to), "")
		require.Equal(t, "video/mp4", got.Header.Get("Content-Type"))
		carried := samples(t, got.Body, "soun")
		first := max(0, (s.from+primed)/frame-1)
		last := (s.to + primed + frame - 1) / frame
		requireSame(t, source[first:last], carried)
		edit := tracks(t, got.Body, "soun")[0].Edits[0]
		require.EqualValues(t, s.from+primed-first*frame, edit.MediaTime, "%v", s)
		require.EqualValues(t, s.to-s.from, lengthOf(t, got.Body, edit, rate), "%v", s)
		if s.to-s.from < frame {
			continue // ffmpeg 5.1 shows nothing of some windows as short as this
		}
		heard := mediatest.FFmpeg(t, "-i", save(t, t.TempDir(), "w.mp4", got), "-f", "f32le", "-")
		require.GreaterOrEqual(t, len(heard), 8*(s.to-s.from))
		require.True(t, bytes.Equal(decoded[8*s.from:8*s.to], heard[:8*(s.to-s.from)]), "%v", s)
	}
}

// lengthOf returns the length of an edit in ticks of a track.
func lengthOf(t *testing.T, file []byte, edit isobmff.Edit, rate uint64) uint64 {
	t.Helper()
	movie, err := isobmff.ReadMovie(bytes.NewReader(file))
	require.NoError(t, err)
	ticks := edit.Duration * rate
	require.Zero(t, ticks%uint64(movie.Timescale), "the edit is exact")
	return ticks / uint64(movie.Timescale)
}

// oneGrain asks for single grains by an instant within them.
func oneGrain(t *testing.T, b *bundle) {
	film := b.ingest(t, h264(t, "film.mp4", "keyint=1"))
	source := mediatest.FrameHashes(t, film.path, "v")
	rate := mediatime.NewRate(25, 1)
	dir := t.TempDir()
	flow := film.flow(t, media.FormatVideo).GetId()
	var files []string
	for n := range source {
		at := rate.Offset(int64(n)) + mediatime.Time(n)*mediatime.Millisecond/2
		got := b.user.Get(t, grainPath(flow, at))
		require.Equal(t, http.StatusOK, got.Status, "%s", got.Body)
		require.Equal(t, frames(rate, n, n+1).String(), got.Header.Get("X-Media-Timerange"))
		files = append(files, save(t, dir, at.String()+".h264", got))
	}
	for n, hashes := range mediatest.EachFrameHashes(t, "v", files...) {
		require.Equal(t, source[n:n+1], hashes, "frame %d", n)
	}
	require.Equal(t, http.StatusNotFound, b.user.Get(t, grainPath(flow, rate.Offset(int64(len(source))))).Status)
}
