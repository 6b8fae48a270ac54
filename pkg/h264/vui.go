package h264

import "github.com/grainmesh/grainmesh/pkg/mediatime"

const extendedSAR = 255

// aspectOf returns the sample aspect ratio of an aspect_ratio_idc (table E-1).
func aspectOf(idc uint32) Ratio {
	table := [...]Ratio{
		{}, {1, 1}, {12, 11}, {10, 11}, {16, 11}, {40, 33}, {24, 11}, {20, 11}, {32, 11},
		{80, 33}, {18, 11}, {15, 11}, {64, 33}, {160, 99}, {4, 3}, {3, 2}, {2, 1},
	}
	if i := int(idc); i < len(table) {
		return table[i]
	}
	return Ratio{}
}

// readVUI reads vui_parameters() (annex E.1.1).
func (s *SPS) readVUI(r *bitReader) {
	if r.flag() {
		if idc := r.u(8); idc == extendedSAR {
			s.SampleAspect = Ratio{r.u(16), r.u(16)}
		} else {
			s.SampleAspect = aspectOf(idc)
		}
	}
	if r.flag() {
		r.flag() // overscan_appropriate_flag
	}
	if r.flag() {
		r.u(3) // video_format
		s.Colour.FullRange = r.flag()
		if r.flag() {
			s.Colour.Primaries = uint8(r.u(8))
			s.Colour.Transfer = uint8(r.u(8))
			s.Colour.Matrix = uint8(r.u(8))
		}
	}
	if r.flag() {
		r.ue() // chroma_sample_loc_type_top_field
		r.ue() // chroma_sample_loc_type_bottom_field
	}
	if r.flag() {
		units, scale := int64(r.u(32)), int64(r.u(32))
		s.FixedRate = r.flag()
		s.FrameRate = mediatime.NewRate(scale, 2*units)
	}
	readHRDs(r)
	r.flag() // pic_struct_present_flag
	if r.flag() {
		r.flag() // motion_vectors_over_pic_boundaries_flag
		r.ue()   // max_bytes_per_pic_denom
		r.ue()   // max_bits_per_mb_denom
		r.ue()   // log2_max_mv_length_horizontal
		r.ue()   // log2_max_mv_length_vertical
		s.Reorder = int(r.ueMax(16))
		r.ue() // max_dec_frame_buffering
	}
}

// readHRDs reads past both hypothetical reference decoder blocks (E.1.2).
func readHRDs(r *bitReader) {
	nal := r.flag()
	if nal {
		skipHRD(r)
	}
	vcl := r.flag()
	if vcl {
		skipHRD(r)
	}
	if nal || vcl {
		r.flag() // low_delay_hrd_flag
	}
}

func skipHRD(r *bitReader) {
	buffers := r.ueMax(31) + 1
	r.u(8) // bit_rate_scale, cpb_size_scale
	for range buffers {
		r.ue()
		r.ue()
		r.flag()
	}
	r.u(20) // four lengths of delay fields
}
