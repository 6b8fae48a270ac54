package gsf

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Grains up to directWrite bytes are gathered in a buffer of writeBuffer bytes;
// larger essence goes to the output uncopied.
const (
	writeBuffer = 64 << 10
	directWrite = 16 << 10
)

// Writer writes one file. It is not safe for use by several goroutines.
//
// Segments whose Count is CountUnknown get their count at Close when the output
// is an io.Seeker that can tell its position, or an io.WriterAt that starts at 0.
// Elsewhere it stays unknown. Wrap a file as struct{ io.Writer } to have it so.
type Writer struct {
	out     io.Writer
	header  *Header
	major   uint16
	buf     []byte
	off     int64 // bytes given to buf and out so far
	patches patcher
	counts  counter
	err     error // what all methods return from now on
}

// NewWriter writes the header, which must not change until Close. It returns what
// AppendHeader does, or an error of the output.
func NewWriter(out io.Writer, h *Header) (*Writer, error) {
	major, _ := h.version()
	w := &Writer{out: out, header: h, major: major, patches: newPatcher(out)}
	w.counts.reset(h)
	buf, err := AppendHeader(make([]byte, 0, max(writeBuffer, HeaderSize(h))), h)
	if err != nil {
		return nil, err
	}
	w.buf, w.off = buf, int64(len(buf))
	if err := w.flushOver(writeBuffer); err != nil {
		return nil, err
	}
	return w, nil
}

// WriteGrain writes a grain and says where in the file it is, as a Reader would.
// It returns ErrUndeclared, what AppendGrainHeader does, or an error of the
// output, after which the Writer is of no further use.
func (w *Writer) WriteGrain(g *Grain) (Position, error) {
	if w.err != nil {
		return Position{}, w.err
	}
	if !w.counts.declared(g.LocalID) {
		return Position{}, fmt.Errorf("gsf: write grain of local id %d: %w", g.LocalID, ErrUndeclared)
	}
	before := len(w.buf)
	buf, err := AppendGrainHeader(w.buf, w.major, g, len(g.Data))
	if err != nil {
		return Position{}, err
	}
	overhead := int64(len(buf) - before)
	data := int64(len(g.Data))
	pos := Position{Offset: w.off, Size: overhead + data, DataOffset: w.off + overhead, DataSize: data}
	w.buf = buf
	w.off += pos.Size
	w.counts.add(g.LocalID)
	return pos, w.put(g.Data)
}

// put writes essence after what is in the buffer.
func (w *Writer) put(data []byte) error {
	if len(data) <= directWrite {
		w.buf = append(w.buf, data...)
		return w.flushOver(writeBuffer - directWrite)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return w.write(data)
}

// Flush writes what is buffered.
func (w *Writer) Flush() error { return w.flushOver(0) }

func (w *Writer) flushOver(n int) error {
	if w.err != nil || len(w.buf) <= n {
		return w.err
	}
	err := w.write(w.buf)
	w.buf = w.buf[:0]
	return err
}

func (w *Writer) write(b []byte) error {
	if _, err := w.out.Write(b); err != nil {
		w.err = fmt.Errorf("gsf: write: %w", err)
	}
	return w.err
}

// Offset gives the number of bytes of the file so far.
func (w *Writer) Offset() int64 { return w.off }

// Close writes the terminator and the counts. It returns ErrCount when a segment
// got another number of grains than its Count said. It does not close the output.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	w.buf = AppendTerminator(w.buf)
	w.off += terminatorLen
	if err := w.Flush(); err != nil {
		return err
	}
	err := w.writeCounts()
	w.err = fmt.Errorf("gsf: write: %w", io.ErrClosedPipe)
	return err
}

func (w *Writer) writeCounts() error {
	at := int64(fileHeader + headFixed)
	for i := range w.header.Segments {
		s := &w.header.Segments[i]
		written := w.counts.of(s.LocalID)
		if s.Count != CountUnknown && s.Count != written {
			return fmt.Errorf("gsf: segment %d: %d grains written, %d declared: %w", s.LocalID, written, s.Count, ErrCount)
		}
		if s.Count == CountUnknown && w.patches.possible() {
			if err := w.patches.patch(at+segmCount, written); err != nil {
				return fmt.Errorf("gsf: write count of segment %d: %w", s.LocalID, err)
			}
		}
		at += int64(segmentSize(s))
	}
	return w.patches.done(w.off)
}

// patcher overwrites bytes that were written before.
type patcher struct {
	at   io.WriterAt
	seek io.WriteSeeker
	base int64 // position of the file's start in the output
	used bool
}

func newPatcher(out io.Writer) patcher {
	at, isAt := out.(io.WriterAt)
	seek, isSeek := out.(io.WriteSeeker)
	switch {
	case isSeek:
		base, err := seek.Seek(0, io.SeekCurrent)
		if err != nil {
			return patcher{} // a pipe, which is a file all the same
		}
		return patcher{at: at, seek: seek, base: base}
	case isAt:
		return patcher{at: at}
	default:
		return patcher{}
	}
}

func (p *patcher) possible() bool { return p.at != nil || p.seek != nil }

func (p *patcher) patch(off, count int64) error {
	b := binary.LittleEndian.AppendUint64(nil, uint64(count))
	if p.at != nil {
		_, err := p.at.WriteAt(b, p.base+off)
		return err //nolint:wrapcheck // the caller says what was written
	}
	p.used = true
	if _, err := p.seek.Seek(p.base+off, io.SeekStart); err != nil {
		return err //nolint:wrapcheck // the caller says what was written
	}
	_, err := p.seek.Write(b)
	return err //nolint:wrapcheck // the caller says what was written
}

// done goes back to the end of the file, which is size bytes long.
func (p *patcher) done(size int64) error {
	if !p.used {
		return nil
	}
	if _, err := p.seek.Seek(p.base+size, io.SeekStart); err != nil {
		return fmt.Errorf("gsf: seek to the end: %w", err)
	}
	return nil
}
