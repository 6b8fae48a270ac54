package mux

import "encoding/binary"

// boxes appends nested boxes to a slice.
type boxes struct{ b []byte }

// box appends a box whose payload body writes.
func (m *boxes) box(name string, body func()) {
	start := len(m.b)
	m.u32(0)
	m.text(name)
	body()
	binary.BigEndian.PutUint32(m.b[start:], uint32(len(m.b)-start))
}

// full appends a full box.
func (m *boxes) full(name string, version uint8, flags uint32, body func()) {
	m.box(name, func() {
		m.u32(uint32(version)<<24 | flags)
		body()
	})
}

func (m *boxes) u8(v uint8)    { m.b = append(m.b, v) }
func (m *boxes) u16(v uint16)  { m.b = binary.BigEndian.AppendUint16(m.b, v) }
func (m *boxes) u32(v uint32)  { m.b = binary.BigEndian.AppendUint32(m.b, v) }
func (m *boxes) u64(v uint64)  { m.b = binary.BigEndian.AppendUint64(m.b, v) }
func (m *boxes) text(s string) { m.b = append(m.b, s...) }
func (m *boxes) raw(b []byte)  { m.b = append(m.b, b...) }
func (m *boxes) zero(n int)    { m.b = append(m.b, make([]byte, n)...) }

// patch overwrites 32 bits that have been written.
func (m *boxes) patch(at int, v uint32) { binary.BigEndian.PutUint32(m.b[at:], v) }

// matrix appends the unity matrix.
func (m *boxes) matrix() {
	for _, v := range [...]uint32{1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30} {
		m.u32(v)
	}
}
