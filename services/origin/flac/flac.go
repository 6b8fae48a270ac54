package flac

import (
	"encoding/binary"
	"fmt"
)

// Bounds of what FLAC carries and what is asked for here.
const (
	MaxChannels = 8
	MaxRate     = 655_350
	// MaxBlock is the most samples in a frame, as the streamable subset wants it
	// (RFC 9639, 7) at rates up to 48 kHz.
	MaxBlock = 4096
	// MinBlock is the fewest that a frame but the last may have.
	MinBlock = 16
)

// Format is what is encoded.
type Format struct {
	Rate     int // Hz
	Channels int
	Bits     int // of a sample: 16 or 24
}

// Validate says why FLAC does not carry the format.
func (f Format) Validate() error {
	switch {
	case f.Channels < 1 || f.Channels > MaxChannels:
		return fmt.Errorf("%d channels, FLAC has 1 to %d", f.Channels, MaxChannels)
	case f.Rate < 1 || f.Rate > MaxRate:
		return fmt.Errorf("%d Hz, FLAC has 1 to %d", f.Rate, MaxRate)
	case f.Bits != 16 && f.Bits != 24:
		return fmt.Errorf("%d bits, want 16 or 24", f.Bits)
	}
	return nil
}

// StreamInfo returns the body of the metadata block that a decoder needs first
// (RFC 9639, 8.2). Sizes, length and checksum are "not known".
func (f Format) StreamInfo() []byte {
	b := make([]byte, 0, 34)
	b = binary.BigEndian.AppendUint16(b, MinBlock)
	b = binary.BigEndian.AppendUint16(b, MaxBlock)
	b = append(b, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(f.Rate)<<44|uint64(f.Channels-1)<<41|uint64(f.Bits-1)<<36)
	return append(b, make([]byte, 16)...)
}

// Blocks splits a number of samples into frames of nearly the same length, none
// above MaxBlock, and calls emit with the first and the length of each.
func Blocks(samples int, emit func(first, count int)) {
	n := (samples + MaxBlock - 1) / MaxBlock
	for i := range n {
		first := samples * i / n
		emit(first, samples*(i+1)/n-first)
	}
}

// Encoder encodes frames. It is used by one goroutine.
type Encoder struct {
	format   Format
	crc      *crcTable
	channels [][]int32
	stereo   [2][]int32 // mid and side
	residual []int32
}

// NewEncoder makes an encoder for a valid format.
func NewEncoder(f Format) (*Encoder, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	e := &Encoder{format: f, crc: newCRCTable(), channels: make([][]int32, f.Channels), residual: make([]int32, MaxBlock)}
	for i := range e.channels {
		e.channels[i] = make([]int32, MaxBlock)
	}
	e.stereo = [2][]int32{make([]int32, MaxBlock), make([]int32, MaxBlock)}
	return e, nil
}

// Append appends a frame of little-endian interleaved samples, 16 or 24 bits each,
// at most MaxBlock of every channel. First is the number of its first sample in the
// stream.
func (e *Encoder) Append(dst, pcm []byte, first uint64) ([]byte, error) {
	frame := e.format.Bits / 8 * e.format.Channels
	count := len(pcm) / frame
	if count == 0 || count > MaxBlock || len(pcm)%frame != 0 {
		return dst, fmt.Errorf("%d bytes are not 1 to %d samples of %d bytes", len(pcm), MaxBlock, frame)
	}
	e.separate(pcm, count)
	start := len(dst)
	side := e.chooseStereo(count)
	w := &bitWriter{b: e.header(dst, count, first, side)}
	bits := uint(e.format.Bits)
	if side {
		e.subframe(w, e.stereo[0][:count], bits)
		e.subframe(w, e.stereo[1][:count], bits+1)
	} else {
		for _, channel := range e.channels {
			e.subframe(w, channel[:count], bits)
		}
	}
	dst = w.align()
	return binary.BigEndian.AppendUint16(dst, e.crc.sum(dst[start:])), nil
}

// separate spreads interleaved samples over the channels.
func (e *Encoder) separate(pcm []byte, count int) {
	n := len(e.channels)
	for c, channel := range e.channels {
		if e.format.Bits == 16 {
			for i := range count {
				channel[i] = int32(int16(binary.LittleEndian.Uint16(pcm[2*(i*n+c):])))
			}
			continue
		}
		for i := range count {
			b := pcm[3*(i*n+c):]
			channel[i] = int32(uint32(b[0])<<8|uint32(b[1])<<16|uint32(b[2])<<24) >> 8
		}
	}
}

// chooseStereo says whether mid and side take less than left and right, by the
// second differences, and makes them if so.
func (e *Encoder) chooseStereo(count int) bool {
	if len(e.channels) != 2 {
		return false
	}
	left, right := e.channels[0][:count], e.channels[1][:count]
	mid, side := e.stereo[0][:count], e.stereo[1][:count]
	for i := range left {
		mid[i], side[i] = (left[i]+right[i])>>1, left[i]-right[i]
	}
	return roughness(mid)+roughness(side) < roughness(left)+roughness(right)
}

func roughness(x []int32) (sum uint64) {
	for i := 2; i < len(x); i++ {
		sum += magnitude(x[i] - 2*x[i-1] + x[i-2])
	}
	return sum
}

func magnitude(v int32) uint64 { return uint64(max(int64(v), -int64(v))) }

// header appends the frame header (RFC 9639, 9.1). The rate is that of StreamInfo.
func (e *Encoder) header(dst []byte, count int, first uint64, midSide bool) []byte {
	const (
		syncVariable = 0xfff9
		blockIn16    = 7 // the size less one follows in 16 bits
		midSideCode  = 10
	)
	start := len(dst)
	w := &bitWriter{b: dst}
	w.put(syncVariable, 16)
	w.put(blockIn16<<4, 8)
	if midSide {
		w.put(midSideCode, 4)
	} else {
		w.put(uint32(len(e.channels)-1), 4)
	}
	w.put(bitsCode(e.format.Bits)<<1, 4)
	w.number(first)
	w.put(uint32(count-1), 16)
	dst = w.align()
	return append(dst, crc8(dst[start:]))
}

// bitsCode names the size of samples (RFC 9639, 9.1.4).
func bitsCode(bits int) uint32 {
	if bits == 16 {
		return 4
	}
	return 6
}
