package h264

import "errors"

// ErrSyntax says that a syntax element runs past the end of its NAL unit or has
// a value that H.264 does not allow.
var ErrSyntax = errors.New("syntax element is cut short or out of range")

// bitReader reads the raw byte sequence payload of one NAL unit, dropping
// emulation prevention bytes on the way (H.264 7.3.1). After the first error
// every read gives zero; err is looked at once, at the end.
type bitReader struct {
	data   []byte
	next   int  // index of the byte after cur
	cur    byte // byte being read
	left   uint // bits of cur not read yet
	zeroes int  // zero bytes just before next
	err    error
}

func newBitReader(payload []byte) bitReader { return bitReader{data: payload} }

func (r *bitReader) fill() bool {
	if r.next >= len(r.data) {
		r.err = ErrSyntax
		return false
	}
	if r.zeroes >= 2 && r.data[r.next] == 3 {
		r.next++
		r.zeroes = 0
		if r.next >= len(r.data) {
			r.err = ErrSyntax
			return false
		}
	}
	r.cur = r.data[r.next]
	r.next++
	r.left = 8
	if r.cur == 0 {
		r.zeroes++
	} else {
		r.zeroes = 0
	}
	return true
}

// u reads n <= 32 bits, u(n).
func (r *bitReader) u(n uint) uint32 {
	var v uint64
	for n > 0 {
		if r.err != nil || (r.left == 0 && !r.fill()) {
			return 0
		}
		take := min(n, r.left)
		v = v<<take | uint64(r.cur>>(r.left-take))&(1<<take-1)
		r.left -= take
		n -= take
	}
	return uint32(v)
}

func (r *bitReader) flag() bool { return r.u(1) == 1 }

// ue reads an unsigned Exp-Golomb code, ue(v), of at most 32 bits.
func (r *bitReader) ue() uint32 {
	zeros := uint(0)
	for r.u(1) == 0 {
		if r.err != nil {
			return 0
		}
		if zeros++; zeros > 31 {
			r.err = ErrSyntax
			return 0
		}
	}
	return uint32(1<<zeros - 1 + uint64(r.u(zeros)))
}

// ueMax reads ue(v) and fails above limit, so that no loop and no buffer grows
// with what a hostile stream says.
func (r *bitReader) ueMax(limit uint32) uint32 {
	v := r.ue()
	if v > limit {
		r.err = ErrSyntax
		return 0
	}
	return v
}

// se reads a signed Exp-Golomb code, se(v).
func (r *bitReader) se() int32 {
	v := r.ue()
	if v&1 == 1 {
		return int32(v/2) + 1
	}
	return -int32(v / 2)
}
