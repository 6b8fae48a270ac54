package mux_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/mp4"
	"github.com/grainmesh/grainmesh/pkg/formats/mp4/mux"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/window"
)

// stored is a track as the store has it.
type stored struct {
	flow   *media.Flow
	index  media.Index
	grains []formats.Grain
}

type store map[int]*stored

func (s store) StartObject(int, mediatime.Range) error { return nil }

func (s store) Grain(track int, g *formats.Grain) error {
	kept := *g
	kept.Data, kept.UnitOffsets = bytes.Clone(g.Data), slices.Clone(g.UnitOffsets)
	s[track].grains = append(s[track].grains, kept)
	s[track].index = append(s[track].index, media.Entry{Grain: g.Grain, Size: int64(len(g.Data))})
	return nil
}

// ingest reads a file into memory.
func ingest(t *testing.T, path string) store {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	in := bytes.NewReader(data)
	analysis, err := mp4.Format{}.Probe(t.Context(), in)
	require.NoError(t, err)
	s, flows := store{}, map[int]*media.Flow{}
	for _, track := range analysis.Tracks {
		if track.Skipped == "" {
			flows[track.Number] = track.Flow
			flows[track.Number].ID = uuid.New()
			s[track.Number] = &stored{flow: track.Flow}
		}
	}
	req := &formats.PlanRequest{Analysis: analysis, Flows: flows, Range: mediatime.Eternity, Sizes: formats.DefaultSizes()}
	require.NoError(t, mp4.Format{}.Plan(t.Context(), in, req, func(c *formats.Chunk) error {
		return mp4.Format{}.Read(t.Context(), in, &formats.ReadRequest{Chunk: c, Flows: flows}, s)
	}))
	return s
}

// track lays out a window of a stored track.
func (s *stored) track(t *testing.T, want mediatime.Range, kind mux.Kind) *mux.Track {
	t.Helper()
	var track *mux.Track
	var err error
	if s.flow.Video != nil {
		sel, selErr := window.Video(s.index, want)
		require.NoError(t, selErr)
		track, err = mux.VideoTrack(s.flow, s.index, sel, want.Start)
	} else {
		preroll := window.PrerollPCM
		if s.flow.Codec == media.CodecAAC {
			preroll = window.PrerollAAC
		}
		cut, cutErr := window.Audio(s.index, want, int64(s.flow.Audio.SampleRate), preroll)
		require.NoError(t, cutErr)
		if s.flow.Codec == media.CodecAAC {
			track, err = mux.AACTrack(s.flow, s.index, cut, want.Start)
		} else {
			track, err = mux.PCMTrack(s.flow, s.index, cut, want.Start, kind)
		}
	}
	require.NoError(t, err)
	return track
}

// write makes a file of a window.
func write(t *testing.T, path string, want mediatime.Range, o mux.Options, parts ...*stored) {
	t.Helper()
	tracks := make([]*mux.Track, len(parts))
	for i, part := range parts {
		tracks[i] = part.track(t, want, o.Kind)
	}
	layout, err := mux.New(tracks, o)
	require.NoError(t, err)
	var out bytes.Buffer
	w, err := mux.NewWriter(&out, layout)
	require.NoError(t, err)
	for _, ref := range layout.Order {
		g := &parts[ref.Track].grains[tracks[ref.Track].Grains[ref.Sample]]
		sample, err := tracks[ref.Track].Append(nil, ref.Sample, g.Data, g.UnitOffsets)
		require.NoError(t, err)
		require.NoError(t, w.Sample(sample))
	}
	require.NoError(t, w.Close())
	require.EqualValues(t, layout.Size, out.Len())
	require.NoError(t, os.WriteFile(path, out.Bytes(), 0o600))
}

// sources are the four ways in which pictures may depend on one another.
func sources() map[string]string {
	return map[string]string{
		"closed GOP":    "keyint=8:min-keyint=8:bframes=2:b-adapt=0:b-pyramid=none",
		"open GOP":      "keyint=8:min-keyint=8:bframes=2:b-adapt=0:b-pyramid=none:open-gop=1",
		"B-pyramid":     "keyint=8:min-keyint=8:bframes=5:b-adapt=0:b-pyramid=normal:ref=4:open-gop=1",
		"intra refresh": "keyint=8:min-keyint=8:bframes=0:intra-refresh=1",
	}
}

