package gsf

import (
	"fmt"
	"math"
)

// RawVideo describes pictures without compression as TAMS does (bbc/tams,
// schemas/flow-video.json).
type RawVideo struct {
	Type      string // unc_type: "planar", "alpha", or a packed format such as "v210"
	BitDepth  int
	RGB       bool // component_type RGB rather than YCbCr
	HorizSubs int  // horiz_chroma_subs: 1 or 2
	VertSubs  int  // vert_chroma_subs: 1 or 2
}

// Raw gives the description of a format, false if it is coded or unknown.
func (f FrameFormat) Raw() (RawVideo, bool) {
	switch {
	case !f.named() || f.Coded():
		return RawVideo{}, false
	case f.Packed():
		return f.rawPacked(), true
	}
	r := RawVideo{Type: "planar", BitDepth: f.BitDepth(), RGB: f&frameRGBPlanes != 0, HorizSubs: 1, VertSubs: 1}
	if f.Alpha() {
		r.Type = "alpha"
	}
	if f&frameHalfWidth != 0 {
		r.HorizSubs = 2
	}
	if f&frameHalfHeight != 0 {
		r.VertSubs = 2
	}
	return r, true
}

// named says that the format is one of the constants and stands for something.
func (f FrameFormat) named() bool {
	if !f.known() {
		return false
	}
	for _, n := range frameNames() {
		if n.format == f {
			return true
		}
	}
	return false
}

// rawPacked describes a packed format, whose lower bits only number it.
func (f FrameFormat) rawPacked() RawVideo {
	r := RawVideo{Type: f.String(), BitDepth: f.BitDepth(), RGB: true, HorizSubs: 1, VertSubs: 1}
	switch f {
	case FrameYUYV, FrameUYVY, FrameV210, FrameV216:
		r.RGB, r.HorizSubs = false, 2
	case FrameAYUV:
		r.RGB = false
	default: // the orders of red, green and blue
	}
	return r
}

// FrameFormatOf gives the format of a description, false if there is none.
// Subsampling below 1, which TAMS lets out, counts as 1.
func FrameFormatOf(r RawVideo) (FrameFormat, bool) {
	r.HorizSubs, r.VertSubs = max(r.HorizSubs, 1), max(r.VertSubs, 1)
	for _, n := range frameNames() {
		if found, ok := n.format.Raw(); ok && found == r {
			return n.format, true
		}
	}
	return FrameInvalid, false
}

// Components gives the planes of a picture as tightly as the format allows, in the
// order of the data; none for coded and unknown formats. It returns ErrTooLarge
// when a plane has more than 4 GiB.
//
// For the alpha formats it gives the one plane that there is and for AYUV four
// bytes per pixel, where the reference library gives three planes and two bytes.
func (f FrameFormat) Components(width, height uint32) ([]Component, error) {
	w, h := uint64(width), uint64(height)
	if !f.named() || f.Coded() {
		return nil, nil
	}
	if f.Packed() {
		stride := f.packedStride(w)
		return components([]plane{{w, h, stride, stride * h}})
	}
	sample := uint64(1) << (f >> frameStorage & 3)
	luma := plane{w, h, w * sample, w * sample * h}
	if f.Alpha() {
		return components([]plane{luma})
	}
	var halfW, halfH uint
	if f&frameHalfWidth != 0 {
		halfW = 1
	}
	if f&frameHalfHeight != 0 {
		halfH = 1
	}
	chroma := plane{w >> halfW, h >> halfH, (w >> halfW) * sample, ((w * h) >> (halfW + halfH)) * sample}
	return components([]plane{luma, chroma, chroma})
}

// packedStride gives the bytes of a line of packed pixels.
func (f FrameFormat) packedStride(width uint64) uint64 {
	switch f {
	case FrameYUYV, FrameUYVY:
		return 2 * width
	case FrameRGB:
		return 3 * width
	case FrameV210:
		const group, groupBytes = 48, 128 // pixels whose bytes are aligned
		return (width + group - 1) / group * groupBytes
	default:
		return 4 * width
	}
}

// plane is a Component before its sizes are known to fit.
type plane struct{ width, height, stride, length uint64 }

func components(planes []plane) ([]Component, error) {
	out := make([]Component, len(planes))
	for i, p := range planes {
		// A stride of at most 34 bits times 32 bits of lines can wrap.
		wraps := p.height > 0 && p.stride > math.MaxUint64/p.height
		if wraps || p.stride > math.MaxUint32 || p.length > math.MaxUint32 {
			return nil, fmt.Errorf("gsf: picture of %d x %d: %w", p.width, p.height, ErrTooLarge)
		}
		out[i] = Component{uint32(p.width), uint32(p.height), uint32(p.stride), uint32(p.length)}
	}
	return out, nil
}

// DataSize gives the sum of the lengths of components in bytes.
func DataSize(components []Component) int64 {
	var n int64
	for _, c := range components {
		n += int64(c.Length)
	}
	return n
}
