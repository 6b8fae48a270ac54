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
	track    int
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
func reads(t *track, number int, maxBytes int64, needs extent) []read {
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
		out = append(out, read{segment: p.segment, track: number, pieces: t.pieces[i : i+1], from: from, to: to})
	}
	return out
}

// fetcher reads ranges of objects, several at a time, and hands them on in order.
type fetcher struct {
	bucket *objstore.Bucket
	// ahead is how many reads are under way at the same time.
	ahead int
}

// fetched is a read under way.
type fetched struct {
	read *read
	data []byte
	err  error
	done chan struct{}
}

// each calls emit with the bytes of each read, in order. The bytes may be used until
// emit returns. No more than ahead+1 reads are in memory.
func (f *fetcher) each(ctx context.Context, list []read, emit func(*read, []byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	queue := make(chan *fetched, f.ahead-1)
	buffers := make(chan []byte, f.ahead+1)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		f.start(ctx, list, queue, buffers)
	}()
	// Whatever is still under way must end before its buffers go.
	defer func() {
		cancel()
		<-stopped
		for one := range queue {
			<-one.done
		}
	}()
	for one := range queue {
		<-one.done
		if one.err != nil {
			return one.err
		}
		if err := emit(one.read, one.data); err != nil {
			return err
		}
		select {
		case buffers <- one.data:
		default:
		}
	}
	return ctx.Err()
}

func (f *fetcher) start(ctx context.Context, list []read, queue chan<- *fetched, buffers <-chan []byte) {
	defer close(queue)
	for i := range list {
		one := &fetched{read: &list[i], done: make(chan struct{})}
		select {
		case one.data = <-buffers:
		default:
		}
		select {
		case <-ctx.Done():
			return
		case queue <- one:
		}
		go func() {
			defer close(one.done)
			one.data, one.err = f.fetch(ctx, one.read, one.data)
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
