package windows_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	originv1 "github.com/grainmesh/grainmesh/rpc/origin/v1"
)

// tenSeconds takes a film as they come: 24 frames a second, sound at 44.1 kHz with
// priming, so that no boundary of one falls on one of the other.
func tenSeconds(t *testing.T, b *bundle) {
	film := b.ingest(t, mediatest.Make(t, "film.mp4", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=24",
		"-f", "lavfi", "-i", "anoisesrc=sample_rate=44100:seed=5:amplitude=0.3", "-t", "10", "-ac", "2",
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "48", "-bf", "3", "-c:a", "aac", "-aac_pns", "0"))
	pictures := mediatest.FrameHashes(t, film.path, "v")
	require.Len(t, pictures, 240)
	sound := mediatest.FFmpeg(t, "-i", film.path, "-vn", "-f", "f32le", "-")
	require.Equal(t, "[0:0_10:0)", film.flow(t, media.FormatVideo).GetTimerange())
	require.Equal(t, "[0:0_10:0)", film.flow(t, media.FormatAudio).GetTimerange())

	whole := b.window(t, film.multi, mediatime.Eternity, "")
	require.Equal(t, "[0:0_10:0)", whole.Header.Get("X-Media-Timerange"))
	file := save(t, t.TempDir(), "w.mp4", whole)
	require.Equal(t, pictures, mediatest.FrameHashes(t, file, "v"))
	require.Equal(t, sound, mediatest.FFmpeg(t, "-i", file, "-vn", "-f", "f32le", "-"))
	for _, s := range mediatest.Streams(t, file) {
		require.Zero(t, s.StartPTS, "%s begins with the film", s.CodecType)
	}
	requireFilmPlays(t, film, pictures, sound)
}

// requireFilmPlays plays a film by HLS and holds it against the source.
func requireFilmPlays(t *testing.T, film *ingested, pictures []string, sound []byte) {
	t.Helper()
	playback := originv1.NewPlaybackProtobufClient(film.user.URL, film.user.HTTP)
	links, err := playback.GetLinks(t.Context(), &originv1.GetLinksRequest{FlowId: film.multi})
	require.NoError(t, err)
	require.Empty(t, links.GetUnplayable())
	url := links.GetHlsUrl()
	if strings.HasPrefix(url, "/") {
		url = film.user.URL + url
	}
	require.Equal(t, pictures, mediatest.FrameHashes(t, url, "v"))
	// HLS has no edit list: the priming before is heard, and the last frame is whole.
	const frame = 8 * 1024
	played := mediatest.FFmpeg(t, "-i", url, "-vn", "-f", "f32le", "-")
	require.InDelta(t, len(sound), len(played), 2*frame)
}
