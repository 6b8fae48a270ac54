package windows_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

func grainPath(flow string, at mediatime.Time) string {
	return harness.TAMS + "/flows/" + flow + "/grains/" + at.String()
}

// programme makes four seconds of pictures and sound, in open groups of 12.
func programme(t *testing.T, name string, sound ...string) string {
	t.Helper()
	return mediatest.Make(t, name, append([]string{"-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25",
		"-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:seed=3:amplitude=0.4", "-t", "4", "-ac", "2",
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
		"-x264-params", "keyint=12:min-keyint=12:scenecut=0:bframes=2:b-adapt=0:open-gop=1"}, sound...)...)
}

// together takes windows of multi Flows: pictures and sound of the same range.
func together(t *testing.T, b *bundle) {
	for name, c := range map[string]struct {
		file  string
		sound []string
		pcm   string
		bytes int
		// primed is how many samples ffmpeg puts out of the source before its pictures
		// begin: without an edit list nothing says that they are priming.
		primed int
	}{
		"MP4 with AAC":   {"p.mp4", []string{"-c:a", "aac", "-aac_pns", "0"}, "f32le", 8, 0},
		"MOV with PCM":   {"p.mov", []string{"-c:a", "pcm_s16le"}, "s16le", 4, 0},
		"fragmented MP4": {"p.mp4", []string{"-c:a", "aac", "-aac_pns", "0", "-movflags", "+frag_keyframe+empty_moov"}, "f32le", 8, 1024},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			film := b.ingest(t, programme(t, c.file, c.sound...))
			pictures := mediatest.FrameHashes(t, film.path, "v")
			sound := mediatest.FFmpeg(t, "-i", film.path, "-vn", "-f", c.pcm, "-")[c.primed*c.bytes:]
			rate, dir := mediatime.NewRate(25, 1), t.TempDir()
			// Without an edit list a film does not begin at zero.
			zero, err := mediatime.ParseRange(film.flow(t, media.FormatVideo).GetTimerange())
			require.NoError(t, err)
			for _, format := range []string{"mp4", "mov"} {
				for _, s := range []span{{0, 100}, {0, 1}, {11, 13}, {40, 77}, {99, 100}} {
					within := frames(rate, s.from, s.to).Shift(zero.Start)
					file := save(t, dir, "w."+format, b.window(t, film.multi, within, "&format="+format))
					require.Equal(t, pictures[s.from:s.to], mediatest.FrameHashes(t, file, "v"), "%v", s)
					heard := mediatest.FFmpeg(t, "-i", file, "-vn", "-f", c.pcm, "-")
					from, length := s.from*1920*c.bytes, (s.to-s.from)*1920*c.bytes
					length = min(length, len(sound)-from)
					require.GreaterOrEqual(t, len(heard), length, "%v", s)
					require.True(t, bytes.Equal(sound[from:from+length], heard[:length]), "%v", s)
				}
			}
		})
	}
}

// grains decodes a GSF file.
func grains(t *testing.T, file []byte) (*gsf.Header, []gsf.Grain) {
	t.Helper()
	reader, err := gsf.NewBytesReader(file, gsf.Options{})
	require.NoError(t, err)
	var all []gsf.Grain
	for {
		var g gsf.Grain
		if err := reader.Next(&g); errors.Is(err, io.EOF) {
			require.Empty(t, reader.Warnings())
			return reader.Header(), all
		}
		require.NoError(t, err)
		all = append(all, g)
	}
}

// tagOf returns a tag of a segment, empty if it has none.
func tagOf(s *gsf.Segment, key string) string {
	for _, tag := range s.Tags {
		if tag.Key == key {
			return tag.Value
		}
	}
	return ""
}

// withPreRoll is media rule 12: GSF and raw essence cannot hide what comes before, so
// they start at a random access point, say so, and refuse to be exact.
func withPreRoll(t *testing.T, b *bundle) {
	film := b.ingest(t, programme(t, "p.mp4", "-c:a", "aac"))
	pictures := mediatest.FrameHashes(t, film.path, "v")
	flow := film.flow(t, media.FormatVideo).GetId()
	rate, dir := mediatime.NewRate(25, 1), t.TempDir()
	for _, s := range []span{{0, 100}, {0, 30}, {26, 27}, {48, 60}, {60, 99}} {
		within := frames(rate, s.from, s.to)
		got := b.window(t, flow, within, "&format=gsf")
		carried, err := mediatime.ParseRange(got.Header.Get("X-Media-Timerange"))
		require.NoError(t, err)
		require.True(t, carried.Covers(within), "%s in %s", within, carried)
		header, all := grains(t, got.Body)
		require.Len(t, header.Segments, 1)
		require.EqualValues(t, len(all), header.Segments[0].Count)
		raw := b.window(t, flow, within, "&format=raw")
		require.Equal(t, got.Header.Get("X-Media-Timerange"), raw.Header.Get("X-Media-Timerange"))
		require.Equal(t, essence(all), raw.Body)
		// It shows what it carries; what is wanted begins so many frames in.
		shown := mediatest.FrameHashes(t, save(t, dir, "w.h264", raw), "v")
		before := int(rate.Index(within.Start - carried.Start))
		require.GreaterOrEqual(t, len(shown), before+s.to-s.from)
		require.Equal(t, pictures[s.from:s.to], shown[before:before+s.to-s.from], "%v", s)
		if carried == within {
			require.Empty(t, tagOf(&header.Segments[0], "presented_timerange"))
			b.window(t, flow, within, "&format=gsf&trim=exact")
			continue
		}
		require.Equal(t, within.String(), tagOf(&header.Segments[0], "presented_timerange"))
		for _, format := range []string{"gsf", "raw"} {
			refused(t, b.user.Window(t, flow, "timerange="+within.String()+"&trim=exact&format="+format))
		}
	}
	header, all := grains(t, b.window(t, film.multi, frames(rate, 30, 40), "&format=gsf").Body)
	require.Len(t, header.Segments, 2)
	require.Greater(t, len(all), 20)
}

func essence(all []gsf.Grain) []byte {
	var joined []byte
	for i := range all {
		joined = append(joined, all[i].Data...)
	}
	return joined
}

// refused checks that the answer names what could be had in place of an exact cut.
func refused(t *testing.T, a *harness.Answer) {
	t.Helper()
	require.Equal(t, http.StatusConflict, a.Status, "%s", a.Body)
	var body struct{ Code, Message string }
	require.NoError(t, json.Unmarshal(a.Body, &body))
	require.Equal(t, "not_exact", body.Code)
	require.Contains(t, body.Message, "trim=rap")
	require.Contains(t, body.Message, "format=mp4")
}
