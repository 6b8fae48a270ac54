package gsf_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// wantGrain is what gbhd of assemble_test.go describes.
func wantGrain() gsf.Grain {
	return gsf.Grain{
		LocalID:  1,
		SourceID: id(sourceIDText),
		FlowID:   id(flowIDText),
		Origin:   1000*mediatime.Second + 5,
		Sync:     1000*mediatime.Second + 999_999_999,
		Rate:     gsf.Rational{Num: 25, Den: 1},
		Duration: gsf.Rational{Num: 1, Den: 25},
		Data:     []byte("abcd"),
	}
}

func wantLabels() []gsf.TimeLabel {
	return []gsf.TimeLabel{
		{Name: "timecode #1", Frames: 107892, Rate: gsf.Rational{Num: 30000, Den: 1001}, DropFrame: true},
		{Name: "a name longer th", Frames: 5, Rate: gsf.Rational{Num: 25, Den: 1}},
	}
}

func wantVideo() gsf.Video {
	return gsf.Video{
		Format: gsf.FrameS16x422x10, Layout: gsf.LayoutSeparateFields, Width: 48, Height: 4,
		SourceAspect: gsf.Rational{Num: 16, Den: 9}, PixelAspect: gsf.Rational{Num: 0, Den: 1},
		Components: []gsf.Component{{48, 4, 96, 384}, {24, 4, 48, 192}, {24, 4, 48, 192}},
	}
}

func wantCodedVideo() gsf.CodedVideo {
	return gsf.CodedVideo{
		Format: gsf.FrameH264, OriginWidth: 1920, OriginHeight: 1080, CodedWidth: 1920, CodedHeight: 1088,
		KeyFrame: gsf.KeyFrameYes, TemporalOffset: -3, UnitOffsets: []uint32{0, 6, 34},
	}
}

// kinds gives a grain of each kind, assembled and as it is to be decoded.
func kinds() []struct {
	name   string
	blocks []byte
	size   int // of gbhd since major 8
	want   func(g *gsf.Grain)
} {
	return []struct {
		name   string
		blocks []byte
		size   int
		want   func(g *gsf.Grain)
	}{
		{"empty", nil, 78, func(g *gsf.Grain) { g.Kind = gsf.KindEmpty }},
		{"labels", labels(), 78 + 10 + 58, func(g *gsf.Grain) { g.Labels = wantLabels() }},
		{"video", video(comp()), 180, func(g *gsf.Grain) { g.Kind, g.Video = gsf.KindVideo, wantVideo() }},
		{"coded video", codedVideo(1, 0xfffffffd, unof()), 78 + 37 + 10 + 12, func(g *gsf.Grain) {
			g.Kind, g.CodedVideo = gsf.KindCodedVideo, wantCodedVideo()
		}},
		{"audio", cat(labels(), audio()), 78 + 68 + 22, func(g *gsf.Grain) {
			g.Kind, g.Labels = gsf.KindAudio, wantLabels()
			g.Audio = gsf.Audio{Format: gsf.AudioS16Interleaved, Channels: 2, Samples: 1, SampleRate: 48000}
		}},
		{"coded audio", codedAudio(), 78 + 30, func(g *gsf.Grain) {
			g.Kind = gsf.KindCodedAudio
			g.CodedAudio = gsf.CodedAudio{
				Format: gsf.AudioAAC, Channels: 2, Samples: 1024,
				Priming: 1024, Remainder: 7, SampleRate: 48000,
			}
		}},
		{"event", event(), 78 + 9, func(g *gsf.Grain) { g.Kind = gsf.KindEvent }},
	}
}

