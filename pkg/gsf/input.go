package gsf

import (
	"fmt"
	"io"
)

// input is where a Reader takes its bytes from. None of its methods treats the
// end of the input as an error; they give fewer bytes then.
type input interface {
	// peek gives the next n bytes without consuming them, valid until the next
	// call of any method.
	peek(n int) ([]byte, error)
	// discard consumes n bytes and says how many there were.
	discard(n int64) (int64, error)
	// essence consumes n bytes and gives them, in memory of its own or in that of
	// buf, if need be in a larger one.
	essence(buf []byte, n int64) ([]byte, error)
}

// memory is an input that is all there.
type memory struct{ rest []byte }

func (m *memory) peek(n int) ([]byte, error) { return m.rest[:min(n, len(m.rest))], nil }

func (m *memory) discard(n int64) (int64, error) {
	n = min(n, int64(len(m.rest)))
	m.rest = m.rest[n:]
	return n, nil
}

func (m *memory) essence(_ []byte, n int64) ([]byte, error) {
	n = min(n, int64(len(m.rest)))
	// The capacity ends with the grain: appending to it must not write on.
	data := m.rest[:n:n]
	m.rest = m.rest[n:]
	return data, nil
}

// Sizes of read buffers in bytes. Walking an index reads little at a time, since
// the essence between two headers is of no use.
const (
	streamBuffer = 64 << 10
	indexBuffer  = 1 << 10
	maxGrowth    = 1 << 20 // at most this much is taken on a block's word
	emptyReads   = 100     // reads without result before giving up
)

// stream is an input that is read piece by piece.
type stream struct {
	src   io.Reader
	seek  io.Seeker // skips without reading when not nil
	sized bool      // sizes are checked against that of the input beforehand
	buf   []byte
	begin int // buf[begin:end] is read and not yet consumed
	end   int
	eof   bool
}

func newStream(src io.Reader, sized bool) *stream {
	return &stream{src: src, sized: sized, buf: make([]byte, streamBuffer)}
}

func newSectionStream(src io.ReaderAt, size int64) *stream {
	section := io.NewSectionReader(src, 0, size)
	return &stream{src: section, seek: section, buf: make([]byte, indexBuffer)}
}

func (s *stream) peek(n int) ([]byte, error) {
	for s.end-s.begin < n && !s.eof {
		s.makeRoom(n)
		if err := s.fill(); err != nil {
			return nil, err
		}
	}
	return s.buf[s.begin:min(s.begin+n, s.end)], nil
}

// makeRoom sees to space after end, for n bytes from begin on. It grows by
// doubling, as bytes arrive, so that a false size takes no memory.
func (s *stream) makeRoom(n int) {
	if s.begin > 0 && s.begin+n > len(s.buf) {
		s.end = copy(s.buf, s.buf[s.begin:s.end])
		s.begin = 0
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, min(len(s.buf), max(n-len(s.buf), 1)))...)
	}
}

func (s *stream) fill() error {
	for range emptyReads {
		n, err := s.src.Read(s.buf[s.end:])
		s.end += n
		if err == io.EOF {
			s.eof = true
			return nil
		}
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if n > 0 {
			return nil
		}
	}
	return fmt.Errorf("read: %w", io.ErrNoProgress)
}

func (s *stream) discard(n int64) (int64, error) {
	done := min(n, int64(s.end-s.begin))
	s.begin += int(done)
	if done == n {
		return done, nil
	}
	if s.seek != nil && n-done > int64(len(s.buf)) {
		// The caller has checked n against the size of the file.
		if _, err := s.seek.Seek(n-done, io.SeekCurrent); err != nil {
			return done, fmt.Errorf("seek: %w", err)
		}
		return n, nil
	}
	for done < n {
		piece, err := s.peek(int(min(n-done, int64(len(s.buf)))))
		if err != nil || len(piece) == 0 {
			return done, err
		}
		s.begin += len(piece)
		done += int64(len(piece))
	}
	return done, nil
}

func (s *stream) essence(buf []byte, n int64) ([]byte, error) {
	buf = buf[:0]
	for int64(len(buf)) < n {
		if len(buf) == cap(buf) {
			buf = s.grow(buf, n)
		}
		room := buf[len(buf):min(int64(cap(buf)), n)]
		got, err := s.readInto(room)
		buf = buf[:len(buf)+got]
		if err != nil {
			return nil, err
		}
		if got < len(room) {
			break
		}
	}
	return buf, nil
}

// grow gives buf more capacity towards n bytes: at once up to maxGrowth, beyond
// it no more than has already arrived, unless n is known to be true.
func (s *stream) grow(buf []byte, n int64) []byte {
	capacity := n
	if !s.sized {
		capacity = min(n, max(2*int64(cap(buf)), maxGrowth))
	}
	grown := make([]byte, len(buf), capacity)
	copy(grown, buf)
	return grown
}

// readInto fills room, first from what is buffered and then past the buffer.
func (s *stream) readInto(room []byte) (int, error) {
	got := copy(room, s.buf[s.begin:s.end])
	s.begin += got
	if got == len(room) {
		return got, nil
	}
	// The rest of a small grain comes through the buffer, so that one read serves
	// many of them.
	if len(room)-got < len(s.buf)/2 {
		piece, err := s.peek(len(room) - got)
		s.begin += copy(room[got:], piece)
		return got + len(piece), err
	}
	n, err := io.ReadFull(s.src, room[got:])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		s.eof, err = true, nil
	}
	if err != nil {
		return got + n, fmt.Errorf("read: %w", err)
	}
	return got + n, nil
}
