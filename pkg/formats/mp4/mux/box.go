package mux

import "encoding/binary"

// boxes appends nested boxes to a slice.
type boxes struct{ b []byte }

// box appends a box whose payload body writes.
func (w *boxes) box(name string, body func()) {
	start := len(w.b)
	w.u32(0)
	w.text(name)
	body()
	binary.BigEndian.PutUint32(w.b[start:], uint32(len(w.b)-start))
}

// full appends a full box.
func (w *boxes) full(name string, version uint8, flags uint32, body func()) {
	w.box(name, func() {
		w.u32(uint32(version)<<24 | flags)
		body()
	})
}

func (w *boxes) u8(v uint8)    { w.b = append(w.b, v) }
func (w *boxes) u16(v uint16)  { w.b = binary.BigEndian.AppendUint16(w.b, v) }
func (w *boxes) u32(v uint32)  { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *boxes) u64(v uint64)  { w.b = binary.BigEndian.AppendUint64(w.b, v) }
func (w *boxes) text(s string) { w.b = append(w.b, s...) }
func (w *boxes) raw(b []byte)  { w.b = append(w.b, b...) }
func (w *boxes) zero(n int)    { w.b = append(w.b, make([]byte, n)...) }

// patch overwrites 32 bits that have been written.
func (w *boxes) patch(at int, v uint32) { binary.BigEndian.PutUint32(w.b[at:], v) }

// matrix appends the unity matrix.
func (w *boxes) matrix() {
	for _, v := range [...]uint32{1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30} {
		w.u32(v)
	}
}
