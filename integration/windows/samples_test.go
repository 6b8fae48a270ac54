package windows_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats/mp4/mux"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
)

// sample is a sample of a movie, with the configuration that it is decoded by.
type sample struct {
	isobmff.Sample
	fourcc string
	config []byte // payload of avcC or esds
	data   []byte
}

// movie reads a file's tracks of a kind, "vide" or "soun".
func tracks(t *testing.T, file []byte, handler string) []*isobmff.Track {
	t.Helper()
	movie, err := isobmff.ReadMovie(bytes.NewReader(file))
	require.NoError(t, err)
	var found []*isobmff.Track
	for _, track := range movie.Tracks {
		if track.Handler == handler {
			found = append(found, track)
		}
	}
	return found
}

// samples reads all samples of the first track of a kind, in decode order.
func samples(t *testing.T, file []byte, handler string) []sample {
	t.Helper()
	track := tracks(t, file, handler)[0]
	var all []sample
	for c := track.Samples(); ; {
		s, ok, err := c.Next()
		require.NoError(t, err)
		if !ok {
			return all
		}
		entry := &track.Entries[s.Description]
		config := entry.Child("avcC")
		if handler == "soun" {
			decoder, ok := entry.DecoderConfig()
			require.True(t, ok)
			config = decoder.Specific
		}
		all = append(all, sample{s, entry.FourCC, config, file[s.Offset:s.End()]})
	}
}

// requireSame holds samples against those of the source: the bytes, and by what they
// are decoded.
func requireSame(t *testing.T, want, got []sample) {
	t.Helper()
	require.Len(t, got, len(want))
	for n := range want {
		require.True(t, bytes.Equal(want[n].data, got[n].data), "sample %d", n)
		require.Equal(t, want[n].fourcc, got[n].fourcc, "sample %d", n)
		require.Equal(t, want[n].config, got[n].config, "sample %d", n)
	}
}

// h264 makes a short film without sound.
func h264(t *testing.T, name, params string, more ...string) string {
	t.Helper()
	return mediatest.Make(t, name, append([]string{"-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=3",
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-x264-params", "scenecut=0:" + params}, more...)...)
}

// sampleBytes is media rule 10: AVCC to the store and back gives the same bytes,
// whether the parameter sets are in the sample entry, among the samples, or change.
func sampleBytes(t *testing.T, b *bundle) {
	for name, file := range map[string]func(*testing.T) string{
		"avc1": func(t *testing.T) string { return h264(t, "film.mp4", "keyint=20:bframes=3:open-gop=1") },
		"avc1 in MOV": func(t *testing.T) string {
			return h264(t, "film.mov", "keyint=20:bframes=2:slices=3:aud=1", "-timecode", "10:00:00:00")
		},
		"avc1 that repeats its sets": func(t *testing.T) string { return h264(t, "film.mp4", "keyint=20:repeat-headers=1") },
		"avc3":                       func(t *testing.T) string { return h264(t, "film.mp4", "keyint=20:repeat-headers=1", "-tag:v", "avc3") },
		"intra refresh":              func(t *testing.T) string { return h264(t, "film.mp4", "keyint=20:intra-refresh=1:bframes=0") },
		"two sample entries":         twoEntries,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			film := b.ingest(t, file(t))
			source, err := os.ReadFile(film.path)
			require.NoError(t, err)
			for _, format := range []string{"mp4", "mov"} {
				got := b.user.Window(t, film.flow(t, media.FormatVideo).GetId(), "format="+format)
				require.Equal(t, 200, got.Status, "%s", got.Body)
				requireSame(t, samples(t, source, "vide"), samples(t, got.Body, "vide"))
			}
		})
	}
}

// twoEntries makes a movie of two films, whose parameter sets differ, so that it has a
// sample entry for each.
func twoEntries(t *testing.T) string {
	t.Helper()
	joined := &mux.Track{Handler: "vide", Width: 96, Height: 64}
	var data [][]byte
	for n, params := range []string{"keyint=20:bframes=0", "keyint=15:bframes=0:ref=2:cabac=0"} {
		file, err := os.ReadFile(h264(t, "part.mp4", params))
		require.NoError(t, err)
		track := tracks(t, file, "vide")[0]
		joined.Timescale = int64(track.Timescale)
		joined.Entries = append(joined.Entries, track.Entries[0].Raw)
		for _, s := range samples(t, file, "vide") {
			joined.Samples = append(joined.Samples, mux.Sample{
				Size: s.Size, DTS: joined.Duration + s.DTS, Duration: s.Duration, Offset: uint32(s.PTS - s.DTS), Sync: s.Sync, Entry: n,
			})
			data = append(data, s.data)
		}
		joined.Duration += int64(track.Duration)
	}
	layout, err := mux.New([]*mux.Track{joined}, mux.Options{})
	require.NoError(t, err)
	var out bytes.Buffer
	writer, err := mux.NewWriter(&out, layout)
	require.NoError(t, err)
	for _, ref := range layout.Order {
		require.NoError(t, writer.Sample(data[ref.Sample]))
	}
	require.NoError(t, writer.Close())
	file := filepath.Join(t.TempDir(), "joined.mp4")
	require.NoError(t, os.WriteFile(file, out.Bytes(), 0o600))
	require.Len(t, tracks(t, out.Bytes(), "vide")[0].Entries, 2)
	return file
}
