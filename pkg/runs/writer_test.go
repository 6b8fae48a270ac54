package runs_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/runs"
)

// flows are one of each kind.
func flows() map[gsf.Kind]*media.Flow {
	at25, at44 := mediatime.NewRate(25, 1), mediatime.NewRate(44100, 1024)
	list := map[gsf.Kind]*media.Flow{
		gsf.KindAudio: {Format: media.FormatAudio, Codec: media.CodecPCM, GrainRate: at25,
			Audio: &media.Audio{SampleRate: 48000, Channels: 2, BitDepth: 16, GSFFormat: uint32(gsf.AudioS16Interleaved)}},
		gsf.KindCodedAudio: {Format: media.FormatAudio, Codec: media.CodecAAC, GrainRate: at44,
			Audio: &media.Audio{SampleRate: 44100, Channels: 2, GSFFormat: uint32(gsf.AudioAAC)}},
		gsf.KindCodedVideo: {Format: media.FormatVideo, Codec: media.CodecH264, GrainRate: at25,
			Video: &media.Video{Width: 1920, Height: 1080, InterlaceMode: "progressive", GSFFormat: uint32(gsf.FrameH264)}},
		gsf.KindVideo: {Format: media.FormatVideo, Codec: media.CodecRawVideo, GrainRate: at25,
			Video: &media.Video{Width: 48, Height: 4, AspectRatio: mediatime.NewRate(16, 9), GSFFormat: uint32(gsf.FrameV210)}},
		gsf.KindEvent: {Format: media.FormatData, Codec: "application/json"},
	}
	for kind, flow := range list {
		flow.ID, flow.SourceID = uuid.UUID{byte(kind), 6: 0x4a, 8: 0x8b}, uuid.UUID{byte(kind), 1, 6: 0x4a, 8: 0x8b}
		flow.Created = time.Date(2024, 2, 29, 12, 0, 0, 123456789, time.UTC)
	}
	return list
}

var objectID = uuid.UUID{0xf, 6: 0x4a, 8: 0x8b}

// drawGrains makes a run of grains, in decode order.
func drawGrains(t *rapid.T, kind gsf.Kind) []*formats.Grain {
	at := mediatime.Time(rapid.Int64Range(-1e12, 1e18).Draw(t, "start"))
	out := make([]*formats.Grain, rapid.IntRange(0, 8).Draw(t, "grains"))
	for i := range out {
		g := &formats.Grain{Data: rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "data")}
		g.Order, g.Duration = at, mediatime.Time(rapid.Int64Range(1, 1e10).Draw(t, "duration"))
		g.PTS, g.Ticks = at, rapid.Int64().Draw(t, "ticks")>>8
		g.Access = media.Clean
		switch kind {
		case gsf.KindCodedVideo:
			g.TemporalOffset = rapid.Int32Range(-4, 4).Draw(t, "offset")
			g.PTS += mediatime.Time(g.TemporalOffset) * 40 * mediatime.Millisecond
			g.Access = media.RandomAccess(rapid.Uint8Range(0, 3).Draw(t, "access"))
			g.UnitOffsets = rapid.SliceOfN(rapid.Uint32(), 0, 4).Draw(t, "units")
		case gsf.KindAudio, gsf.KindCodedAudio:
			g.Samples = rapid.Uint32Range(1, 5000).Draw(t, "samples")
		default:
		}
		if kind == gsf.KindCodedAudio {
			g.Priming, g.Remainder = rapid.Uint32Range(0, 1024).Draw(t, "priming"), rapid.Uint32Range(0, 1024).Draw(t, "remainder")
		}
		out[i] = g
		at += g.Duration
	}
	return out
}

func write(t require.TestingT, flow *media.Flow, grains []*formats.Grain, buf []byte) *runs.Object {
	w := runs.NewWriter(flow, objectID, buf)
	for i, g := range grains {
		before := w.Size()
		require.NoError(t, w.Add(g))
		require.Greater(t, w.Size(), before+len(g.Data))
		require.Equal(t, i+1, w.Grains())
	}
	o, err := w.Finish()
	require.NoError(t, err)
	return o
}

// An object is a GSF file of its grains, its index says where each one is, and the
// same grains give the same bytes, whatever memory it was made in.
func TestObjects(t *testing.T) {
	t.Parallel()
	for kind, flow := range flows() {
		t.Run(kind.String(), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				grains := drawGrains(t, kind)
				o := write(t, flow, grains, nil)
				dirty := rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(t, "memory")
				require.Equal(t, o.Bytes, write(t, flow, grains, dirty).Bytes)
				checkObject(t, kind, flow, o, grains)
			})
		})
	}
}