func TestEveryWindowShowsTheFramesOfTheSource(t *testing.T) {
	t.Parallel()
	for name, params := range sources() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := mediatest.Make(t, "source.mp4", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=30000/1001", "-frames:v", "40",
				"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-x264-params", "scenecut=0:"+params)
			want := mediatest.FrameHashes(t, path, "v")
			require.Len(t, want, 40)
			video := ingest(t, path)[1]
			rate := video.flow.GrainRate
			out := filepath.Join(t.TempDir(), "window.mp4")
			for start := 16; start < 24; start++ {
				for end := start + 1; end <= start+8; end++ {
					wanted := mediatime.NewRange(rate.Offset(int64(start)), rate.Offset(int64(end)))
					write(t, out, wanted, mux.Options{}, video)
					require.Equal(t, want[start:end], mediatest.FrameHashes(t, out, "v"), "frames %d to %d", start, end)
				}
			}
		})
	}
}

func TestWholeFileGivesBackItsSamples(t *testing.T) {
	t.Parallel()
	path := mediatest.Make(t, "source.mp4", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24", "-f", "lavfi", "-i", "sine=sample_rate=44100",
		"-t", "4", "-ac", "2", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "24", "-c:a", "aac")
	tracks := ingest(t, path)
	out := filepath.Join(t.TempDir(), "out.mp4")
	write(t, out, mediatime.NewRange(0, 4*mediatime.Second), mux.Options{}, tracks[1], tracks[2])
	for _, stream := range []string{"v:0", "a:0"} {
		hash := func(p string) []byte {
			return mediatest.FFmpeg(t, "-i", p, "-map", "0:"+stream, "-c", "copy", "-f", "streamhash", "-")
		}
		require.Equal(t, string(hash(path)), string(hash(out)))
		a, b := mediatest.Packets(t, path, stream), mediatest.Packets(t, out, stream)
		require.Len(t, b, len(a))
		for k := range a {
			require.Equal(t, a[k].PTS, b[k].PTS, "%s packet %d", stream, k)
			require.Equal(t, a[k].Size, b[k].Size)
			require.Equal(t, a[k].Flags, b[k].Flags)
		}
	}
	require.Equal(t, mediatest.FrameHashes(t, path, "v"), mediatest.FrameHashes(t, out, "v"))
}

func TestAACWindowsAreExactToTheSample(t *testing.T) {
	t.Parallel()
	path := mediatest.Make(t, "source.mp4", "-f", "lavfi", "-i", "aevalsrc=sin(440*2*PI*t)*mod(t\\,0.3):s=48000", "-t", "3",
		"-c:a", "aac", "-aac_pns", "0", "-b:a", "128k")
	all := mediatest.FFmpeg(t, "-i", path, "-f", "f32le", "-")
	audio := ingest(t, path)[1]
	out := filepath.Join(t.TempDir(), "window.mp4")
	for _, bounds := range [][2]int64{{0, 48000}, {1000, 50_001}, {1024, 2048}, {90_000, 144_000}} {
		wanted := mediatime.NewRange(mediatime.Rescale(bounds[0], 48000), mediatime.Rescale(bounds[1], 48000))
		write(t, out, wanted, mux.Options{}, audio)
		got := mediatest.FFmpeg(t, "-i", out, "-f", "f32le", "-")
		length := int(bounds[1]-bounds[0]) * 4
		require.GreaterOrEqual(t, len(got), length, "%v", bounds)
		require.Less(t, len(got), length+1024*4, "ffmpeg may exceed the end by less than a frame")
		require.True(t, bytes.Equal(all[bounds[0]*4:bounds[1]*4], got[:length]), "%v", bounds)
	}
}

