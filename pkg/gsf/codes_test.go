package gsf_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
)

func TestFrameFormats(t *testing.T) {
	t.Parallel()
	tests := []struct {
		format gsf.FrameFormat
		name   string
		raw    gsf.RawVideo
	}{
		{gsf.FrameU8x420, "U8_420", gsf.RawVideo{"planar", 8, false, 2, 2}},
		{gsf.FrameS16x422x10, "S16_422_10BIT", gsf.RawVideo{"planar", 10, false, 2, 1}},
		{gsf.FrameS16RGBx12, "S16_444_12BIT_RGB", gsf.RawVideo{"planar", 12, true, 1, 1}},
		{gsf.FrameS32x444, "S32_444", gsf.RawVideo{"planar", 32, false, 1, 1}},
		{gsf.FrameAlphaU8x1, "ALPHA_U8_1BIT", gsf.RawVideo{"alpha", 1, false, 1, 1}},
		{gsf.FrameAlphaS16x10, "ALPHA_S16_10BIT", gsf.RawVideo{"alpha", 10, false, 1, 1}},
		{gsf.FrameV210, "v210", gsf.RawVideo{"v210", 10, false, 2, 1}},
		{gsf.FrameV216, "v216", gsf.RawVideo{"v216", 16, false, 2, 1}},
		{gsf.FrameUYVY, "UYVY", gsf.RawVideo{"UYVY", 8, false, 2, 1}},
		{gsf.FrameAYUV, "AYUV", gsf.RawVideo{"AYUV", 8, false, 1, 1}},
		{gsf.FramexBGR, "xBGR", gsf.RawVideo{"xBGR", 8, true, 1, 1}},
	}
	for _, test := range tests {
		require.Equal(t, test.name, test.format.String())
		raw, ok := test.format.Raw()
		require.True(t, ok)
		require.Equal(t, test.raw, raw)
		format, ok := gsf.FrameFormatOf(raw)
		require.True(t, ok)
		require.Equal(t, test.format, format)
	}
	for _, format := range []gsf.FrameFormat{gsf.FrameH264, gsf.FrameUnknown, gsf.FrameInvalid, 0x1234} {
		_, ok := format.Raw()
		require.False(t, ok, format)
		require.Zero(t, format.BitDepth()&^4, format) // 0x1234 says 4 and means nothing
	}
	_, ok := gsf.FrameFormatOf(gsf.RawVideo{Type: "planar", BitDepth: 9})
	require.False(t, ok)
	format, ok := gsf.FrameFormatOf(gsf.RawVideo{Type: "RGBA", BitDepth: 8, RGB: true})
	require.True(t, ok, "subsampling left out")
	require.Equal(t, gsf.FrameRGBA, format)
	require.True(t, gsf.FrameH265.Coded())
	require.False(t, gsf.FrameUnknown.Coded())
	require.Equal(t, "0x1234", gsf.FrameFormat(0x1234).String())
	require.Equal(t, "segmented frame", gsf.LayoutSegmentedFrame.String())
	require.Equal(t, "0x7", gsf.FrameLayout(7).String())
}

func TestAudioFormats(t *testing.T) {
	t.Parallel()
	tests := []struct {
		format gsf.AudioFormat
		name   string
		raw    gsf.RawAudio
		bytes  int64 // of ten samples in three channels
	}{
		{gsf.AudioS16Planes, "S16_PLANES", gsf.RawAudio{"planar", 16, false}, 60},
		{gsf.AudioS16Pairs, "S16_PAIRS", gsf.RawAudio{"pairs", 16, false}, 80},
		{gsf.AudioS24Planes, "S24_PLANES", gsf.RawAudio{"planar", 24, false}, 120},
		{gsf.AudioS24Pairs, "S24_PAIRS", gsf.RawAudio{"pairs", 24, false}, 120},
		{gsf.AudioS24Interleaved, "S24_INTERLEAVED", gsf.RawAudio{"interleaved", 24, false}, 90},
		{gsf.AudioS32Interleaved, "S32_INTERLEAVED", gsf.RawAudio{"interleaved", 32, false}, 120},
		{gsf.AudioFloatPlanes, "FLOAT_PLANES", gsf.RawAudio{"planar", 32, true}, 120},
		{gsf.AudioDoubleInterleaved, "DOUBLE_INTERLEAVED", gsf.RawAudio{"interleaved", 64, true}, 240},
	}
	for _, test := range tests {
		require.Equal(t, test.name, test.format.String())
		raw, ok := test.format.Raw()
		require.True(t, ok)
		require.Equal(t, test.raw, raw)
		format, ok := gsf.AudioFormatOf(raw)
		require.True(t, ok)
		require.Equal(t, test.format, format)
		require.Equal(t, test.bytes, test.format.DataSize(3, 10))
	}
	for _, format := range []gsf.AudioFormat{gsf.AudioAAC, gsf.AudioS64Invalid, gsf.AudioUnknown, gsf.AudioInvalid, 3, 0x40} {
		_, ok := format.Raw()
		require.False(t, ok, format)
		require.Zero(t, format.DataSize(2, 48000))
	}
	_, ok := gsf.AudioFormatOf(gsf.RawAudio{Type: "planar", BitDepth: 20})
	require.False(t, ok)
	require.True(t, gsf.AudioOpus.Coded())
	require.Equal(t, []string{"AAC", "UNKNOWN", "0x003"},
		[]string{gsf.AudioAAC.String(), gsf.AudioUnknown.String(), gsf.AudioFormat(3).String()})
}

