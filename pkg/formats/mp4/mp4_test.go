package mp4_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/mp4"
	"github.com/grainmesh/grainmesh/pkg/h264"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// input is a file in memory that counts what is read of it.
type input struct {
	*bytes.Reader
	read int64
}

func (in *input) ReadAt(b []byte, off int64) (int, error) {
	n, err := in.Reader.ReadAt(b, off)
	in.read += int64(n)
	return n, err
}

func open(t *testing.T, path string) *input {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return &input{Reader: bytes.NewReader(data)}
}

// collected is what a sink got of one track.
type collected struct {
	segments []mediatime.Range
	grains   []formats.Grain
	object   []int // of each grain
}

type sink map[int]*collected

func (s sink) StartObject(track int, segment mediatime.Range) error {
	if s[track] == nil {
		s[track] = &collected{}
	}
	s[track].segments = append(s[track].segments, segment)
	return nil
}

func (s sink) Grain(track int, g *formats.Grain) error {
	c := s[track]
	kept := *g
	kept.Data, kept.UnitOffsets = bytes.Clone(g.Data), slices.Clone(g.UnitOffsets)
	c.grains = append(c.grains, kept)
	c.object = append(c.object, len(c.segments)-1)
	return nil
}

// tiny are sizes that cut a small file into many chunks and objects.
func tiny() formats.Sizes {
	return formats.Sizes{
		ChunkBytes: 60_000, MaxChunkBytes: 400_000, ChunkDuration: mediatime.Second / 2,
		VideoObject: 15_000, AudioObject: 8_000, AudioDuration: mediatime.Second,
	}
}

// ingest takes a file through all three layers.
type ingest struct {
	in       *input
	analysis *formats.Analysis
	flows    map[int]*media.Flow
	chunks   []*formats.Chunk
	tracks   sink
}

func run(t *testing.T, path string, change func(*formats.PlanRequest)) *ingest {
	t.Helper()
	i := &ingest{in: open(t, path), flows: map[int]*media.Flow{}, tracks: sink{}}
	var err error
	i.analysis, err = mp4.Format{}.Probe(t.Context(), i.in)
	require.NoError(t, err)
	for _, track := range i.analysis.Tracks {
		if track.Skipped == "" {
			flow := *track.Flow
			flow.ID, flow.SourceID = uuid.New(), uuid.New()
			i.flows[track.Number] = &flow
		}
	}
	req := &formats.PlanRequest{Analysis: i.analysis, Flows: i.flows, Range: mediatime.Eternity, Sizes: formats.DefaultSizes()}
	if change != nil {
		change(req)
	}
	require.NoError(t, mp4.Format{}.Plan(t.Context(), i.in, req, func(c *formats.Chunk) error {
		i.chunks = append(i.chunks, c)
		return nil
	}))
	i.in.read = 0
	for _, c := range i.chunks {
		require.NoError(t, mp4.Format{}.Read(t.Context(), i.in, &formats.ReadRequest{Chunk: c, Flows: i.flows}, i.tracks))
	}
	return i
}

func withSizes(sizes formats.Sizes) func(*formats.PlanRequest) {
	return func(req *formats.PlanRequest) { req.Sizes = sizes }
}

// sampleBytes gives the samples of a track as the file has them.
func sampleBytes(t *testing.T, in *input, track int) [][]byte {
	t.Helper()
	m, err := isobmff.ReadMovie(in)
	require.NoError(t, err)
	var out [][]byte
	add := func(s isobmff.Sample) {
		b := make([]byte, s.Size)
		_, err := in.ReadAt(b, s.Offset)
		require.NoError(t, err)
		out = append(out, b)
	}
	for c := m.Tracks[track-1].Samples(); ; {
		s, ok, err := c.Next()
		require.NoError(t, err)
		if !ok {
			break
		}
		add(s)
	}
	for c := m.Fragments(in); ; {
		runs, err := c.Next()
		require.NoError(t, err)
		if runs == nil {
			return out
		}
		for _, r := range runs {
			if r.Track == m.Tracks[track-1] {
				for _, s := range r.Samples {
					add(s)
				}
			}
		}
	}
}

// checkVideo holds a track of H.264 against its file.
func (i *ingest) checkVideo(t *testing.T, track int) {
	t.Helper()
	got, want := i.tracks[track], sampleBytes(t, i.in, track)
	require.Len(t, got.grains, len(want))
	for k, g := range got.grains {
		config, err := h264.ParseConfig(i.flows[track].Configs[g.Config].Decoder)
		require.NoError(t, err)
		back, err := h264.ToAVCC(nil, g.Data, g.UnitOffsets, int(g.Injected), config.LengthSize)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want[k], back), "sample %d", k)
	}
	require.Zero(t, i.checkTimes(t, track))
}