func TestPCMWindowsAreExactToTheSample(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"s16le", "s24be", "f32le"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			path := mediatest.Make(t, "source.mov", "-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:seed=7", "-t", "2", "-ac", "2", "-c:a", "pcm_"+codec)
			raw := codec[:3] + "le"
			all := mediatest.FFmpeg(t, "-i", path, "-f", raw, "-")
			audio := ingest(t, path)[1]
			frame := int64(audio.flow.Audio.BytesPerSample() * 2)
			out := filepath.Join(t.TempDir(), "window.mov")
			for _, bounds := range [][2]int64{{0, 96_000}, {1, 2}, {1919, 1921}, {40_001, 71_111}} {
				wanted := mediatime.NewRange(mediatime.Rescale(bounds[0], 48000), mediatime.Rescale(bounds[1], 48000))
				write(t, out, wanted, mux.Options{Kind: mux.QuickTime}, audio)
				got := mediatest.FFmpeg(t, "-i", out, "-f", raw, "-")
				require.True(t, bytes.Equal(all[bounds[0]*frame:bounds[1]*frame], got), "%v: %d bytes", bounds, len(got))

				out := filepath.Join(t.TempDir(), "a.mp4")
				write(t, out, wanted, mux.Options{}, audio)
				if codec != "f32le" { // FFmpeg 5 knows no fpcm
					got = mediatest.FFmpeg(t, "-i", out, "-f", raw, "-")
					require.True(t, bytes.Equal(all[bounds[0]*frame:bounds[1]*frame], got), "MP4, %v: %d bytes", bounds, len(got))
				}
			}
		})
	}
}

func TestPictureAndSoundStayTogether(t *testing.T) {
	t.Parallel()
	path := mediatest.Make(t, "source.mov", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=24", "-f", "lavfi", "-i", "sine=sample_rate=44100",
		"-t", "4", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "12", "-c:a", "aac", "-timecode", "01:00:00:00")
	tracks := ingest(t, path)
	want := mediatest.FrameHashes(t, path, "v")
	out := filepath.Join(t.TempDir(), "out.mov")
	code := mediatime.Timecode{Frames: 3600*24 + 31, Rate: tracks[1].flow.GrainRate}
	wanted := mediatime.NewRange(tracks[1].flow.GrainRate.Offset(30)+5*mediatime.Millisecond, 3*mediatime.Second)
	write(t, out, wanted, mux.Options{Kind: mux.QuickTime, Timecode: &code}, tracks[1], tracks[2])
	require.Equal(t, want[31:72], mediatest.FrameHashes(t, out, "v"))
	for _, s := range mediatest.Streams(t, out) {
		if s.CodecType != "video" {
			continue
		}
		require.Equal(t, "01:00:01:07", s.Tags["timecode"])
		// The first picture is shown when it should be after the window's start.
		wait := tracks[1].flow.GrainRate.Offset(31) - wanted.Start
		var num, den int64
		_, err := fmt.Sscanf(s.TimeBase, "%d/%d", &num, &den)
		require.NoError(t, err)
		require.InDelta(t, wait.Seconds(), float64(s.StartPTS*num)/float64(den), 0.001)
	}
}

func TestVariableRateKeepsItsTimes(t *testing.T) {
	t.Parallel()
	path := mediatest.Make(t, "source.mp4", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25", "-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr",
		"-frames:v", "40", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "10")
	video := ingest(t, path)[1]
	require.True(t, video.flow.Video.VariableRate)
	want := mediatest.FrameHashes(t, path, "v")
	shown := slices.Clone(video.index)
	slices.SortFunc(shown, func(a, b media.Entry) int { return int(a.PTS - b.PTS) })
	out := filepath.Join(t.TempDir(), "window.mp4")
	for _, bounds := range [][2]int{{0, 40}, {13, 14}, {12, 29}} {
		end := shown[bounds[1]-1].End()
		write(t, out, mediatime.NewRange(shown[bounds[0]].PTS, end), mux.Options{}, video)
		require.Equal(t, want[bounds[0]:bounds[1]], mediatest.FrameHashes(t, out, "v"))
	}
}