func TestComponents(t *testing.T) {
	t.Parallel()
	tests := []struct {
		format gsf.FrameFormat
		want   []gsf.Component
		bytes  int64
	}{
		{gsf.FrameS16x422x10, []gsf.Component{{1920, 1080, 3840, 4147200}, {960, 1080, 1920, 2073600}, {960, 1080, 1920, 2073600}}, 8294400},
		{gsf.FrameU8x420, []gsf.Component{{1920, 1080, 1920, 2073600}, {960, 540, 960, 518400}, {960, 540, 960, 518400}}, 3110400},
		{gsf.FrameS32RGB, []gsf.Component{{1920, 1080, 7680, 8294400}, {1920, 1080, 7680, 8294400}, {1920, 1080, 7680, 8294400}}, 24883200},
		{gsf.FrameAlphaU8, []gsf.Component{{1920, 1080, 1920, 2073600}}, 2073600},
		{gsf.FrameV210, []gsf.Component{{1920, 1080, 5120, 5529600}}, 5529600},
		{gsf.FrameUYVY, []gsf.Component{{1920, 1080, 3840, 4147200}}, 4147200},
		{gsf.FrameAYUV, []gsf.Component{{1920, 1080, 7680, 8294400}}, 8294400},
		{gsf.FrameRGB, []gsf.Component{{1920, 1080, 5760, 6220800}}, 6220800},
		{gsf.FrameV216, []gsf.Component{{1920, 1080, 7680, 8294400}}, 8294400},
		{gsf.FrameH264, nil, 0},
		{gsf.FrameUnknown, nil, 0},
		{gsf.FrameFormat(0x2130), nil, 0},
	}
	for _, test := range tests {
		got, err := test.format.Components(1920, 1080)
		require.NoError(t, err)
		require.Equal(t, test.want, got, test.format)
		require.Equal(t, test.bytes, gsf.DataSize(got))
	}
	for _, size := range [][2]uint32{{1 << 16, 1 << 16}, {1<<32 - 1, 1<<32 - 1}, {1<<32 - 1, 1}} {
		_, err := gsf.FrameS32x444.Components(size[0], size[1])
		require.ErrorIs(t, err, gsf.ErrTooLarge)
	}
	empty, err := gsf.FrameU8x420.Components(1<<30, 0)
	require.NoError(t, err)
	require.Zero(t, gsf.DataSize(empty))
}

func TestKinds(t *testing.T) {
	t.Parallel()
	for kind := gsf.KindEmpty; kind <= gsf.KindEvent; kind++ {
		require.NotEqual(t, "unknown kind", kind.String())
	}
	require.Equal(t, "unknown kind", gsf.Kind(99).String())
}

func TestNamesOfTheRest(t *testing.T) {
	t.Parallel()
	for layout := gsf.LayoutFullFrame; layout <= gsf.LayoutSegmentedFrame; layout++ {
		require.NotContains(t, layout.String(), "0x")
	}
	require.Equal(t, "unknown", gsf.LayoutUnknown.String())
	names := map[gsf.AudioFormat]string{
		gsf.AudioMP1: "MP1", gsf.AudioOpus: "OPUS", gsf.AudioS64Invalid: "S64_INVALID", gsf.AudioInvalid: "INVALID",
	}
	for format, name := range names {
		require.Equal(t, name, format.String())
	}
}
