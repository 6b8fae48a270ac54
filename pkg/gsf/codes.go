package gsf

import "fmt"

// FrameFormat is the code of a picture format (of the Cog library, from which the
// format took it). Its bits say how samples are stored, see the methods.
type FrameFormat uint32

// Coded formats.
const (
	FrameMJPEG FrameFormat = 0x200
	FrameDNxHD FrameFormat = 0x201
	FrameMPEG2 FrameFormat = 0x202
	FrameAVCI  FrameFormat = 0x203
	FrameH264  FrameFormat = 0x204
	FrameDV    FrameFormat = 0x205
	FrameD10   FrameFormat = 0x206
	FrameVC2   FrameFormat = 0x207
	FrameVP8   FrameFormat = 0x208
	FrameH265  FrameFormat = 0x209
)

// Planar formats; samples wider than 8 bits are little-endian words with the
// value in their low bits.
const (
	FrameU8x444      FrameFormat = 0x2000
	FrameU8x422      FrameFormat = 0x2001
	FrameU8x420      FrameFormat = 0x2003
	FrameU8RGB       FrameFormat = 0x2010
	FrameAlphaU8     FrameFormat = 0x2080
	FrameAlphaU8x1   FrameFormat = 0x1080 // one bit in eight
	FrameS16x444x10  FrameFormat = 0x2804
	FrameS16x422x10  FrameFormat = 0x2805
	FrameS16x420x10  FrameFormat = 0x2807
	FrameS16RGBx10   FrameFormat = 0x2814
	FrameAlphaS16x10 FrameFormat = 0x2884
	FrameS16x444x12  FrameFormat = 0x3004
	FrameS16x422x12  FrameFormat = 0x3005
	FrameS16x420x12  FrameFormat = 0x3007
	FrameS16RGBx12   FrameFormat = 0x3014
	FrameAlphaS16x12 FrameFormat = 0x3084
	FrameS16x444     FrameFormat = 0x4004
	FrameS16x422     FrameFormat = 0x4005
	FrameS16x420     FrameFormat = 0x4007
	FrameS16RGB      FrameFormat = 0x4014
	FrameAlphaS16    FrameFormat = 0x4084
	FrameS32x444     FrameFormat = 0x8008
	FrameS32x422     FrameFormat = 0x8009
	FrameS32x420     FrameFormat = 0x800b
	FrameS32RGB      FrameFormat = 0x8018
	FrameAlphaS32    FrameFormat = 0x8088
)

// Packed formats, named by the order of their samples.
const (
	FrameYUYV FrameFormat = 0x2100
	FrameUYVY FrameFormat = 0x2101
	FrameAYUV FrameFormat = 0x2102
	FrameRGB  FrameFormat = 0x2104
	FrameRGBx FrameFormat = 0x2110
	FramexRGB FrameFormat = 0x2111
	FrameBGRx FrameFormat = 0x2112
	FramexBGR FrameFormat = 0x2113
	FrameRGBA FrameFormat = 0x2114
	FrameARGB FrameFormat = 0x2115
	FrameBGRA FrameFormat = 0x2116
	FrameABGR FrameFormat = 0x2117
	FrameV210 FrameFormat = 0x2906
	FrameV216 FrameFormat = 0x4105
)

// No format: FrameUnknown marks essence whose coding has no code here.
const (
	FrameUnknown FrameFormat = 0xfffffffe
	FrameInvalid FrameFormat = 0xffffffff
)

// Bits of a FrameFormat.
const (
	frameHalfWidth  = 1 << 0 // chroma
	frameHalfHeight = 1 << 1 // chroma
	frameStorage    = 2      // shift of two bits: 1, 2 or 4 bytes per sample
	frameRGBPlanes  = 1 << 4
	frameAlpha      = 1 << 7
	framePacked     = 1 << 8
	frameCoded      = 1 << 9
	frameDepth      = 10 // shift of six bits: active bits
)

func (f FrameFormat) known() bool { return f < FrameUnknown }

// Coded says that the picture is compressed.
func (f FrameFormat) Coded() bool { return f.known() && f&frameCoded != 0 }

// Packed says that all samples of a pixel stand together.
func (f FrameFormat) Packed() bool { return f.known() && f&(frameCoded|framePacked) == framePacked }

// Planar says that each component has a plane of its own.
func (f FrameFormat) Planar() bool { return f.known() && f&(frameCoded|framePacked) == 0 }

