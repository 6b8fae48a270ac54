package gsf_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/formattest"
	gsfformat "github.com/grainmesh/grainmesh/pkg/formats/gsf"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	files := slices.Concat(plainFiles(), oddFiles(), long())
	for i := range files {
		files[i].CheckObjects = sameGrains(files[i].Make)
	}
	formattest.Run(t, formattest.Suite{Format: gsfformat.Format{}, Files: files, Broken: broken()})
}

// sameGrains checks that the grains of all objects are those of the file, header by
// header: written again with the file's local id, each has the file's bytes.
func sameGrains(file func(testing.TB) []byte) func(*testing.T, []formattest.Object) {
	return func(t *testing.T, objects []formattest.Object) {
		t.Helper()
		source := map[uuid.UUID][][]byte{}
		b := file(t)
		r, err := gsf.NewBytesReader(b, gsf.Options{})
		require.NoError(t, err)
		majors := map[uuid.UUID][]gsf.Grain{}
		var g gsf.Grain
		for r.Next(&g) == nil {
			again, err := gsf.AppendGrainHeader(nil, gsf.Major9, &g, len(g.Data))
			require.NoError(t, err)
			source[g.FlowID] = append(source[g.FlowID], append(again, g.Data...))
			if r.Header().Major == gsf.Major9 && len(again)+len(g.Data) == int(g.Pos.Size) {
				require.Equal(t, b[g.Pos.Offset:g.Pos.Offset+g.Pos.Size], source[g.FlowID][len(source[g.FlowID])-1])
			}
			majors[g.FlowID] = append(majors[g.FlowID], gsf.Grain{LocalID: g.LocalID, SourceID: g.SourceID})
		}
		for i := range objects {
			r, err := gsf.NewBytesReader(objects[i].Bytes, gsf.Options{})
			require.NoError(t, err)
			for r.Next(&g) == nil {
				if len(source[g.FlowID]) == 0 {
					return // its id was replaced
				}
				from := majors[g.FlowID][0]
				g.LocalID, g.SourceID = from.LocalID, from.SourceID
				again, err := gsf.AppendGrainHeader(nil, gsf.Major9, &g, len(g.Data))
				require.NoError(t, err)
				require.Equal(t, source[g.FlowID][0], append(again, g.Data...))
				source[g.FlowID], majors[g.FlowID] = source[g.FlowID][1:], majors[g.FlowID][1:]
			}
		}
		for flow, left := range source {
			if len(left) > 0 && len(objects) > 0 && flow == flowID(1) {
				require.Empty(t, left, "grains of flow %s that were not kept", flow)
			}
		}
	}
}

func plainFiles() []formattest.File {
	audio, video := file(sound(1, 1, 300)...), file(pictures(1, 1, 60)...)
	closed, open := file(film(1, 1, "I0P3B1B2P6B4B5", 12)...), file(film(1, 1, "I2B0B1P5B3B4", 14)...)
	paths := file(woven(film(1, 1, "I0P3B1B2", 30), sound(2, 2, 120), events(3, 7, 9))...)
	eventTrack := paths.track(7, 3)
	eventTrack.Range.End = start + 64*mediatime.Second + 9*40*mediatime.Millisecond
	eventTrack.OwnTimes, eventTrack.Gaps = true, true
	list := []formattest.File{
		audio.test("audio", audio.track(1, 1)),
		file(sound(1, 1, 30)...).major(7).test("major 7", file(sound(1, 1, 30)...).track(1, 1)),
		file(sound(1, 1, 30)...).major(8).test("major 8", file(sound(1, 1, 30)...).track(1, 1)),
		video.test("video at 29.97", video.track(1, 1)),
		closed.test("closed GOPs", closed.track(1, 1)),
		open.test("open GOPs", open.track(1, 1)),
		paths.test("three segments", paths.track(1, 1), paths.track(2, 2), eventTrack),
		described(),
	}
	return list
}

