package rangereader

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Stream is a stretch of a file, read once and in order. It fetches a few ranges
// ahead of what is read and holds no more than these in memory. It is for one
// goroutine, and must be closed.
type Stream struct {
	reader  *Reader
	ctx     context.Context //nolint:containedctx // ends with Close
	cancel  context.CancelCauseFunc
	running sync.WaitGroup

	next, end int64 // what has not been asked for
	queue     []*piece
	free      [][]byte // buffers of pieces that were read
	current   []byte   // what is left of the piece that is read
	buffer    []byte   // its buffer
	err       error
}

// piece is a range of a stream that was asked for.
type piece struct {
	data []byte
	done chan struct{}
	err  error
}

// Stream starts reading bytes [start, end), which must lie in the file. Nothing is
// fetched before the first Read.
func (r *Reader) Stream(start, end int64) (*Stream, error) {
	if start < 0 || end < start || end > r.Size() {
		return nil, fault.Newf(fault.InvalidArgument, "read %s: bytes %d to %d are not within its %d", r.remote.name, start, end, r.Size())
	}
	ctx, cancel := context.WithCancelCause(r.ctx)
	s := &Stream{reader: r, ctx: ctx, cancel: cancel, next: start, end: end}
	if r.whole != nil {
		s.current, s.next = r.whole[start:end], end
	}
	return s, nil
}

// Read implements io.Reader.
func (s *Stream) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := s.advance(); err != nil {
		return 0, err
	}
	n := copy(p, s.current)
	s.current = s.current[n:]
	return n, nil
}

// WriteTo implements io.WriterTo, without a copy.
func (s *Stream) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		err := s.advance()
		if err == io.EOF { //nolint:errorlint // advance returns it bare
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := w.Write(s.current)
		total += int64(n)
		s.current = s.current[n:]
		if err != nil {
			return total, err
		}
	}
}

// Close ends what runs for the Stream and waits for it.
func (s *Stream) Close() error {
	s.cancel(fmt.Errorf("the stream of %s: %w", s.reader.remote.name, os.ErrClosed))
	s.running.Wait()
	s.current, s.buffer, s.queue, s.free = nil, nil, nil, nil
	return nil
}

// advance makes current hold something, and keeps the queue full.
func (s *Stream) advance() error {
	for len(s.current) == 0 {
		if s.err != nil {
			return s.err
		}
		if s.buffer != nil {
			s.free, s.buffer = append(s.free, s.buffer), nil
		}
		s.err = s.pull()
	}
	return nil
}

// pull asks for more and takes the next piece.
func (s *Stream) pull() error {
	if err := s.reader.usable(); err != nil {
		return err
	}
	if err := context.Cause(s.ctx); err != nil {
		return err
	}
	for s.next < s.end && len(s.queue) < s.reader.opts.Settings.Parallel {
		if err := s.request(); err != nil {
			return err
		}
	}
	if len(s.queue) == 0 {
		return io.EOF
	}
	head := s.queue[0]
	s.queue = s.queue[1:]
	select {
	case <-head.done:
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
	if head.err != nil {
		return head.err
	}
	s.current, s.buffer = head.data, head.data[:0]
	return nil
}

// request asks for the next range, into a buffer that is free.
func (s *Stream) request() error {
	n := min(s.reader.opts.Settings.RangeBytes, s.end-s.next)
	p := &piece{data: s.newBuffer(n), done: make(chan struct{})}
	off := s.next
	s.running.Add(1)
	err := s.reader.start(func() {
		defer s.running.Done()
		defer close(p.done)
		p.err = s.reader.fill(s.ctx, p.data, off)
	})
	if err != nil {
		s.running.Done()
		return err
	}
	s.next += n
	s.queue = append(s.queue, p)
	return nil
}

// newBuffer returns n bytes, used ones if there are.
func (s *Stream) newBuffer(n int64) []byte {
	if last := len(s.free) - 1; last >= 0 && int64(cap(s.free[last])) >= n {
		buffer := s.free[last][:n]
		s.free = s.free[:last]
		return buffer
	}
	return make([]byte, n)
}