// checkTimes holds the rules of times that every track must keep, and returns how
// much time no grain covers.
func (i *ingest) checkTimes(t *testing.T, track int) (holes mediatime.Time) {
	t.Helper()
	got := i.tracks[track]
	for k := 1; k < len(got.segments); k++ {
		require.Equal(t, got.segments[k-1].End, got.segments[k].Start, "segments follow one another")
	}
	byPTS := slices.Clone(got.grains)
	slices.SortStableFunc(byPTS, func(a, b formats.Grain) int { return int(a.PTS - b.PTS) })
	for k, g := range got.grains {
		require.Equal(t, byPTS[k].PTS, g.Order, "grain %d", k)
		require.Equal(t, byPTS[k+int(g.TemporalOffset)].PTS, g.PTS, "grain %d", k)
		if k > 0 {
			require.LessOrEqual(t, byPTS[k-1].End(), byPTS[k].PTS, "display place %d", k)
			holes += byPTS[k].PTS - byPTS[k-1].End()
		}
	}
	return holes
}

const source = "testsrc2=size=320x180:rate=25"

func encode(t *testing.T, name string, args ...string) string {
	t.Helper()
	return mediatest.Make(t, name, append([]string{
		"-f", "lavfi", "-i", source, "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100", "-t", "6", "-ac", "2", "-pix_fmt", "yuv420p",
	}, args...)...)
}

func x264(params string) []string {
	return []string{"-c:v", "libx264", "-preset", "veryfast", "-x264-params", "scenecut=0:" + params}
}

func TestSamplesComeBackFromEveryKindOfFile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file      string
		args      []string
		fragments bool
	}{
		"closed":      {"a.mp4", x264("keyint=20:bframes=3"), false},
		"open":        {"a.mp4", x264("keyint=20:bframes=3:open-gop=1"), false},
		"refresh":     {"a.mp4", x264("keyint=20:bframes=0:intra-refresh=1"), false},
		"intra":       {"a.mp4", x264("keyint=1"), false},
		"quicktime":   {"a.mov", append(x264("keyint=25"), "-timecode", "10:00:00:00"), false},
		"fast start":  {"a.mp4", append(x264("keyint=25"), "-movflags", "+faststart"), false},
		"fragmented":  {"a.mp4", append(x264("keyint=25:bframes=2"), "-movflags", "+frag_keyframe+empty_moov+default_base_moof"), true},
		"hybrid":      {"a.mp4", append(x264("keyint=25:bframes=2"), "-movflags", "+frag_keyframe"), true},
		"in-band":     {"a.mp4", append(x264("keyint=25:repeat-headers=1"), "-tag:v", "avc3"), false},
		"milliticks":  {"a.mp4", append(x264("keyint=25:bframes=2"), "-video_track_timescale", "1000", "-r", "30000/1001"), false},
		"offset by B": {"a.mp4", append(x264("keyint=25:bframes=2"), "-movflags", "+negative_cts_offsets"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := encode(t, test.file, test.args...)
			for _, sizes := range []formats.Sizes{formats.DefaultSizes(), tiny()} {
				i := run(t, path, withSizes(sizes))
				i.checkVideo(t, 1)
				audio := i.tracks[2]
				require.Equal(t, sampleBytes(t, i.in, 2), dataOf(audio.grains))
				holes := i.checkTimes(t, 2)
				require.Len(t, i.tracks[1].grains, int(i.analysis.Tracks[0].Grains))
				if !test.fragments {
					// Without an edit list ffmpeg makes room for B pictures at the start, by a
					// hole in the audio.
					require.Zero(t, holes)
					require.Zero(t, i.tracks[1].segments[0].Start)
					require.Zero(t, audio.segments[0].Start)
				}
				require.False(t, i.flows[1].GrainRate.IsZero())
				require.LessOrEqual(t, i.in.read, i.in.Size()*2*102/100)
			}
		})
	}
}

func dataOf(grains []formats.Grain) [][]byte {
	out := make([][]byte, len(grains))
	for i := range grains {
		out[i] = grains[i].Data
	}
	return out
}

func TestEachByteIsFetchedOnce(t *testing.T) {
	t.Parallel()
	path := encode(t, "a.mp4", x264("keyint=20:bframes=3")...)
	i := run(t, path, withSizes(tiny()))
	require.Greater(t, len(i.chunks), 2)
	require.LessOrEqual(t, i.in.read, i.in.Size()*102/100)
	for k := 1; k < len(i.chunks); k++ {
		require.GreaterOrEqual(t, i.chunks[k].Start, i.chunks[k-1].End)
	}
}

