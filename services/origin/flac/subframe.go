package flac

import "math/bits"

// Kinds of subframe (RFC 9639, 9.2.1), as the byte before their samples.
const (
	kindConstant = 0 << 1
	kindVerbatim = 1 << 1
	kindFixed    = 8 << 1 // plus the order
	maxOrder     = 4
)

// subframe appends one channel, in the way that takes least.
func (e *Encoder) subframe(w *bitWriter, x []int32, width uint) {
	if constant(x) {
		w.put(kindConstant, 8)
		w.signed(x[0], width)
		return
	}
	order := bestOrder(x)
	r := e.residual[:len(x)-order]
	predict(r, x, order)
	rice := chooseRice(r, len(x), order)
	if rice.bits+uint64(order)*uint64(width) >= uint64(len(x))*uint64(width) {
		w.put(kindVerbatim, 8)
		for _, v := range x {
			w.signed(v, width)
		}
		return
	}
	w.put(kindFixed|uint32(order)<<1, 8)
	for _, v := range x[:order] {
		w.signed(v, width)
	}
	rice.write(w, r, len(x), order)
}

func constant(x []int32) bool {
	for _, v := range x {
		if v != x[0] {
			return false
		}
	}
	return true
}

// bestOrder returns the fixed predictor with the least sum of errors.
func bestOrder(x []int32) int {
	if len(x) <= 2*maxOrder {
		return 0
	}
	var sums [maxOrder + 1]uint64
	for i := maxOrder; i < len(x); i++ {
		d := x[i]
		sums[0] += magnitude(d)
		d1 := x[i] - x[i-1]
		p1 := x[i-1] - x[i-2]
		q1 := x[i-2] - x[i-3]
		s1 := x[i-3] - x[i-4]
		sums[1] += magnitude(d1)
		d2, p2, q2 := d1-p1, p1-q1, q1-s1
		sums[2] += magnitude(d2)
		d3, p3 := d2-p2, p2-q2
		sums[3] += magnitude(d3)
		sums[4] += magnitude(d3 - p3)
	}
	best := 0
	for order, sum := range sums {
		if sum < sums[best] {
			best = order
		}
	}
	return best
}

// predict writes the errors of the fixed predictor of an order (RFC 9639, 9.2.5).
// With 25 bits and order 4 they have 29 bits at most.
func predict(r, x []int32, order int) {
	n := len(r)
	switch order {
	case 0:
		copy(r, x)
	case 1:
		for i := range n {
			r[i] = x[i+1] - x[i]
		}
	case 2:
		for i := range n {
			r[i] = x[i+2] - 2*x[i+1] + x[i]
		}
	case 3:
		for i := range n {
			r[i] = x[i+3] - 3*x[i+2] + 3*x[i+1] - x[i]
		}
	default:
		for i := range n {
			r[i] = x[i+4] - 4*x[i+3] + 6*x[i+2] - 4*x[i+1] + x[i]
		}
	}
}

// riceCode is how residuals are to be coded: in partitions of a parameter each.
type riceCode struct {
	bits   uint64 // what it takes
	order  uint   // there are 1<<order partitions
	params []uint
}

const (
	maxPartitions = 6
	maxRiceParam  = 30 // of the five bit kind; 31 is an escape
	smallParam    = 14 // of the four bit kind
)

// chooseRice tries partition orders and takes the best.
func chooseRice(r []int32, block, order int) riceCode {
	best := riceWith(r, block, order, 0)
	for p := uint(1); p <= maxPartitions && block%(1<<p) == 0 && block>>p > order+1; p++ {
		if next := riceWith(r, block, order, p); next.bits < best.bits {
			best = next
		}
	}
	return best
}

func riceWith(r []int32, block, order int, partitions uint) riceCode {
	c := riceCode{order: partitions, params: make([]uint, 1<<partitions)}
	for i := range c.params {
		part := partition(r, block, order, partitions, i)
		var sum uint64
		for _, v := range part {
			sum += uint64(zigzag(v))
		}
		k, size := riceParam(sum, uint64(len(part)))
		c.params[i] = k
		c.bits += size + 5
	}
	return c
}

// partition returns the residuals of partition i; the first is short by the
// samples that stand before them.
func partition(r []int32, block, order int, partitions uint, i int) []int32 {
	size := block >> partitions
	if i == 0 {
		return r[:size-order]
	}
	return r[i*size-order : (i+1)*size-order]
}

// riceParam returns the parameter that is best for values of a sum, and at most how
// many bits they take.
func riceParam(sum, count uint64) (uint, uint64) {
	if count == 0 {
		return 0, 0
	}
	k := uint(max(0, bits.Len64(sum/count)-1))
	k = min(k, maxRiceParam)
	size := func(k uint) uint64 { return count*uint64(k+1) + sum>>k }
	if k < maxRiceParam && size(k+1) < size(k) {
		k++
	}
	return k, size(k)
}

func zigzag(v int32) uint32 { return uint32(v<<1) ^ uint32(v>>31) }

func (c *riceCode) write(w *bitWriter, r []int32, block, order int) {
	width := uint(4)
	for _, k := range c.params {
		if k > smallParam {
			width = 5
		}
	}
	w.put(uint32(width-4), 2)
	w.put(uint32(c.order), 4)
	for i, k := range c.params {
		w.put(uint32(k), width)
		for _, v := range partition(r, block, order, c.order, i) {
			u := zigzag(v)
			w.unary(u >> k)
			w.put(u, k)
		}
	}
}
