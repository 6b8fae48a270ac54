package isobmff

import (
	"encoding/binary"
	"errors"
	"io"
	"iter"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Source is a file of known size.
type Source interface {
	io.ReaderAt
	Size() int64
}

// Header says where a box stands in a file.
type Header struct {
	Type   string
	Offset int64 // of its first byte
	Size   int64 // with its header
	Body   int64 // offset of its payload
}

// End returns the offset after the box.
func (h Header) End() int64 { return h.Offset + h.Size }

const (
	shortHeader = 8
	longHeader  = 16
)

// ReadHeader reads the header of the box at offset. A box may claim to reach
// beyond the end of the file; callers that need its payload check that.
func ReadHeader(src Source, offset int64) (Header, error) {
	var b [longHeader]byte
	n, err := src.ReadAt(b[:min(longHeader, max(0, src.Size()-offset))], offset)
	if err != nil && !errors.Is(err, io.EOF) {
		return Header{}, err
	}
	h := Header{Offset: offset, Body: offset + shortHeader}
	if n < shortHeader {
		return h, fault.Newf(fault.TruncatedFile, "the file ends at byte %d, inside the header of the box at byte %d", src.Size(), offset)
	}
	h.Type = string(b[4:8])
	switch size := binary.BigEndian.Uint32(b[:4]); size {
	case 0: // to the end of the file
		h.Size = src.Size() - offset
	case 1:
		if n < longHeader {
			return h, fault.Newf(fault.TruncatedFile, "the file ends at byte %d, inside the header of the box %q at byte %d", src.Size(), h.Type, offset)
		}
		h.Size, h.Body = int64(binary.BigEndian.Uint64(b[8:])), offset+longHeader
	default:
		h.Size = int64(size)
	}
	if h.Size < h.Body-offset || h.End() < offset {
		return h, fault.Newf(fault.MalformedFile, "the box %q at byte %d claims an impossible size of %d bytes", h.Type, offset, uint64(h.Size))
	}
	return h, nil
}

// ReadBody reads the whole payload of a box of at most limit bytes.
func ReadBody(src Source, h Header, limit int64) ([]byte, error) {
	if h.End() > src.Size() {
		return nil, fault.Newf(fault.TruncatedFile, "the file ends at byte %d, inside the box %q that runs to %d", src.Size(), h.Type, h.End())
	}
	size := h.End() - h.Body
	if size > limit {
		return nil, fault.Newf(fault.UnsupportedFile, "the box %q at byte %d has %d bytes, at most %d are read", h.Type, h.Offset, size, limit)
	}
	b := make([]byte, size)
	if n, err := src.ReadAt(b, h.Body); err != nil && n < len(b) {
		return nil, err
	}
	return b, nil
}

// Box is a box in memory. Data is its payload and Raw all of it.
type Box struct {
	Type string
	Data []byte
	Raw  []byte
}

// Children yields the boxes that stand one after another in a payload. It ends
// early, quietly, where the rest is no box: QuickTime writers leave a 32-bit
// zero, or rubbish, at the end of some containers.
func Children(payload []byte) iter.Seq[Box] {
	return func(yield func(Box) bool) {
		for len(payload) >= shortHeader {
			size, head := uint64(binary.BigEndian.Uint32(payload)), shortHeader
			switch {
			case size == 0:
				size = uint64(len(payload))
			case size == 1 && len(payload) >= longHeader:
				size, head = binary.BigEndian.Uint64(payload[8:]), longHeader
			}
			if size < uint64(head) || size > uint64(len(payload)) {
				return
			}
			box := Box{Type: string(payload[4:8]), Data: payload[head:size:size], Raw: payload[:size:size]}
			if !yield(box) {
				return
			}
			payload = payload[size:]
		}
	}
}

// Find returns the payload of the box that a path of types leads to, the first
// of each type, or nil.
func Find(payload []byte, path ...string) []byte {
	for _, name := range path {
		var found []byte
		for box := range Children(payload) {
			if box.Type == name {
				found = box.Data
				break
			}
		}
		if found == nil {
			return nil
		}
		payload = found
	}
	return payload
}

// fields reads big-endian numbers from the start of a payload. Reading past the
// end gives zeros and sets short.
type fields struct {
	b     []byte
	short bool
}

func (f *fields) take(n int) []byte {
	if n > len(f.b) {
		f.short, f.b = true, nil
		return make([]byte, n)
	}
	out := f.b[:n]
	f.b = f.b[n:]
	return out
}

func (f *fields) skip(n int) {
	if n > len(f.b) {
		f.short, f.b = true, nil
		return
	}
	f.b = f.b[n:]
}

func (f *fields) u8() uint8   { return f.take(1)[0] }
func (f *fields) u16() uint16 { return binary.BigEndian.Uint16(f.take(2)) }
func (f *fields) u32() uint32 { return binary.BigEndian.Uint32(f.take(4)) }
func (f *fields) u64() uint64 { return binary.BigEndian.Uint64(f.take(8)) }

// word reads 64 bits in version 1 of a full box and 32 bits in version 0.
func (f *fields) word(version uint8) uint64 {
	if version == 1 {
		return f.u64()
	}
	return uint64(f.u32())
}

// full reads the version and flags of a full box.
func (f *fields) full() (version uint8, flags uint32) {
	v := f.u32()
	return uint8(v >> 24), v & 0xffffff
}

func malformed(format string, args ...any) error {
	return fault.Newf(fault.MalformedFile, format, args...)
}