func TestAccessComesFromTheBitstream(t *testing.T) {
	t.Parallel()
	count := func(path string) map[media.RandomAccess]int {
		i := run(t, path, nil)
		got := map[media.RandomAccess]int{}
		for _, g := range i.tracks[1].grains {
			got[g.Access]++
			if g.Access == media.Recovery {
				require.NotZero(t, g.RecoveryFrames)
			}
			if g.Access == media.Clean || g.Access == media.OpenGOP {
				require.NotZero(t, g.Injected)
			}
		}
		return got
	}
	require.Equal(t, map[media.RandomAccess]int{media.Clean: 6, media.NotRandom: 144}, count(encode(t, "a.mp4", x264("keyint=25:min-keyint=25:bframes=2:b-adapt=0")...)))
	open := count(encode(t, "a.mp4", x264("keyint=25:min-keyint=25:bframes=2:b-adapt=0:open-gop=1")...))
	require.Equal(t, 1, open[media.Clean])
	require.GreaterOrEqual(t, open[media.OpenGOP], 5)
	refresh := count(encode(t, "a.mp4", x264("keyint=25:intra-refresh=1:bframes=0")...))
	require.Equal(t, 1, refresh[media.Clean])
	require.GreaterOrEqual(t, refresh[media.Recovery], 5)
	require.Equal(t, map[media.RandomAccess]int{media.Clean: 150}, count(encode(t, "a.mp4", x264("keyint=1")...)))
}

func TestLeadingPictures(t *testing.T) {
	t.Parallel()
	i := run(t, encode(t, "a.mp4", x264("keyint=12:min-keyint=12:bframes=2:b-adapt=0:open-gop=1:b-pyramid=none")...), nil)
	var rap formats.Grain
	leading := 0
	for _, g := range i.tracks[1].grains {
		if g.Access != media.NotRandom {
			rap = g
			continue
		}
		require.Equal(t, g.PTS < rap.PTS, g.Leading)
		if g.Leading {
			leading++
			require.True(t, g.Disposable)
		}
	}
	require.Greater(t, leading, 10)
}

func TestObjectsBeginAtRandomAccessPoints(t *testing.T) {
	t.Parallel()
	for _, params := range []string{"keyint=10:min-keyint=10:bframes=3", "keyint=10:min-keyint=10:bframes=3:open-gop=1"} {
		i := run(t, encode(t, "a.mp4", x264(params)...), withSizes(tiny()))
		track := i.tracks[1]
		require.Greater(t, len(track.segments), 4)
		for k, g := range track.grains {
			if k == 0 || track.object[k] != track.object[k-1] {
				require.NotEqual(t, media.NotRandom, g.Access, "object %d", track.object[k])
			}
			require.True(t, track.segments[track.object[k]].Contains(g.PTS), "grain %d at %s", k, g.PTS)
		}
	}
}

func TestOneGrainPerObject(t *testing.T) {
	t.Parallel()
	sizes := tiny()
	sizes.Grains = 1
	i := run(t, encode(t, "a.mp4", x264("keyint=25:bframes=3")...), withSizes(sizes))
	for number := range i.flows {
		track := i.tracks[number]
		hidden := len(track.grains) - len(track.segments)
		require.Equal(t, number-1, hidden, "the priming frame of AAC shares an object")
		for k, g := range track.grains[hidden:] {
			require.True(t, track.segments[k].Contains(g.PTS), "grain %d at %s in %s", k, g.PTS, track.segments[k])
		}
	}
}

func TestPlanIsRepeatable(t *testing.T) {
	t.Parallel()
	path := encode(t, "a.mp4", x264("keyint=25:bframes=3")...)
	a := run(t, path, withSizes(tiny()))
	b := run(t, path, func(req *formats.PlanRequest) { req.Sizes, req.Flows = tiny(), a.flows })
	require.Equal(t, a.chunks, b.chunks)
}

func TestPrimingAndRemainder(t *testing.T) {
	t.Parallel()
	i := run(t, encode(t, "a.mp4", x264("keyint=25")...), nil)
	audio := i.tracks[2].grains
	require.EqualValues(t, 1024, audio[0].Priming)
	require.Equal(t, -mediatime.NewRate(44100, 1024).Offset(1)-1, audio[0].PTS, "floor of a negative time")
	require.Zero(t, audio[1].PTS)
	total := int64(0)
	for _, g := range audio {
		total += int64(g.Samples) - int64(g.Priming) - int64(g.Remainder)
	}
	require.EqualValues(t, 6*44100, total)
	require.Equal(t, 6*mediatime.Second, i.analysis.Tracks[1].Range.End)
}

