package h264

const seiRecoveryPoint = 6

// Recovery is a recovery point SEI message (H.264 D.2.8): decoding may start at
// its picture, and output is right from FrameCount frame numbers later on.
type Recovery struct {
	FrameCount uint32 // recovery_frame_cnt, in increments of frame_num
	Exact      bool   // exact_match_flag: right means the same, not just good
	BrokenLink bool   // pictures before it in output order may be spoilt by an edit
}

// readRecovery looks for a recovery point in an SEI unit.
func readRecovery(unit []byte) (Recovery, bool) {
	r := newBitReader(unit[1:])
	for r.err == nil {
		kind, ok := seiNumber(&r)
		if !ok {
			return Recovery{}, false
		}
		size, ok := seiNumber(&r)
		if !ok {
			return Recovery{}, false
		}
		if kind == seiRecoveryPoint {
			rec := Recovery{FrameCount: r.ueMax(1 << 16), Exact: r.flag(), BrokenLink: r.flag()}
			return rec, r.err == nil
		}
		for range size {
			r.u(8)
			if r.err != nil {
				return Recovery{}, false
			}
		}
	}
	return Recovery{}, false
}

// seiNumber reads a payload type or size: bytes of 255 and one other, summed.
func seiNumber(r *bitReader) (int, bool) {
	n := 0
	for r.err == nil {
		b := r.u(8)
		n += int(b)
		if b != 255 {
			break
		}
	}
	return n, r.err == nil
}
