package rangereader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Reader reads one version of one file. Its methods may be called concurrently.
// It must be closed.
type Reader struct {
	ctx    context.Context //nolint:containedctx // io.ReaderAt has none; Open promises this one
	cancel context.CancelCauseFunc
	remote *remote
	opts   Options

	version     version
	contentType string
	whole       []byte // the file, of a server without ranges
	cache       *cache
	ahead       ahead

	mu      sync.Mutex
	closed  bool
	changed error // set once the file is another
	running sync.WaitGroup
}

func newReader(ctx context.Context, f *remote, opts Options) *Reader {
	ctx, cancel := context.WithCancelCause(ctx)
	return &Reader{ctx: ctx, cancel: cancel, remote: f, opts: opts, version: parseVersion(opts.Size, opts.Version)}
}

// Name returns the URL as people may see it, without secrets.
func (r *Reader) Name() string { return r.remote.name }

// Size is the file's size, bytes.
func (r *Reader) Size() int64 { return r.version.size }

// ETag is the file's ETag as it was sent, with its quotes; empty if there was none.
func (r *Reader) ETag() string { return r.version.etag }

// Version is what tells this state of the file from another, for [Options]; empty
// if the server says nothing of the kind.
func (r *Reader) Version() string { return r.version.String() }

// ContentType is the type that the server claims; often wrong.
func (r *Reader) ContentType() string { return r.contentType }

// Stats says what reading has cost so far.
func (r *Reader) Stats() Stats {
	c := &r.remote.counters
	return Stats{Bytes: c.bytes.Load(), Requests: c.requests.Load(), Retries: c.retries.Load()}
}

// Close ends all that runs for the Reader and waits for it. It may be called twice.
func (r *Reader) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel(fmt.Errorf("the reader of %s: %w", r.remote.name, os.ErrClosed))
	r.running.Wait()
	return nil
}

// ReadAt implements io.ReaderAt.
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fault.Newf(fault.InvalidArgument, "read %s: the offset %d is negative", r.remote.name, off)
	}
	if err := r.usable(); err != nil {
		return 0, err
	}
	if off >= r.Size() {
		return 0, io.EOF
	}
	var short error
	if left := r.Size() - off; int64(len(p)) > left {
		p, short = p[:left], io.EOF
	}
	switch {
	case r.whole != nil:
		return copy(p, r.whole[off:]), short
	case int64(len(p)) >= r.opts.Settings.RangeBytes:
		if err := r.fill(r.ctx, p, off); err != nil {
			return 0, err
		}
		return len(p), short
	default:
		n, err := r.readBlocks(p, off)
		if err != nil {
			return n, err
		}
		return n, short
	}
}

// usable says why nothing can be read any more.
func (r *Reader) usable() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changed != nil {
		return r.changed
	}
	return context.Cause(r.ctx)
}

// note remembers that the file changed: blocks of two files must not be mixed.
func (r *Reader) note(err error) error {
	if fault.Is(err, fault.SourceChanged) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changed = err
	}
	return err
}

// start runs work that Close waits for.
func (r *Reader) start(work func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return context.Cause(r.ctx)
	}
	r.running.Go(work)
	return nil
}

// readBlocks reads through the cache.
func (r *Reader) readBlocks(p []byte, off int64) (int, error) {
	end := off + int64(len(p))
	blocks, missing := r.cache.claim(off, end)
	r.load(missing, r.opts.Settings.RangeBytes)
	r.readAhead(off, end)
	n := 0
	for _, b := range blocks {
		if err := r.await(r.ctx, b); err != nil {
			return n, err
		}
		n += copy(p[n:], b.data[off+int64(n)-b.start:])
	}
	return n, nil
}

// await waits for a block.
func (r *Reader) await(ctx context.Context, b *block) error {
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// load fetches blocks in the background, neighbours by one request of up to limit
// bytes.
func (r *Reader) load(blocks []*block, limit int64) {
	for len(blocks) > 0 {
		var run []*block
		run, blocks = neighbours(blocks, limit)
		if err := r.start(func() { _ = r.fetchBlocks(run, nil) }); err != nil {
			r.cache.failed(run, err)
		}
	}
}

// fetchBlocks fetches adjacent blocks; each can be used as soon as it is there.
func (r *Reader) fetchBlocks(run []*block, first *answer) error {
	t := &transfer{pos: run[0].start, end: run[len(run)-1].end}
	for _, b := range run {
		t.dst = append(t.dst, make([]byte, b.end-b.start))
	}
	data, arrived := append([][]byte(nil), t.dst...), 0
	t.filled = func() {
		r.cache.arrived(run[arrived], data[arrived])
		arrived++
	}
	err := r.note(r.remote.fetch(r.ctx, t, r.version, first))
	if err != nil {
		r.cache.failed(run[arrived:], err)
	}
	return err
}

// fill reads [off, off+len(p)) past the cache: what is there is copied, what is not
// goes straight into p, in parallel ranges.
func (r *Reader) fill(ctx context.Context, p []byte, off int64) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(r.opts.Settings.Parallel)
	for len(p) > 0 {
		if b, ok := r.cache.find(off); ok {
			if err := r.await(ctx, b); err != nil {
				return errors.Join(err, group.Wait())
			}
			n := copy(p, b.data[off-b.start:])
			p, off = p[n:], off+int64(n)
			continue
		}
		n := r.gap(off, min(off+int64(len(p)), off+r.opts.Settings.RangeBytes)) - off
		t := &transfer{pos: off, end: off + n, dst: [][]byte{p[:n]}}
		group.Go(func() error { return r.note(r.remote.fetch(ctx, t, r.version, nil)) })
		p, off = p[n:], off+n
	}
	return group.Wait()
}

// gap returns the end of the stretch from off that the cache does not have, at most
// limit.
func (r *Reader) gap(off, limit int64) int64 {
	for off < limit {
		if _, ok := r.cache.find(off); ok {
			return off
		}
		_, off = r.cache.layout.block(off)
	}
	return limit
}