func checkObject(t *rapid.T, kind gsf.Kind, flow *media.Flow, o *runs.Object, grains []*formats.Grain) {
	r, err := gsf.NewBytesReader(o.Bytes, gsf.Options{})
	require.NoError(t, err)
	h := r.Header()
	require.Equal(t, objectID, h.ID)
	require.Equal(t, flow.Created.Truncate(time.Second), h.Created)
	require.Equal(t, []gsf.Segment{{LocalID: 1, ID: flow.ID, Count: int64(len(grains))}}, h.Segments)
	require.Len(t, o.Index, len(grains))
	var extent mediatime.Range
	keys := 0
	var got gsf.Grain
	for i, g := range grains {
		require.NoError(t, r.Next(&got))
		e := o.Index[i]
		require.Equal(t, g.Grain, e.Grain)
		require.Equal(t, string(g.Data), string(o.Bytes[e.Offset:e.Offset+e.Size]))
		require.Equal(t, string(g.Data), string(got.Data))
		require.Equal(t, kind, got.Kind)
		require.Equal(t, flow.ID, got.FlowID)
		require.Equal(t, flow.SourceID, got.SourceID)
		require.Equal(t, g.Order, got.Origin)
		require.Equal(t, flow.GrainRate, got.Rate.Rate())
		if !flow.GrainRate.IsZero() {
			require.Equal(t, flow.GrainRate, mediatime.NewRate(int64(got.Duration.Den), int64(got.Duration.Num)))
		} else {
			require.InDelta(t, int64(g.Duration), int64(mediatime.Rescale(int64(got.Duration.Num), int64(got.Duration.Den))), float64(mediatime.Millisecond))
		}
		switch kind {
		case gsf.KindCodedVideo:
			require.Equal(t, g.TemporalOffset, got.CodedVideo.TemporalOffset)
			require.Equal(t, g.Access == media.Clean || g.Access == media.OpenGOP, got.CodedVideo.KeyFrame == gsf.KeyFrameYes)
			require.ElementsMatch(t, g.UnitOffsets, got.CodedVideo.UnitOffsets)
		case gsf.KindVideo:
			require.Equal(t, gsf.Video{
				Format: gsf.FrameV210, Layout: gsf.LayoutUnknown, Width: 48, Height: 4, SourceAspect: gsf.Rational{Num: 16, Den: 9},
				PixelAspect: gsf.Rational{Den: 1}, Components: []gsf.Component{{Width: 48, Height: 4, Stride: 128, Length: 512}},
			}, got.Video)
		case gsf.KindAudio:
			require.Equal(t, gsf.Audio{Format: gsf.AudioS16Interleaved, Channels: 2, Samples: g.Samples, SampleRate: 48000}, got.Audio)
		case gsf.KindCodedAudio:
			require.Equal(t, g.Priming, got.CodedAudio.Priming)
			require.Equal(t, g.Remainder, got.CodedAudio.Remainder)
			require.Equal(t, g.Samples, got.CodedAudio.Samples)
		default:
		}
		extent = extent.Union(g.Range())
		if g.Access != media.NotRandom {
			keys++
		}
	}
	require.Error(t, r.Next(&got))
	require.Empty(t, r.Warnings())
	require.Equal(t, extent, o.Range)
	require.Equal(t, keys, o.KeyFrames)
}

// A grain of a GSF source keeps its own header; only ids are the store's.
func TestGrainsOfGSFKeepTheirHeader(t *testing.T) {
	t.Parallel()
	flow := flows()[gsf.KindVideo]
	source := gsf.Grain{
		LocalID: 7, Kind: gsf.KindVideo, SourceID: uuid.UUID{1}, FlowID: uuid.UUID{2}, Origin: 5, Sync: 6,
		Rate: gsf.Rational{Num: 50, Den: 2}, Duration: gsf.Rational{Num: 2, Den: 50},
		Labels: []gsf.TimeLabel{{Name: "ltc", Frames: 90000, Rate: gsf.Rational{Num: 25, Den: 1}}},
		Video: gsf.Video{
			Format: gsf.FrameV210, Layout: gsf.LayoutMixedFields, Width: 48, Height: 4, Extension: 3,
			SourceAspect: gsf.Rational{Num: 16, Den: 9}, Components: []gsf.Component{{Width: 48, Height: 4, Stride: 200, Length: 800}},
		},
		FarSync: gsf.WireTime{Seconds: 1 << 47},
	}
	data := []byte("essence")
	o := write(t, flow, []*formats.Grain{{Grain: media.Grain{PTS: 5, Order: 5, Duration: 1, Access: media.Clean}, Data: data, GSF: &source}}, nil)

	want := source
	want.LocalID, want.SourceID, want.FlowID = 1, flow.SourceID, flow.ID
	b, err := gsf.AppendGrainHeader(nil, gsf.Major9, &want, len(data))
	require.NoError(t, err)
	start := o.Index[0].Offset - int64(len(b))
	require.Equal(t, append(b, data...), o.Bytes[start:o.Index[0].Offset+o.Index[0].Size])
	require.EqualValues(t, 7, source.LocalID, "the source's grain is left as it is")
}

func TestInterlacedLayouts(t *testing.T) {
	t.Parallel()
	for mode, layout := range map[string]gsf.FrameLayout{
		"progressive": gsf.LayoutFullFrame, "interlaced_tff": gsf.LayoutMixedFields, "interlaced_bff": gsf.LayoutMixedFields,
		"interlaced_psf": gsf.LayoutSegmentedFrame, "": gsf.LayoutUnknown,
	} {
		flow := flows()[gsf.KindCodedVideo]
		flow.Video.InterlaceMode = mode
		o := write(t, flow, []*formats.Grain{{Grain: media.Grain{Duration: 1}, Data: []byte("x")}}, nil)
		r, err := gsf.NewBytesReader(o.Bytes, gsf.Options{})
		require.NoError(t, err)
		var g gsf.Grain
		require.NoError(t, r.Next(&g))
		require.Equal(t, layout, g.CodedVideo.Layout, mode)
	}
}
