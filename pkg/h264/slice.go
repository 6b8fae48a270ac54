package h264

import "fmt"

type sliceType uint8

const (
	sliceP sliceType = iota
	sliceB
	sliceI
	sliceSP
	sliceSI
)

func (t sliceType) intra() bool { return t == sliceI || t == sliceSI }

// slice holds the fields of slice_header() (H.264 7.3.3) up to and with the
// reference picture marking.
type slice struct {
	kind      sliceType
	allSame   bool // slice_type >= 5: all slices of the picture are of this type
	idr       bool
	refIDC    uint8
	sps       *SPS
	pps       *PPS
	frameNum  uint32
	field     bool
	bottom    bool
	pocLSB    uint32
	deltaPOC  [2]int32 // delta_pic_order_cnt_bottom, or delta_pic_order_cnt[]
	redundant bool
	resetsPOC bool // memory_management_control_operation 5
}

// sliceKind reads no more of a slice than its type.
func sliceKind(unit []byte) (sliceType, error) {
	r := newBitReader(unit[1:])
	r.ue()
	kind := r.ueMax(9)
	if r.err != nil {
		return 0, fmt.Errorf("reading slice type: %w", r.err)
	}
	return sliceType(kind % 5), nil
}

// parseSlice reads the header of a slice. It fails with ErrNoParameterSet where
// the parser does not hold the sets that the slice names.
func (p *Parser) parseSlice(unit []byte) (slice, error) {
	s := slice{idr: TypeOf(unit) == UnitIDR, refIDC: refIDC(unit)}
	r := newBitReader(unit[1:])
	r.ue() // first_mb_in_slice
	kind := r.ueMax(9)
	s.kind, s.allSame = sliceType(kind%5), kind >= 5
	id := r.ueMax(255)
	if r.err != nil {
		return s, fmt.Errorf("reading slice header: %w", r.err)
	}
	if s.pps = p.pps[id]; s.pps == nil {
		return s, fmt.Errorf("picture parameter set %d: %w", id, ErrNoParameterSet)
	}
	if s.sps = p.sps[s.pps.SPSID]; s.sps == nil {
		return s, fmt.Errorf("sequence parameter set %d: %w", s.pps.SPSID, ErrNoParameterSet)
	}
	s.readOrder(&r)
	if s.refIDC != 0 && !s.idr {
		s.readToMarking(&r)
	}
	if r.err != nil {
		return s, fmt.Errorf("reading slice header: %w", r.err)
	}
	return s, nil
}

// readOrder reads the fields that number and order the picture.
func (s *slice) readOrder(r *bitReader) {
	if s.sps.separatePlanes {
		r.u(2)
	}
	s.frameNum = r.u(s.sps.frameNumBits)
	if !s.sps.FrameOnly {
		if s.field = r.flag(); s.field {
			s.bottom = r.flag()
		}
	}
	if s.idr {
		r.ueMax(65535) // idr_pic_id
	}
	both := s.pps.bottomFieldPOC && !s.field
	switch {
	case s.sps.pocType == 0:
		s.pocLSB = r.u(s.sps.pocLSBBits)
		if both {
			s.deltaPOC[0] = r.se()
		}
	case s.sps.pocType == 1 && !s.sps.deltaAlwaysZero:
		s.deltaPOC[0] = r.se()
		if both {
			s.deltaPOC[1] = r.se()
		}
	}
	if s.pps.redundantCount {
		s.redundant = r.ueMax(127) > 0
	}
}

// readToMarking reads past the reference lists and the weights to
// dec_ref_pic_marking(), to learn whether the picture resets the order count.
func (s *slice) readToMarking(r *bitReader) {
	refs := s.pps.defaultRefs
	if s.kind == sliceB {
		r.flag() // direct_spatial_mv_pred_flag
	}
	if !s.kind.intra() {
		if r.flag() {
			refs[0] = r.ueMax(31) + 1
			if s.kind == sliceB {
				refs[1] = r.ueMax(31) + 1
			}
		}
		skipModifications(r)
		if s.kind == sliceB {
			skipModifications(r)
		}
	}
	weighted := s.pps.weightedPred && (s.kind == sliceP || s.kind == sliceSP)
	if weighted || (s.pps.weightedBi == 1 && s.kind == sliceB) {
		s.skipWeights(r, refs)
	}
	if !r.flag() { // adaptive_ref_pic_marking_mode_flag
		return
	}
	for r.err == nil {
		switch operation := r.ueMax(6); operation {
		case 0:
			return
		case 3:
			r.ue()
			r.ue()
		case 5:
			s.resetsPOC = true
		default:
			r.ue()
		}
	}
}

// skipModifications reads past one list of ref_pic_list_modification() (7.3.3.1).
func skipModifications(r *bitReader) {
	if !r.flag() {
		return
	}
	for r.err == nil && r.ueMax(5) != 3 {
		r.ue()
	}
}

// skipWeights reads past pred_weight_table() (7.3.3.2).
func (s *slice) skipWeights(r *bitReader, refs [2]uint32) {
	chroma := s.sps.ChromaFormat != 0 && !s.sps.separatePlanes
	r.ue() // luma_log2_weight_denom
	if chroma {
		r.ue() // chroma_log2_weight_denom
	}
	lists := refs[:1]
	if s.kind == sliceB {
		lists = refs[:]
	}
	for _, count := range lists {
		for range count {
			if r.flag() {
				r.se()
				r.se()
			}
			if chroma && r.flag() {
				for range 4 {
					r.se()
				}
			}
		}
	}
}