func TestDecodeAndEncodeEachKind(t *testing.T) {
	t.Parallel()
	for _, major := range []uint16{7, 8, 9} {
		for _, kind := range kinds() {
			t.Run(fmt.Sprintf("%d %s", major, kind.name), func(t *testing.T) {
				t.Parallel()
				grain := grai(1, gbhd(major, kind.blocks), grdt("abcd"))
				file := cat(opening(major), grain, terminator())
				got := one(t, file)
				want := wantGrain()
				kind.want(&want)
				want.Pos = gsf.Position{
					Offset: 77, Size: int64(len(grain)),
					DataOffset: int64(77 + len(grain) - 4), DataSize: 4,
				}
				require.Equal(t, &want, got)
				require.Equal(t, file, reencode(t, file))

				var alone gsf.Grain
				require.NoError(t, gsf.DecodeGrain(grain, major, &alone))
				alone.Pos = want.Pos
				require.Equal(t, want, alone)
				size := kind.size
				if major == 7 {
					size += 14
				}
				require.Equal(t, 10+size+8, gsf.GrainOverhead(major, got))
			})
		}
	}
}

func TestFileOverhead(t *testing.T) {
	t.Parallel()
	file := cat(opening(9), grai(1, gbhd(9, video(comp())), grdt("")), terminator())
	require.Len(t, file, 283)
}

func TestHeader(t *testing.T) {
	t.Parallel()
	file := cat(fileStart(8, 3), head(
		segm(1, 0, flowBlock("urn:x-nmos:format:video", `{"k":1}`), tagBlock("sk", "sv")),
		segm(7, -1, tagBlock("a", "b"), tagBlock("a", "")),
		tagBlock("fk", "fv é"), tagBlock("", "")), terminator())
	r, _, err := read(t, file)
	require.NoError(t, err)
	require.Empty(t, r.Warnings())
	want := &gsf.Header{
		Major: 8, Minor: 3, ID: id(fileIDText), Created: time.Date(2024, 2, 29, 23, 59, 58, 0, time.UTC),
		Segments: []gsf.Segment{
			{
				LocalID: 1, ID: id(segIDText), Tags: []gsf.Tag{{"sk", "sv"}},
				Flow: &gsf.FlowBlock{
					SourceID: id(sourceIDText), FlowID: id(flowIDText),
					Format: "urn:x-nmos:format:video", Document: []byte(`{"k":1}`),
				},
			},
			{LocalID: 7, ID: id(segIDText), Count: gsf.CountUnknown, Tags: []gsf.Tag{{"a", "b"}, {"a", ""}}},
		},
		Tags: []gsf.Tag{{"fk", "fv é"}, {"", ""}},
	}
	require.Equal(t, want, r.Header())
	require.Equal(t, file, reencode(t, file))
	require.Equal(t, &want.Segments[1], r.Header().Segment(7))
	require.Nil(t, r.Header().Segment(2))
}

func TestCodedVideoUnknowns(t *testing.T) {
	t.Parallel()
	for _, major := range []uint16{7, 8, 9} {
		file := cat(opening(major), grai(1, gbhd(major, codedVideo(3, 0x7fffffff)), grdt("x")), terminator())
		g := one(t, file)
		require.Equal(t, gsf.KeyFrameUnknown, g.CodedVideo.KeyFrame)
		require.Equal(t, gsf.TemporalOffsetUnknown, g.CodedVideo.TemporalOffset)
		require.Equal(t, file, reencode(t, file))

		key, known := g.CodedVideo.KeyFrameIn(major)
		offset, offsetKnown := g.CodedVideo.OffsetIn(major)
		if major == 9 {
			require.Equal(t, []any{false, false, int32(0), false}, []any{key, known, offset, offsetKnown})
			continue
		}
		// Before major 9 they are what they are: true, and a very large number.
		require.Equal(t, []any{true, true, int32(0x7fffffff), true}, []any{key, known, offset, offsetKnown})
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	gbhdAt := func(origin, sync []byte) []byte {
		return cat(opening(9), grai(1, blk("gbhd", idBytes(sourceIDText), idBytes(flowIDText),
			origin, sync, le32(25, 1), le32(1, 25)), grdt("")), terminator())
	}
	zero := t11(1, 0, 0)

	file := gbhdAt(t11(0, 12345, 999_999_999), t11(1, 9223372036, 854775806))
	g := one(t, file)
	require.Equal(t, -12345*mediatime.Second-999_999_999, g.Origin)
	require.Equal(t, mediatime.Max, g.Sync)
	require.Zero(t, g.FarSync)
	require.Equal(t, file, reencode(t, file))

	// The reference writer may set a sync time that no int64 holds; it survives.
	file = gbhdAt(zero, t11(0, 1<<47, 1))
	r, grains, err := read(t, file)
	require.NoError(t, err)
	require.Equal(t, gsf.WireTime{Negative: true, Seconds: 1 << 47, Nanos: 1}, grains[0].FarSync)
	require.Equal(t, mediatime.Min, grains[0].Sync)
	require.Equal(t, []gsf.Warning{{gsf.WarnFarSync, 77, 1}}, r.Warnings())
	require.Equal(t, file, reencode(t, file))

	_, _, err = read(t, gbhdAt(t11(1, 9223372036, 854775807), zero))
	require.ErrorIs(t, err, mediatime.ErrOutOfRange)
	var fault *gsf.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, gsf.Error{Offset: 77 + 10 + 40, Block: "gbhd", Start: 87, Err: fault.Err}, *fault)
}

