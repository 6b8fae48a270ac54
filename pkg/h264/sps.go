package h264

import (
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Ratio is a pair of numbers such as a sample aspect ratio; 0:0 is unknown.
type Ratio struct{ Num, Den uint32 }

// Colour is how sample values map to light, by the code points of ITU-T H.273.
// 2 is "unspecified".
type Colour struct {
	Primaries, Transfer, Matrix uint8
	FullRange                   bool
}

// SPS holds the facts of a sequence parameter set (H.264 7.4.2.1.1, annex E).
type SPS struct {
	ID            uint8
	Profile       uint8 // profile_idc
	Constraints   uint8 // the byte with constraint_set0_flag in its highest bit
	Level         uint8 // level_idc: 40 is level 4.0
	ChromaFormat  uint8 // chroma_format_idc: 1 is 4:2:0, 2 is 4:2:2
	BitDepth      uint8 // of luma
	Width, Height int   // as displayed, after cropping
	CodedWidth    int   // in whole macroblocks
	CodedHeight   int
	FrameOnly     bool // frame_mbs_only_flag: there are no fields and no MBAFF
	MaxRefFrames  uint32
	SampleAspect  Ratio
	Colour        Colour
	// FrameRate is time_scale / (2 * num_units_in_tick), zero where the stream
	// does not say. It is a promise only where FixedRate is set.
	FrameRate mediatime.Rate
	FixedRate bool
	// Reorder is max_num_reorder_frames, or -1 where the stream does not say.
	Reorder int

	separatePlanes  bool
	frameNumBits    uint
	pocType         uint32
	pocLSBBits      uint
	deltaAlwaysZero bool
	offsetNonRef    int32
	offsetTopBottom int32
	refOffsets      []int32 // offset_for_ref_frame, at most 255
}

// IntraOnly says that the profile (annex A.2: High 10 Intra, High 4:2:2 Intra,
// High 4:4:4 Intra, CAVLC 4:4:4 Intra) or the lack of reference frames promises
// that every picture can be decoded by itself.
func (s *SPS) IntraOnly() bool {
	if s.MaxRefFrames == 0 || s.Profile == 44 {
		return true
	}
	intraFlag := s.Constraints&0x10 != 0
	return intraFlag && (s.Profile == 110 || s.Profile == 122 || s.Profile == 244)
}

// Codec returns the name that RFC 6381 gives the stream, such as "avc1.640028";
// sampleEntry is "avc1" or "avc3".
func (s *SPS) Codec(sampleEntry string) string {
	return fmt.Sprintf("%s.%02x%02x%02x", sampleEntry, s.Profile, s.Constraints, s.Level)
}

const maxMacroblocksPerSide = 16384 / 16 * 4 // four times what level 6.2 allows

// ParseSPS reads a sequence parameter set NAL unit.
func ParseSPS(unit []byte) (*SPS, error) {
	if TypeOf(unit) != UnitSPS || len(unit) < 4 {
		return nil, fmt.Errorf("reading sequence parameter set of %d bytes: %w", len(unit), ErrSyntax)
	}
	s := &SPS{
		Profile: unit[1], Constraints: unit[2], Level: unit[3],
		ChromaFormat: 1, BitDepth: 8, Reorder: -1,
		Colour: Colour{Primaries: 2, Transfer: 2, Matrix: 2},
	}
	r := newBitReader(unit[4:])
	s.ID = uint8(r.ueMax(31))
	if hasChromaFields(s.Profile) {
		s.readChroma(&r)
	}
	s.frameNumBits = uint(r.ueMax(12)) + 4
	s.readPOC(&r)
	s.MaxRefFrames = r.ueMax(16)
	r.flag() // gaps_in_frame_num_value_allowed_flag
	s.readSize(&r)
	if r.flag() {
		s.readVUI(&r)
	}
	if r.err != nil {
		return nil, fmt.Errorf("reading sequence parameter set: %w", r.err)
	}
	return s, nil
}

func hasChromaFields(profile uint8) bool {
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return true
	}
	return false
}

func (s *SPS) readChroma(r *bitReader) {
	s.ChromaFormat = uint8(r.ueMax(3))
	if s.ChromaFormat == 3 {
		s.separatePlanes = r.flag()
	}
	s.BitDepth = uint8(r.ueMax(6)) + 8
	r.ueMax(6) // bit_depth_chroma_minus8
	r.flag()   // qpprime_y_zero_transform_bypass_flag
	if !r.flag() {
		return
	}
	lists := 8
	if s.ChromaFormat == 3 {
		lists = 12
	}
	for i := range lists {
		if r.flag() {
			skipScalingList(r, i)
		}
	}
}

// skipScalingList reads past scaling_list() (7.3.2.1.1.1).
func skipScalingList(r *bitReader, index int) {
	size := 16
	if index >= 6 {
		size = 64
	}
	last, next := int32(8), int32(8)
	for range size {
		if next != 0 {
			next = (last + r.se() + 256) & 0xff
		}
		if next != 0 {
			last = next
		}
	}
}

func (s *SPS) readPOC(r *bitReader) {
	s.pocType = r.ueMax(2)
	switch s.pocType {
	case 0:
		s.pocLSBBits = uint(r.ueMax(12)) + 4
	case 1:
		s.deltaAlwaysZero = r.flag()
		s.offsetNonRef = r.se()
		s.offsetTopBottom = r.se()
		for range r.ueMax(255) {
			s.refOffsets = append(s.refOffsets, r.se())
		}
	}
}

func (s *SPS) readSize(r *bitReader) {
	widthMBs := int(r.ueMax(maxMacroblocksPerSide)) + 1
	mapUnits := int(r.ueMax(maxMacroblocksPerSide)) + 1
	s.FrameOnly = r.flag()
	fields := 2
	if s.FrameOnly {
		fields = 1
	} else {
		r.flag() // mb_adaptive_frame_field_flag
	}
	r.flag() // direct_8x8_inference_flag
	s.CodedWidth, s.CodedHeight = widthMBs*16, mapUnits*fields*16
	s.Width, s.Height = s.CodedWidth, s.CodedHeight
	if !r.flag() {
		return
	}
	unitX, unitY := 1, fields
	if !s.separatePlanes && (s.ChromaFormat == 1 || s.ChromaFormat == 2) {
		unitX = 2
	}
	if s.ChromaFormat == 1 {
		unitY = 2 * fields
	}
	const most = 1 << 16
	s.Width -= unitX * int(r.ueMax(most)+r.ueMax(most))
	s.Height -= unitY * int(r.ueMax(most)+r.ueMax(most))
	if s.Width <= 0 || s.Height <= 0 {
		r.err = ErrSyntax
	}
}
