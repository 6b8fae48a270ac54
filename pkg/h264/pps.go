package h264

import (
	"fmt"
	"math/bits"
)

// PPS holds the facts of a picture parameter set (H.264 7.4.2.2) that slice
// headers depend on.
type PPS struct {
	ID    uint8
	SPSID uint8

	bottomFieldPOC bool // bottom_field_pic_order_in_frame_present_flag
	defaultRefs    [2]uint32
	weightedPred   bool
	weightedBi     uint32
	redundantCount bool
}

// ParsePPS reads a picture parameter set NAL unit.
func ParsePPS(unit []byte) (*PPS, error) {
	if TypeOf(unit) != UnitPPS {
		return nil, fmt.Errorf("reading picture parameter set of %d bytes: %w", len(unit), ErrSyntax)
	}
	r := newBitReader(unit[1:])
	p := &PPS{ID: uint8(r.ueMax(255)), SPSID: uint8(r.ueMax(31))}
	r.flag() // entropy_coding_mode_flag
	p.bottomFieldPOC = r.flag()
	if groups := r.ueMax(7); groups > 0 {
		skipSliceGroups(&r, groups)
	}
	p.defaultRefs = [2]uint32{r.ueMax(31) + 1, r.ueMax(31) + 1}
	p.weightedPred = r.flag()
	p.weightedBi = r.u(2)
	r.se()   // pic_init_qp_minus26
	r.se()   // pic_init_qs_minus26
	r.se()   // chroma_qp_index_offset
	r.flag() // deblocking_filter_control_present_flag
	r.flag() // constrained_intra_pred_flag
	p.redundantCount = r.flag()
	if r.err != nil {
		return nil, fmt.Errorf("reading picture parameter set: %w", r.err)
	}
	return p, nil
}

// skipSliceGroups reads past the slice group map of a set with groups + 1 slice
// groups (7.3.2.2).
func skipSliceGroups(r *bitReader, groups uint32) {
	switch r.ueMax(6) {
	case 0:
		for range groups + 1 {
			r.ue()
		}
	case 2:
		for range groups {
			r.ue()
			r.ue()
		}
	case 3, 4, 5:
		r.flag()
		r.ue()
	case 6:
		width := uint(bits.Len32(groups))
		count := r.ue()
		for i := uint32(0); i <= count && r.err == nil; i++ {
			r.u(width)
		}
	}
}