func TestNullRational(t *testing.T) {
	t.Parallel()
	file := cat(opening(9), grai(1, blk("gbhd", idBytes(sourceIDText), idBytes(flowIDText),
		t11(1, 0, 0), t11(1, 0, 0), le32(25, 0), le32(50, 2)), grdt("")), terminator())
	g := one(t, file)
	require.True(t, g.Rate.IsNull())
	require.True(t, g.Rate.Rate().IsZero())
	require.Equal(t, gsf.Rational{Num: 0, Den: 1}, g.Rate)
	require.Equal(t, gsf.Rational{Num: 50, Den: 2}, g.Duration, "pairs are kept as they are")
	require.Equal(t, mediatime.NewRate(25, 1), g.Duration.Rate())
	require.Equal(t, "50/2", g.Duration.String())

	r, err := gsf.NewRational(mediatime.Rate{Num: 60000, Den: 2002})
	require.NoError(t, err)
	require.Equal(t, gsf.Rational{Num: 30000, Den: 1001}, r)
	r, err = gsf.NewRational(mediatime.Rate{})
	require.NoError(t, err)
	require.True(t, r.IsNull())
	_, err = gsf.NewRational(mediatime.Rate{Num: 1 << 40, Den: 1})
	require.ErrorIs(t, err, gsf.ErrTooLarge)
}

func TestDates(t *testing.T) {
	t.Parallel()
	withDate := func(d ...byte) []byte {
		return cat(fileStart(9, 0), blk("head", idBytes(fileIDText), d), terminator())
	}
	for _, good := range [][]byte{withDate(0, 0, 0, 0, 0, 0, 0), withDate(0xff, 0xff, 12, 31, 0, 0, 0)} {
		_, _, err := read(t, good)
		require.NoError(t, err)
		require.Equal(t, good, reencode(t, good))
	}
	leap, _, err := read(t, withDate(0xe0, 7, 12, 31, 23, 59, 60))
	require.NoError(t, err)
	require.Equal(t, time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC), leap.Header().Created)

	for _, bad := range [][]byte{
		withDate(0xe7, 7, 2, 29, 0, 0, 0), withDate(0xe7, 7, 13, 1, 0, 0, 0), withDate(0xe7, 7, 0, 1, 0, 0, 0),
		withDate(0xe7, 7, 1, 0, 0, 0, 0), withDate(0xe7, 7, 1, 1, 24, 0, 0), withDate(0xe7, 7, 1, 1, 0, 60, 0),
		withDate(0xe7, 7, 1, 1, 0, 0, 61), withDate(0, 0, 0, 0, 0, 0, 1),
	} {
		_, _, err := read(t, bad)
		require.ErrorIs(t, err, gsf.ErrDate)
		require.ErrorContains(t, err, `at byte 36, in block "head" that starts at 12`)
	}
}