// Alpha says that the picture is nothing but a plane of alpha.
func (f FrameFormat) Alpha() bool { return f.Planar() && f&frameAlpha != 0 }

// BitDepth gives the active bits of a sample, 0 if coded or unknown.
func (f FrameFormat) BitDepth() int {
	switch {
	case !f.known() || f.Coded():
		return 0
	case f == FrameAlphaU8x1:
		return 1 // its code says 4
	default:
		return int(f>>frameDepth) & 0x3f
	}
}

// String gives the reference's name of the format, or its number.
func (f FrameFormat) String() string {
	for _, n := range frameNames() {
		if n.format == f {
			return n.name
		}
	}
	return fmt.Sprintf("0x%04x", uint32(f))
}

type frameName struct {
	format FrameFormat
	name   string
}

func frameNames() []frameName {
	return []frameName{
		{FrameMJPEG, "MJPEG"}, {FrameDNxHD, "DNxHD"}, {FrameMPEG2, "MPEG2"}, {FrameAVCI, "AVCI"},
		{FrameH264, "H264"}, {FrameDV, "DV"}, {FrameD10, "D10"}, {FrameVC2, "VC2"}, {FrameVP8, "VP8"}, {FrameH265, "H265"},
		{FrameU8x444, "U8_444"}, {FrameU8x422, "U8_422"}, {FrameU8x420, "U8_420"}, {FrameU8RGB, "U8_444_RGB"},
		{FrameAlphaU8, "ALPHA_U8"}, {FrameAlphaU8x1, "ALPHA_U8_1BIT"},
		{FrameS16x444x10, "S16_444_10BIT"}, {FrameS16x422x10, "S16_422_10BIT"}, {FrameS16x420x10, "S16_420_10BIT"},
		{FrameS16RGBx10, "S16_444_10BIT_RGB"}, {FrameAlphaS16x10, "ALPHA_S16_10BIT"},
		{FrameS16x444x12, "S16_444_12BIT"}, {FrameS16x422x12, "S16_422_12BIT"}, {FrameS16x420x12, "S16_420_12BIT"},
		{FrameS16RGBx12, "S16_444_12BIT_RGB"}, {FrameAlphaS16x12, "ALPHA_S16_12BIT"},
		{FrameS16x444, "S16_444"}, {FrameS16x422, "S16_422"}, {FrameS16x420, "S16_420"},
		{FrameS16RGB, "S16_444_RGB"}, {FrameAlphaS16, "ALPHA_S16"},
		{FrameS32x444, "S32_444"}, {FrameS32x422, "S32_422"}, {FrameS32x420, "S32_420"},
		{FrameS32RGB, "S32_444_RGB"}, {FrameAlphaS32, "ALPHA_S32"},
		{FrameYUYV, "YUYV"}, {FrameUYVY, "UYVY"}, {FrameAYUV, "AYUV"}, {FrameRGB, "RGB"},
		{FrameRGBx, "RGBx"}, {FramexRGB, "xRGB"}, {FrameBGRx, "BGRx"}, {FramexBGR, "xBGR"},
		{FrameRGBA, "RGBA"}, {FrameARGB, "ARGB"}, {FrameBGRA, "BGRA"}, {FrameABGR, "ABGR"},
		{FrameV210, "v210"}, {FrameV216, "v216"}, {FrameUnknown, "UNKNOWN"}, {FrameInvalid, "INVALID"},
	}
}

// FrameLayout says how the lines of a picture make up frames and fields.
type FrameLayout uint32

// The layouts.
const (
	LayoutFullFrame      FrameLayout = 0
	LayoutSeparateFields FrameLayout = 1
	LayoutSingleField    FrameLayout = 2
	LayoutMixedFields    FrameLayout = 3
	LayoutSegmentedFrame FrameLayout = 4
	LayoutUnknown        FrameLayout = 0xfffffffe
)

// String gives the layout in words, or its number.
func (l FrameLayout) String() string {
	switch l {
	case LayoutFullFrame:
		return "full frame"
	case LayoutSeparateFields:
		return "separate fields"
	case LayoutSingleField:
		return "single field"
	case LayoutMixedFields:
		return "mixed fields"
	case LayoutSegmentedFrame:
		return "segmented frame"
	case LayoutUnknown:
		return "unknown"
	default:
		return fmt.Sprintf("0x%x", uint32(l))
	}
}
