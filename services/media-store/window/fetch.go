package window

import (
	"context"
	"fmt"
	"io"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/objstore"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// read is one range of an object, with the pieces within it.
type read struct {
	segment  *store.IndexedSegment
	pieces   []piece
	from, to int64 // bytes of the object
}

// extent says which bytes of its object a piece needs.
type extent func(p *piece) (from, to int64)

// essence needs the data alone, and of raw audio the samples alone.
func essence(frameBytes int64) extent {
	return func(p *piece) (int64, int64) {
		if frameBytes == 0 {
			return p.Offset, p.Offset + p.Size
		}
		return p.Offset + p.from*frameBytes, p.Offset + p.to*frameBytes
	}
}

// block needs the whole grai block: it starts where the one before ends, the first
// one somewhere after the file's header.
func block(p *piece) (from, to int64) { return p.before, p.Offset + p.Size }

// maxBridge is how many bytes that nobody needs one read may take along, rather
// than being two.
const maxBridge = 64 << 10

// reads joins the pieces of a track to ranges of at most maxBytes, or one piece.
func reads(t *track, maxBytes int64, needs extent) []read {
	var out []read
	for i := range t.pieces {
		p := &t.pieces[i]
		from, to := needs(p)
		if n := len(out); n > 0 {
			last := &out[n-1]
			near := last.segment.Key == p.segment.Key && from >= last.to && from-last.to <= maxBridge
			if near && to-last.from <= maxBytes {
				last.to = to
				last.pieces = t.pieces[i-len(last.pieces) : i+1]
				continue
			}
		}
		out = append(out, read{segment: p.segment, pieces: t.pieces[i : i+1], from: from, to: to})
	}
	return out
}

// fetcher reads ranges of objects, several at a time, and hands them on in order.
type fetcher struct {
	bucket *objstore.Bucket
	// ahead is how many reads of a stream are under way at the same time.
	ahead int
}

// stream is a list of reads whose bytes come in order. No more than ahead+1 of them
// are in memory. It belongs to one goroutine, which must close it.
type stream struct {
	ctx     context.Context //nolint:containedctx // of the goroutines that the stream owns
	fetcher *fetcher
	cancel  context.CancelFunc
	queue   chan *fetched
	buffers chan []byte
	stopped chan struct{}
	// current is the read whose bytes the caller has.
	current *fetched
}

// fetched is a read under way.
type fetched struct {
	read *read
	data []byte
	err  error
	done chan struct{}
}

// open begins to read.
func (f *fetcher) open(ctx context.Context, list []read) *stream {
	s := &stream{
		fetcher: f, queue: make(chan *fetched, f.ahead-1), buffers: make(chan []byte, f.ahead+1), stopped: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	go s.start(list)
	return s
}

// next returns the next read and its bytes, which may be used until the next call;
// io.EOF after the last.
func (s *stream) next() (*read, []byte, error) {
	if s.current != nil {
		select {
		case s.buffers <- s.current.data:
		default:
		}
		s.current = nil
	}
	one, ok := <-s.queue
	if !ok {
		if err := s.ctx.Err(); err != nil {
			return nil, nil, err
		}
		return nil, nil, io.EOF
	}
	<-one.done
	if one.err != nil {
		return nil, nil, one.err
	}
	s.current = one
	return one.read, one.data, nil
}

// close ends what is under way and waits for it.
func (s *stream) close() {
	s.cancel()
	<-s.stopped
	for one := range s.queue {
		<-one.done
	}
}

// start queues the reads in order and begins each as soon as there is room.
func (s *stream) start(list []read) {
	defer close(s.stopped)
	defer close(s.queue)
	for i := range list {
		one := &fetched{read: &list[i], done: make(chan struct{})}
		select {
		case one.data = <-s.buffers:
		default:
		}
		select {
		case <-s.ctx.Done():
			return
		case s.queue <- one:
		}
		go func() {
			defer close(one.done)
			one.data, one.err = s.fetcher.fetch(s.ctx, one.read, one.data)
		}()
	}
}

// fetch reads one range into buf, or into a new buffer if that is too small.
func (f *fetcher) fetch(ctx context.Context, r *read, buf []byte) ([]byte, error) {
	size := r.to - r.from
	if int64(cap(buf)) < size {
		buf = make([]byte, size)
	}
	buf = buf[:size]
	body, err := f.bucket.GetVersion(ctx, r.segment.Key, r.segment.Object.ETag, r.from, size)
	if fault.Is(err, fault.Conflict) {
		return nil, fmt.Errorf("object %s is not what was registered: %w", r.segment.ObjectID, errReplaced)
	}
	if err != nil {
		return nil, fmt.Errorf("object %s: %w", r.segment.ObjectID, err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, buf); err != nil {
		return nil, fmt.Errorf("read bytes %d to %d of object %s: %w", r.from, r.to, r.segment.ObjectID, err)
	}
	return buf, nil
}
