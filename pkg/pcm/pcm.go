// Package pcm brings raw audio to the form in which the store keeps it: signed
// or float samples, little-endian, channels interleaved. Nothing is lost: 8 bits
// are widened to 16 and 20 to 24 (media rule 11), the rest only changes its byte
// order. It also says how a stream of samples is sliced into grains.
package pcm

import "github.com/grainmesh/grainmesh/pkg/mediatime"

// Layout says how samples are written in a source file. They are whole bytes,
// channels interleaved, valid bits at the top.
type Layout struct {
	Bytes     int // of one sample of one channel: 1, 2, 3, 4 or 8
	Channels  int
	BigEndian bool
	Unsigned  bool // 8 bits only: 128 is silence
}

// FrameBytes is the size of one sample of all channels in the source.
func (l Layout) FrameBytes() int { return l.Bytes * l.Channels }

// StoredBytes is the size of one sample of one channel in the store.
func (l Layout) StoredBytes() int { return max(2, l.Bytes) }

// StoredFrameBytes is the size of one sample of all channels in the store.
func (l Layout) StoredFrameBytes() int { return l.StoredBytes() * l.Channels }

// Append converts whole samples of src and appends them to dst.
func (l Layout) Append(dst, src []byte) []byte {
	switch {
	case l.Bytes == 1:
		return l.widen(dst, src)
	case !l.BigEndian:
		return append(dst, src...)
	}
	start := len(dst)
	dst = append(dst, src...)
	for b := dst[start:]; len(b) >= l.Bytes; b = b[l.Bytes:] {
		for i, k := 0, l.Bytes-1; i < k; i, k = i+1, k-1 {
			b[i], b[k] = b[k], b[i]
		}
	}
	return dst
}

func (l Layout) widen(dst, src []byte) []byte {
	flip := byte(0)
	if l.Unsigned {
		flip = 0x80
	}
	for _, b := range src {
		dst = append(dst, 0, b^flip)
	}
	return dst
}

// Restore is the inverse of Append: it appends stored samples to dst as the
// source had them.
func (l Layout) Restore(dst, stored []byte) []byte {
	if l.Bytes != 1 {
		return l.Append(dst, stored)
	}
	flip := byte(0)
	if l.Unsigned {
		flip = 0x80
	}
	for i := 1; i < len(stored); i += 2 {
		dst = append(dst, stored[i]^flip)
	}
	return dst
}

// GrainsPerSecond is how finely raw audio is sliced.
const GrainsPerSecond = 25

// GrainRate is the rate of the grains of raw audio.
func GrainRate() mediatime.Rate { return mediatime.NewRate(GrainsPerSecond, 1) }

// Boundary returns the first sample of grain n: floor(n * sampleRate / 25). At
// rates that are no multiple of 25 grains differ by one sample.
func Boundary(n, sampleRate int64) int64 { return floorDiv(n*sampleRate, GrainsPerSecond) }

// GrainOf returns the grain that holds a sample, the inverse of Boundary.
func GrainOf(sample, sampleRate int64) int64 {
	n := floorDiv(sample*GrainsPerSecond, sampleRate)
	for Boundary(n+1, sampleRate) <= sample {
		n++
	}
	return n
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