// described has all that a header can say.
func described() formattest.File {
	s := file(pictures(1, 3, 5)...)
	s.header.Tags = []gsf.Tag{{Key: "reel", Value: "A001"}, {Key: "shared", Value: "file"}}
	s.header.Segments[0].Tags = []gsf.Tag{{Key: "take", Value: "3"}, {Key: "take", Value: "4"}}
	s.header.Segments[0].Flow = &gsf.FlowBlock{
		SourceID: sourceID(1), FlowID: flowID(1), Format: string(media.FormatVideo),
		Document: []byte(`{"label": "Camera 1", "description": "wide", "interlace_mode": "interlaced_tff", "colorspace": "BT709",
			"transfer_characteristic": "SDR", "tags": {"shared": ["flow"], "one": "text"}, "frame_width": 32}`),
	}
	f := s.test("described", s.track(3, 1))
	f.Check = func(t *testing.T, a *formats.Analysis) {
		t.Helper()
		require.Equal(t, time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC).UnixNano(), a.CreationTime)
		track := a.Tracks[0]
		require.Equal(t, flowID(1), track.GivenFlow)
		require.Equal(t, sourceID(1), track.GivenSource)
		require.Equal(t, &media.Flow{
			Format: media.FormatVideo, Codec: media.CodecRawVideo, Container: media.ContainerGSF, Label: "Camera 1", Description: "wide",
			GrainRate: rate(30000, 1001), Timescale: 1e9, StartTimecode: "01:00:00;00",
			Tags: media.Tags{"reel": {"A001"}, "shared": {"flow"}, "one": {"text"}, "take": {"3", "4"}},
			Video: &media.Video{
				Width: 32, Height: 8, BitDepth: 10, InterlaceMode: "interlaced_tff", Colorspace: "BT709", Transfer: "SDR",
				AspectRatio: rate(16, 9), ComponentType: "YCbCr", HorizontalSubs: 2, VerticalSubs: 1, UncType: "planar",
				GSFFormat: uint32(gsf.FrameS16x422x10),
			},
		}, track.Flow)
	}
	return f
}

func broken() []formattest.Broken {
	whole := func(t testing.TB) []byte { return file(sound(1, 1, 10)...).bytes(t) }
	is := func(name string, code fault.Code, change func(t testing.TB, b []byte) []byte, says ...string) formattest.Broken {
		return formattest.Broken{Name: name, Code: code, Says: says, Make: func(t testing.TB) []byte { return change(t, whole(t)) }}
	}
	const firstGrain = 12 + 31 + 34
	return []formattest.Broken{
		is("another format", fault.MalformedFile, func(testing.TB, []byte) []byte { return []byte("RIFF....WAVE") }, "not a grain sequence"),
		is("four bytes", fault.TruncatedFile, func(_ testing.TB, b []byte) []byte { return b[:4] }, "byte 4"),
		is("cut in the head", fault.TruncatedFile, func(_ testing.TB, b []byte) []byte { return b[:60] }, "byte 60", "head"),
		is("cut in a grain's header", fault.TruncatedFile, func(_ testing.TB, b []byte) []byte { return b[:firstGrain+20] }, "byte 97"),
		is("cut in essence", fault.TruncatedFile, func(_ testing.TB, b []byte) []byte { return b[:len(b)-30] }, "cut off", "byte"),
		is("major 10", fault.UnsupportedFile, func(_ testing.TB, b []byte) []byte { b[8] = 10; return b }, "major 10"),
		is("no grains", fault.NoEssence, func(_ testing.TB, b []byte) []byte { return b[:firstGrain] }, "no grains", "1 segments"),
		is("no head", fault.MalformedFile, func(_ testing.TB, b []byte) []byte { return append(b[:12:12], b[firstGrain:]...) }, "byte 12", "want head"),
		is("size of a block", fault.MalformedFile, func(_ testing.TB, b []byte) []byte {
			binary.LittleEndian.PutUint32(b[firstGrain+14:], 7)
			return b
		}, "byte 91"),
		is("grdt before gbhd", fault.MalformedFile, func(_ testing.TB, b []byte) []byte {
			copy(b[firstGrain+10:], "grdt")
			return b
		}, "byte 87"),
		is("time out of range", fault.TimeOutOfRange, func(_ testing.TB, b []byte) []byte {
			copy(b[firstGrain+10+8+32+1:], []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
			return b
		}, "292 years"),
		is("empty grains only", fault.NoEssence, func(t testing.TB, _ []byte) []byte {
			return file(run(1, 1, 3, rate(25, 1), func(int, *gsf.Grain) {})...).bytes(t)
		}),
		is("times go back", fault.MalformedFile, func(t testing.TB, _ []byte) []byte {
			s := file(sound(1, 1, 10)...)
			s.grains[7].Origin = s.grains[3].Origin
			return s.bytes(t)
		}, "times go back", "1700000000:120000000"),
		is("the same file twice", fault.MalformedFile, func(_ testing.TB, b []byte) []byte { return bytes.Repeat(b, 2) }, "times go back"),
		is("kind changes", fault.MalformedFile, func(t testing.TB, _ []byte) []byte {
			return file(append(sound(1, 1, 10), pictures(1, 1, 90)[30:]...)...).bytes(t)
		}, "video", "audio"),
	}
}
