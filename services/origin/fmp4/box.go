package fmp4

import "encoding/binary"

// boxes appends boxes to a buffer. Sizes are patched when a box ends.
type boxes struct{ b []byte }

// box appends a box with what fill appends inside.
func (w *boxes) box(name string, fill func()) {
	start := len(w.b)
	w.u32(0)
	w.b = append(w.b, name...)
	fill()
	binary.BigEndian.PutUint32(w.b[start:], uint32(len(w.b)-start))
}

// full is box with version and flags (4.2.2).
func (w *boxes) full(name string, version uint8, flags uint32, fill func()) {
	w.box(name, func() {
		w.u32(uint32(version)<<24 | flags)
		fill()
	})
}

func (w *boxes) u16(v uint16)     { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *boxes) u32(v uint32)     { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *boxes) u64(v uint64)     { w.b = binary.BigEndian.AppendUint64(w.b, v) }
func (w *boxes) text(s string)    { w.b = append(w.b, s...) }
func (w *boxes) raw(b []byte)     { w.b = append(w.b, b...) }
func (w *boxes) zeros(n int)      { w.b = append(w.b, make([]byte, n)...) }
func (w *boxes) octets(b ...byte) { w.b = append(w.b, b...) }

// matrix appends the transformation that changes nothing (6.2.2).
func (w *boxes) matrix() {
	for _, v := range [9]uint32{0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000} {
		w.u32(v)
	}
}
