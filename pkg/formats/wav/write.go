package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/grainmesh/grainmesh/pkg/pcm"
)

// ErrSamples says that a Writer got another number of samples than it was made
// for, or a part of one.
var ErrSamples = errors.New("not the samples that the WAV was to hold")

// Spec is what a WAV that is to be written holds.
type Spec struct {
	// Layout is how samples shall stand in the file. Byte order and sign are those of
	// WAV, whatever it says.
	Layout pcm.Layout
	// Frames is the number of samples of each channel.
	Frames int64
	// Broadcast, if not nil, is written as chunk "bext".
	Broadcast *Broadcast
}

// Broadcast is what BWF adds (EBU Tech 3285).
type Broadcast struct {
	Description   string // 256 bytes of ASCII, cut if longer
	Originator    string // 32 bytes
	Created       time.Time
	TimeReference int64 // samples since midnight
}

// Writer writes samples from the store as a WAV, or as an RF64 (EBU Tech 3306) when
// it has more than 4 GiB. As the number of samples is known beforehand, it needs
// no seeking.
type Writer struct {
	out    io.Writer
	layout pcm.Layout
	left   int64 // bytes in the store that are still to come
	odd    bool  // a byte of padding is to follow
	buf    []byte
}

// NewWriter writes the header. It returns an error for a layout that WAV does not
// have, or what out returned.
func NewWriter(out io.Writer, spec Spec) (*Writer, error) {
	h, err := spec.header()
	if err != nil {
		return nil, err
	}
	if _, err := out.Write(h); err != nil {
		return nil, fmt.Errorf("write WAV header: %w", err)
	}
	l := spec.layout()
	return &Writer{out: out, layout: l, left: spec.Frames * l.StoredFrameBytes(), odd: spec.dataBytes()&1 != 0}, nil
}

// Size returns how many bytes the file will have, header included.
func Size(spec Spec) (int64, error) {
	h, err := spec.header()
	return int64(len(h)) + padded(spec.dataBytes()), err
}

// Write takes samples as the store has them, whole samples of all channels. It
// returns ErrSamples when there are more than Spec.Frames.
func (w *Writer) Write(stored []byte) (int, error) {
	n := int64(len(stored))
	if n > w.left || n%w.layout.StoredFrameBytes() != 0 {
		return 0, fmt.Errorf("%d bytes of samples where %d are to come, in frames of %d: %w", n, w.left, w.layout.StoredFrameBytes(), ErrSamples)
	}
	body := stored
	if w.layout.Bytes == 1 {
		w.buf = w.layout.Restore(w.buf[:0], stored)
		body = w.buf
	}
	if _, err := w.out.Write(body); err != nil {
		return 0, fmt.Errorf("write WAV samples: %w", err)
	}
	w.left -= n
	return len(stored), nil
}

// Close ends the file. It returns ErrSamples when some are missing, and does not
// close what is written to.
func (w *Writer) Close() error {
	if w.left != 0 {
		return fmt.Errorf("%d bytes of samples are missing: %w", w.left, ErrSamples)
	}
	if !w.odd {
		return nil
	}
	w.odd = false
	if _, err := w.out.Write([]byte{0}); err != nil {
		return fmt.Errorf("write WAV padding: %w", err)
	}
	return nil
}

func (s *Spec) layout() pcm.Layout {
	l := s.Layout
	l.BigEndian, l.Unsigned = false, l.Bytes == 1
	return l
}

func (s *Spec) dataBytes() int64 { return s.Frames * s.Layout.FrameBytes() }

// padded returns a size with the byte that makes it even (RIFF).
func padded(n int64) int64 { return n + n&1 }

// header returns everything before the samples.
func (s *Spec) header() ([]byte, error) {
	l := s.layout()
	if err := l.Validate(); err != nil {
		return nil, fmt.Errorf("write WAV: %w", err)
	}
	if s.Frames < 0 || s.Frames > math.MaxInt64/2/l.FrameBytes() {
		return nil, fmt.Errorf("write WAV of %d samples in %d channels of %d bytes: %w", s.Frames, l.Channels, l.Bytes, ErrSamples)
	}
	body := appendFmt(s.Broadcast.append(nil), l)
	if l.Float {
		body = appendChunk(body, "fact", binary.LittleEndian.AppendUint32(nil, uint32(min(s.Frames, math.MaxUint32))))
	}
	data := s.dataBytes()
	size := int64(len(idWAVE)+len(body)+chunkHeader) + padded(data)
	if size <= math.MaxUint32 {
		h := appendWords([]byte(idRIFF), uint32(size))
		h = append(append(h, idWAVE...), body...)
		return appendWords(append(h, idData...), uint32(data)), nil
	}
	const ds64Body = 28
	size += chunkHeader + ds64Body
	ds64 := binary.LittleEndian.AppendUint64(nil, uint64(size))
	ds64 = binary.LittleEndian.AppendUint64(ds64, uint64(data))
	ds64 = binary.LittleEndian.AppendUint64(ds64, uint64(s.Frames))
	ds64 = appendWords(ds64, 0) // no further sizes
	h := appendWords([]byte(idRF64), unknown32)
	h = appendChunk(append(h, idWAVE...), idDS64, ds64)
	return appendWords(append(append(h, body...), idData...), unknown32), nil
}

// appendFmt writes chunk "fmt ": in the extensible form where the plain one could
// not say how many bits count, or is not to be used (more than two channels).
func appendFmt(dst []byte, l pcm.Layout) []byte {
	tag := uint16(tagPCM)
	if l.Float {
		tag = tagFloat
	}
	extensible := l.Channels > 2 || l.ValidBits != 8*l.Bytes
	shown := tag
	if extensible {
		shown = tagExtensible
	}
	b := appendHalves(nil, shown, uint16(l.Channels))
	b = appendWords(b, uint32(l.SampleRate), uint32(l.FrameBytes()*int64(l.SampleRate)))
	b = appendHalves(b, uint16(l.FrameBytes()), uint16(8*l.Bytes))
	switch {
	case extensible:
		b = appendHalves(b, 22, uint16(l.ValidBits))
		b = appendWords(b, 0) // channels are not assigned to loudspeakers
		b = append(appendHalves(b, tag), ksDataFormat[:]...)
	case l.Float:
		b = appendHalves(b, 0) // every format but PCM has this field
	}
	return appendChunk(dst, idFmt, b)
}

// append writes chunk "bext", version 0, if there is one.
func (b *Broadcast) append(dst []byte) []byte {
	if b == nil {
		return dst
	}
	const reserved, originator = 256, 32
	body := make([]byte, bextFixed+reserved)
	copy(body[:bextDescription], b.Description)
	copy(body[bextDescription:bextDescription+originator], b.Originator)
	if !b.Created.IsZero() {
		copy(body[bextDate:], b.Created.UTC().Format("2006-01-0215:04:05"))
	}
	binary.LittleEndian.PutUint64(body[bextReference:], uint64(max(b.TimeReference, 0)))
	return appendChunk(dst, idBext, body)
}

func appendChunk(dst []byte, id string, body []byte) []byte {
	dst = appendWords(append(dst, id...), uint32(len(body)))
	dst = append(dst, body...)
	return append(dst, make([]byte, len(body)&1)...)
}

func appendWords(dst []byte, words ...uint32) []byte {
	for _, w := range words {
		dst = binary.LittleEndian.AppendUint32(dst, w)
	}
	return dst
}

func appendHalves(dst []byte, halves ...uint16) []byte {
	for _, h := range halves {
		dst = binary.LittleEndian.AppendUint16(dst, h)
	}
	return dst
}
