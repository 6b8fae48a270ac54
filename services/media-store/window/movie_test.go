package window_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/mp4"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// sink gathers what a format reads, as objects.
type sink map[int][]object

// StartObject implements formats.Sink.
func (s sink) StartObject(track int, segment mediatime.Range) error {
	s[track] = append(s[track], object{segment: segment})
	return nil
}

// Grain implements formats.Sink.
func (s sink) Grain(track int, g *formats.Grain) error {
	kept := *g
	kept.Data, kept.UnitOffsets = bytes.Clone(g.Data), slices.Clone(g.UnitOffsets)
	last := &s[track][len(s[track])-1]
	last.grains = append(last.grains, kept)
	return nil
}

// ingest takes a file into the store, as a multi Flow of its tracks.
func (b *bundle) ingest(t *testing.T, path string) *media.Flow {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	in := bytes.NewReader(data)
	analysis, err := mp4.Format{}.Probe(t.Context(), in)
	require.NoError(t, err)
	multi := &media.Flow{ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatMulti, Label: "film"}
	flows, byTrack := []*media.Flow{multi}, map[int]*media.Flow{}
	for _, track := range analysis.Tracks {
		track.Flow.ID, track.Flow.SourceID, track.Flow.Container = uuid.New(), uuid.New(), media.ContainerGSF
		flows, byTrack[track.Number] = append(flows, track.Flow), track.Flow
		multi.Collection = append(multi.Collection, media.Member{FlowID: track.Flow.ID})
	}
	sizes := formats.DefaultSizes()
	sizes.VideoObject, sizes.AudioObject = 20_000, 10_000 // windows reach over many objects
	s := sink{}
	req := &formats.PlanRequest{Analysis: analysis, Flows: byTrack, Range: mediatime.Eternity, Sizes: sizes}
	require.NoError(t, mp4.Format{}.Plan(t.Context(), in, req, func(c *formats.Chunk) error {
		return mp4.Format{}.Read(t.Context(), in, &formats.ReadRequest{Chunk: c, Flows: byTrack}, s)
	}))
	objects := map[uuid.UUID][]object{}
	for number, list := range s {
		objects[byTrack[number].ID] = list
	}
	b.put(t, flows, objects)
	return multi
}

func film(t *testing.T) string {
	t.Helper()
	return mediatest.Make(t, "film.mp4", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25", "-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:seed=3",
		"-t", "4", "-ac", "2", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
		"-x264-params", "keyint=12:min-keyint=12:scenecut=0:bframes=2:open-gop=1", "-c:a", "aac", "-aac_pns", "0")
}

// save writes an answer to a file.
func (a *answer) save(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, a.body, 0o600))
	return path
}

func TestMovieShowsTheFramesAndSoundOfTheRange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	source := film(t)
	multi := b.ingest(t, source)
	frames := mediatest.FrameHashes(t, source, "v")
	sound := mediatest.FFmpeg(t, "-i", source, "-vn", "-f", "f32le", "-")
	for _, format := range []string{"mp4", "mov"} {
		for _, c := range [][2]int{{0, 100}, {0, 1}, {11, 13}, {12, 24}, {13, 14}, {40, 77}, {99, 100}} {
			within := mediatime.NewRange(frameRate.Offset(int64(c[0])), frameRate.Offset(int64(c[1])))
			got := b.want(t, http.StatusOK, fmt.Sprintf("%s/window?timerange=%s&format=%s", multi.ID, within, format))
			require.Equal(t, within.String(), got.header.Get("X-Media-Timerange"))
			require.Equal(t, fmt.Sprint(len(got.body)), got.header.Get("Content-Length"))
			path := got.save(t, "window."+format)
			require.Equal(t, frames[c[0]:c[1]], mediatest.FrameHashes(t, path, "v"), "%v", c)
			heard := mediatest.FFmpeg(t, "-i", path, "-vn", "-f", "f32le", "-")
			from, length := c[0]*1920*8, (c[1]-c[0])*1920*8
			length = min(length, len(sound)-from)
			require.GreaterOrEqual(t, len(heard), length)
			require.True(t, bytes.Equal(sound[from:from+length], heard[:length]), "%v", c)
		}
	}
}

func TestMovieOfOneMember(t *testing.T) {
	t.Parallel()
	b := setup(t)
	source := film(t)
	multi := b.ingest(t, source)
	video := multi.Collection[0].FlowID
	got := b.want(t, http.StatusOK, video.String()+"/window?timerange=[1:0_2:0)")
	require.Equal(t, "video/mp4", got.header.Get("Content-Type"))
	require.Equal(t, mediatest.FrameHashes(t, source, "v")[25:50], mediatest.FrameHashes(t, got.save(t, "v.mp4"), "v"))
	all := b.want(t, http.StatusOK, multi.ID.String()+"/window")
	require.Equal(t, mediatest.FrameHashes(t, source, "v"), mediatest.FrameHashes(t, all.save(t, "all.mp4"), "v"))
}

func TestMovieOfRawAudio(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow, samples := pcm(t, b)
	rate := mediatime.NewRate(44100, 1)
	for _, c := range [][2]int{{0, 88201}, {1000, 1001}, {1500, 60000}} {
		within := mediatime.NewRange(rate.Offset(int64(c[0])), rate.Offset(int64(c[1])))
		got := b.want(t, http.StatusOK, fmt.Sprintf("%s/window?timerange=%s&format=mov", flow.ID, within))
		require.Equal(t, samples[4*c[0]:4*c[1]], mediatest.FFmpeg(t, "-i", got.save(t, "sound.mov"), "-f", "s16le", "-"), "%v", c)
	}
}

func TestMoviesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow := videoFlow() // without a decoder configuration
	other := videoFlow()
	other.Codec = "video/x-prores"
	b.put(t, []*media.Flow{flow, other}, map[uuid.UUID][]object{
		flow.ID: pictures(gop{media.Clean, []int{0, 1}}), other.ID: pictures(gop{media.Clean, []int{0, 1}}),
	})
	for _, id := range []uuid.UUID{flow.ID, other.ID} {
		refused := b.want(t, http.StatusConflict, id.String()+"/window?format=mp4")
		require.Contains(t, string(refused.body), "format=gsf")
	}
}
