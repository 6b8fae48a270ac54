package flac

import (
	"encoding/binary"
	"math/bits"
)

// bitWriter appends bits to a buffer, the highest first.
type bitWriter struct {
	b     []byte
	acc   uint64 // the lowest n bits are not written yet
	count uint   // n, below 32 between calls
}

// put appends the lowest n bits of v, n at most 32.
func (w *bitWriter) put(v uint32, n uint) {
	w.acc = w.acc<<n | uint64(v)&(1<<n-1)
	w.count += n
	if w.count >= 32 {
		w.count -= 32
		w.b = binary.BigEndian.AppendUint32(w.b, uint32(w.acc>>w.count))
	}
}

// signed appends v as n bits of two's complement.
func (w *bitWriter) signed(v int32, n uint) { w.put(uint32(v), n) }

// unary appends n zeros and a one.
func (w *bitWriter) unary(n uint32) {
	for ; n >= 31; n -= 31 {
		w.put(0, 31)
	}
	w.put(1, uint(n)+1)
}

// align appends zeros up to a whole byte, and gives the buffer up to there.
func (w *bitWriter) align() []byte {
	w.put(0, (8-w.count%8)%8)
	for ; w.count > 0; w.count -= 8 {
		w.b = append(w.b, byte(w.acc>>(w.count-8)))
	}
	return w.b
}

// number appends v in the way of UTF-8, extended to 36 bits (RFC 9639, 9.1.5).
func (w *bitWriter) number(v uint64) {
	if v < 0x80 {
		w.put(uint32(v), 8)
		return
	}
	// A sequence of n bytes holds 5n+1 bits.
	n := uint(bits.Len64(v)+3) / 5
	w.put(0xff00>>n&0xff|uint32(v>>(6*(n-1))), 8)
	for i := n - 1; i > 0; i-- {
		w.put(0x80|uint32(v>>(6*(i-1)))&0x3f, 8)
	}
}

// crc8 is the checksum of frame headers: x^8 + x^2 + x + 1.
func crc8(b []byte) byte {
	var crc byte
	for _, c := range b {
		crc ^= c
		for range 8 {
			crc = crc<<1 ^ crc>>7*0x07
		}
	}
	return crc
}

// crcTable holds the checksum of frames by byte: x^16 + x^15 + x^2 + 1.
type crcTable [256]uint16

func newCRCTable() *crcTable {
	var t crcTable
	for i := range t {
		crc := uint16(i) << 8
		for range 8 {
			crc = crc<<1 ^ crc>>15*0x8005
		}
		t[i] = crc
	}
	return &t
}

func (t *crcTable) sum(b []byte) uint16 {
	var crc uint16
	for _, c := range b {
		crc = crc<<8 ^ t[byte(crc>>8)^c]
	}
	return crc
}
