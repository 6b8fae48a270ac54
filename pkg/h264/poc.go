package h264

// pocState derives picture order counts (H.264 8.2.1) across the pictures of
// one coded video sequence, in decoding order.
type pocState struct {
	prevMSB, prevLSB int32 // type 0: of the previous reference picture
	prevFrameNum     uint32
	prevOffset       int32 // FrameNumOffset of the previous picture
	prevReset        bool  // the previous picture had operation 5
}

// next returns the order counts of the top and the bottom field. For a single
// field both are the same.
func (st *pocState) next(s *slice) (top, bottom int32) {
	switch s.sps.pocType {
	case 0:
		top, bottom = st.type0(s)
	default:
		top, bottom = st.byFrameNum(s)
	}
	if s.field {
		if s.bottom {
			top = bottom
		} else {
			bottom = top
		}
	}
	st.afterMarking(s, top, bottom)
	return top, bottom
}

// afterMarking applies operation 5, which makes the picture count as if it were
// an IDR picture for those that follow (8.2.1).
func (st *pocState) afterMarking(s *slice, top, bottom int32) {
	st.prevFrameNum = s.frameNum
	st.prevReset = s.resetsPOC
	if !s.resetsPOC {
		return
	}
	st.prevFrameNum = 0
	st.prevMSB, st.prevLSB, st.prevOffset = 0, 0, 0
	if !s.bottom {
		st.prevLSB = top - min(top, bottom)
	}
}

func (st *pocState) type0(s *slice) (top, bottom int32) {
	if s.idr {
		st.prevMSB, st.prevLSB = 0, 0
	}
	size := int32(1) << s.sps.pocLSBBits
	lsb, msb := int32(s.pocLSB), st.prevMSB
	switch {
	case lsb < st.prevLSB && st.prevLSB-lsb >= size/2:
		msb += size
	case lsb > st.prevLSB && lsb-st.prevLSB > size/2:
		msb -= size
	}
	if s.refIDC != 0 {
		st.prevMSB, st.prevLSB = msb, lsb
	}
	top = msb + lsb
	return top, top + s.deltaPOC[0]
}

// byFrameNum covers types 1 and 2, which count frames.
func (st *pocState) byFrameNum(s *slice) (top, bottom int32) {
	offset := st.prevOffset
	switch {
	case s.idr:
		offset = 0
	case !st.prevReset && st.prevFrameNum > s.frameNum:
		offset += int32(1) << s.sps.frameNumBits
	}
	st.prevOffset = offset
	number := offset + int32(s.frameNum)
	if s.sps.pocType == 2 {
		poc := 2 * number
		if s.refIDC == 0 && !s.idr {
			poc--
		}
		return poc, poc
	}
	return type1(s, number)
}

func type1(s *slice, number int32) (top, bottom int32) {
	cycle := int32(len(s.sps.refOffsets))
	if cycle == 0 {
		number = 0
	}
	if s.refIDC == 0 && number > 0 {
		number--
	}
	expected := int32(0)
	if number > 0 {
		perCycle := int32(0)
		for _, delta := range s.sps.refOffsets {
			perCycle += delta
		}
		expected = (number - 1) / cycle * perCycle
		for i := range (number-1)%cycle + 1 {
			expected += s.sps.refOffsets[i]
		}
	}
	if s.refIDC == 0 {
		expected += s.sps.offsetNonRef
	}
	if s.field && s.bottom {
		return 0, expected + s.sps.offsetTopBottom + s.deltaPOC[0]
	}
	top = expected + s.deltaPOC[0]
	return top, top + s.sps.offsetTopBottom + s.deltaPOC[1]
}
