package rangetest

import (
	"encoding/binary"
	"io"
)

// wordSize is how many bytes are made at a time.
const wordSize = 8

// Pattern is content of any size without memory: every byte follows from its
// offset and the pattern's number.
type Pattern uint64

var _ io.ReaderAt = Pattern(0)

// ReadAt implements io.ReaderAt. It never ends.
func (n Pattern) ReadAt(p []byte, off int64) (int, error) {
	var word [wordSize]byte
	for i := 0; i < len(p); {
		at := off + int64(i)
		value := mix(uint64(n)<<48 + uint64(at/wordSize))
		if at%wordSize == 0 && len(p)-i >= wordSize {
			binary.LittleEndian.PutUint64(p[i:], value)
			i += wordSize
			continue
		}
		binary.LittleEndian.PutUint64(word[:], value)
		i += copy(p[i:], word[at%wordSize:])
	}
	return len(p), nil
}

// Bytes returns bytes [start, end) of the pattern.
func (n Pattern) Bytes(start, end int64) []byte {
	p := make([]byte, end-start)
	_, _ = n.ReadAt(p, start) // it cannot fail
	return p
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