func TestPCMKeepsEverySample(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"pcm_s16le", "pcm_s16be", "pcm_s24be", "pcm_s32le", "pcm_f32be"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			path := encode(t, "a.mov", append(x264("keyint=25"), "-c:a", codec)...)
			want := mediatest.FFmpeg(t, "-i", path, "-map", "0:a", "-f", codec[4:len(codec)-2]+"le", "-")
			for _, sizes := range []formats.Sizes{formats.DefaultSizes(), tiny()} {
				i := run(t, path, withSizes(sizes))
				require.Zero(t, i.checkTimes(t, 2))
				require.True(t, bytes.Equal(want, bytes.Join(dataOf(i.tracks[2].grains), nil)))
				for k, g := range i.tracks[2].grains[:len(i.tracks[2].grains)-1] {
					require.EqualValues(t, 44100/25, g.Samples, "grain %d", k)
				}
				require.LessOrEqual(t, i.in.read, i.in.Size()*102/100)
			}
		})
	}
}

func TestRangeAndShift(t *testing.T) {
	t.Parallel()
	path := encode(t, "a.mp4", x264("keyint=10:bframes=2:open-gop=1")...)
	shift := 1000 * mediatime.Second
	wanted := mediatime.NewRange(shift+2*mediatime.Second, shift+3*mediatime.Second)
	i := run(t, path, func(req *formats.PlanRequest) { req.Sizes, req.Shift, req.Range = tiny(), shift, wanted })
	for number := range i.flows {
		track := i.tracks[number]
		require.Equal(t, wanted.Start, track.segments[0].Start)
		require.Equal(t, wanted.End, track.segments[len(track.segments)-1].End)
		require.LessOrEqual(t, track.grains[0].PTS, wanted.Start)
		require.True(t, number == 2 || track.grains[0].Access != media.NotRandom)
	}
}

func TestTimecodeAndTags(t *testing.T) {
	t.Parallel()
	i := run(t, encode(t, "a.mov", append(x264("keyint=25"), "-timecode", "10:00:00:05")...), nil)
	require.Equal(t, "10:00:00:05", i.flows[1].StartTimecode)
	require.Empty(t, i.flows[2].Tags["language"])
	german := run(t, encode(t, "a.mp4", append(x264("keyint=25"), "-metadata:s:a:0", "language=deu")...), nil)
	require.Equal(t, []string{"deu"}, german.flows[2].Tags["language"])
	require.Contains(t, i.analysis.Tracks[2].Skipped, "tmcd")
	v := i.flows[1].Video
	require.Equal(t, 320, v.Width)
	require.Equal(t, "progressive", v.InterlaceMode)
	require.Equal(t, mediatime.NewRate(25, 1), i.flows[1].GrainRate)
	require.Equal(t, mediatime.NewRate(44100, 1024), i.flows[2].GrainRate)
}

func TestVariableRate(t *testing.T) {
	t.Parallel()
	path := encode(t, "a.mp4", append(x264("keyint=25:bframes=2"), "-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr")...)
	i := run(t, path, withSizes(tiny()))
	require.True(t, i.flows[1].Video.VariableRate)
	require.True(t, i.flows[1].GrainRate.IsZero())
	i.checkVideo(t, 1)
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(encode(t, "a.mp4", append(x264("keyint=25"), "-movflags", "+faststart")...))
	require.NoError(t, err)
	probe := func(data []byte) error {
		_, err := mp4.Format{}.Probe(t.Context(), &input{Reader: bytes.NewReader(data)})
		return err
	}
	err = probe(whole[:len(whole)/2])
	require.True(t, fault.Is(err, fault.TruncatedFile), "%v", err)
	require.ErrorContains(t, err, "mdat is cut: sample")

	mp3, err := os.ReadFile(mediatest.Make(t, "a.mp4", "-f", "lavfi", "-i", "sine", "-t", "1", "-c:a", "ac3"))
	require.NoError(t, err)
	err = probe(mp3)
	require.True(t, fault.Is(err, fault.NoEssence), "%v", err)
	require.ErrorContains(t, err, "ac-3")
	require.True(t, mp4.Format{}.Sniff(whole))
	require.False(t, mp4.Format{}.Sniff([]byte("RIFF....WAVE")))
}

func TestProbeReadsTheIndexOnly(t *testing.T) {
	t.Parallel()
	path := mediatest.Make(t, "a.mp4", "-f", "lavfi", "-i", "nullsrc=size=640x360:rate=25,noise=alls=100:allf=t", "-t", "4",
		"-c:v", "libx264", "-preset", "ultrafast", "-qp", "10", "-pix_fmt", "yuv420p")
	in := open(t, path)
	require.Greater(t, in.Size(), int64(8<<20))
	_, err := mp4.Format{}.Probe(t.Context(), in)
	require.NoError(t, err)
	require.Less(t, in.read, int64(200_000))
}
