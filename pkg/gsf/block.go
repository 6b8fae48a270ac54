package gsf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// tag is the four ASCII bytes that name a block, in the order of the file when
// read as a little-endian word.
type tag uint32

// Tags of the format, and its signature in the same form.
const (
	tagSSBB tag = 'S' | 'S'<<8 | 'B'<<16 | 'B'<<24
	tagGrsg tag = 'g' | 'r'<<8 | 's'<<16 | 'g'<<24
	tagHead tag = 'h' | 'e'<<8 | 'a'<<16 | 'd'<<24
	tagSegm tag = 's' | 'e'<<8 | 'g'<<16 | 'm'<<24
	tagFlow tag = 'f' | 'l'<<8 | 'o'<<16 | 'w'<<24
	tagTag  tag = 't' | 'a'<<8 | 'g'<<16 | ' '<<24
	tagFill tag = 'f' | 'i'<<8 | 'l'<<16 | 'l'<<24
	tagGrai tag = 'g' | 'r'<<8 | 'a'<<16 | 'i'<<24
	tagGbhd tag = 'g' | 'b'<<8 | 'h'<<16 | 'd'<<24
	tagTils tag = 't' | 'i'<<8 | 'l'<<16 | 's'<<24
	tagVghd tag = 'v' | 'g'<<8 | 'h'<<16 | 'd'<<24
	tagComp tag = 'c' | 'o'<<8 | 'm'<<16 | 'p'<<24
	tagCghd tag = 'c' | 'g'<<8 | 'h'<<16 | 'd'<<24
	tagUnof tag = 'u' | 'n'<<8 | 'o'<<16 | 'f'<<24
	tagAghd tag = 'a' | 'g'<<8 | 'h'<<16 | 'd'<<24
	tagCahd tag = 'c' | 'a'<<8 | 'h'<<16 | 'd'<<24
	tagEghd tag = 'e' | 'g'<<8 | 'h'<<16 | 'd'<<24
	tagGrdt tag = 'g' | 'r'<<8 | 'd'<<16 | 't'<<24
)

// Sizes in bytes. A block's size counts its own header.
const (
	blockHeader = 8
	sizeField   = 4  // where in a block its size is
	fileHeader  = 12 // signature, type, major, minor
	uuidSize    = 16
	maxBlock    = math.MaxUint32
)

func (t tag) String() string {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(t))
	return string(b[:])
}

// printable says whether the tag could be one: four printable ASCII characters.
func (t tag) printable() bool {
	for range 4 {
		if c := byte(t); c < ' ' || c > '~' {
			return false
		}
		t >>= 8
	}
	return true
}

func u16(b []byte, at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
func u32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }

// u48 reads six bytes, of the seven or more that are there.
func u48(b []byte, at int) uint64 {
	return uint64(u32(b, at)) | uint64(u16(b, at+4))<<32
}

// block is a block in memory.
type block struct {
	tag   tag
	start int64  // byte offset of its tag in the input
	body  []byte // what follows its eight bytes of header
}

// at gives the offset in the input of the byte i of the body.
func (b block) at(i int) int64 { return b.start + blockHeader + int64(i) }

// fault returns an Error that points at byte i of the body.
func (b block) fault(i int, err error) error {
	return &Error{Offset: b.at(i), Block: b.tag.String(), Start: b.start, Err: err}
}

// need returns ErrBlockSize when the body is shorter than its fields.
func (b block) need(n int) error {
	if len(b.body) >= n {
		return nil
	}
	err := fmt.Errorf("%w: %d bytes, want at least %d", ErrBlockSize, len(b.body)+blockHeader, n+blockHeader)
	return &Error{Offset: b.start + sizeField, Block: b.tag.String(), Start: b.start, Err: err}
}

// child reads the block at byte i of the body and gives where the next starts.
// The caller checks that i is not yet the end.
func (b block) child(i int) (child block, next int, err error) {
	left := len(b.body) - i
	if left < blockHeader {
		return block{}, 0, b.fault(i, fmt.Errorf("%w: %d spare bytes, want a block", ErrBlockSize, left))
	}
	child = block{tag: tag(u32(b.body, i)), start: b.at(i)}
	size := u32(b.body, i+4)
	if err := checkSize(child.tag, child.start, size, int64(left)); err != nil {
		return block{}, 0, err
	}
	next = i + int(size)
	child.body = b.body[i+blockHeader : next : next]
	return child, next, nil
}

// checkSize returns ErrBlockSize when a block is smaller than its header or
// larger than what is left of its parent.
func checkSize(t tag, start int64, size uint32, left int64) error {
	if size >= blockHeader && int64(size) <= left {
		return nil
	}
	err := fmt.Errorf("%w: %d bytes where the parent has %d left", ErrBlockSize, size, left)
	return &Error{Offset: start + sizeField, Block: t.String(), Start: start, Err: err}
}

// fixedString reads zero-padded text. It gives old when that has the same bytes,
// which saves the allocation in a run of grains.
func fixedString(b []byte, old string) string {
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	if string(b) == old {
		return old
	}
	return string(b)
}

// appendFixed writes text zero-padded or cut to n bytes.
func appendFixed(dst []byte, s string, n int) []byte {
	if len(s) > n {
		s = s[:n]
	}
	dst = append(dst, s...)
	return append(dst, make([]byte, n-len(s))...)
}

// appendBlock writes a block's tag and size.
func appendBlock(dst []byte, t tag, size int) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(t))
	return binary.LittleEndian.AppendUint32(dst, uint32(size))
}
