package rangereader

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// transfer is a stretch of the file on its way into buffers. It stands where the
// last request ended.
type transfer struct {
	pos, end int64
	dst      [][]byte // what is left to fill, end - pos bytes
	filled   func()   // called as each buffer is full; may be nil
}

// fetch completes a transfer, over as many requests as it takes. first is an answer
// to begin with, if there is one; fetch closes it.
func (f *remote) fetch(ctx context.Context, t *transfer, expected version, first *answer) error {
	retry := f.newRetry()
	for t.pos < t.end {
		before := t.pos
		err := f.attempt(ctx, t, expected, first)
		first = nil
		if err == nil {
			continue
		}
		progress := t.pos-before >= min(f.settings.BlockSize, t.end-before)
		if err := retry.after(ctx, err, progress); err != nil {
			return err
		}
	}
	return nil
}

// attempt makes one request, unless it is given an answer, and reads it out.
func (f *remote) attempt(ctx context.Context, t *transfer, expected version, a *answer) error {
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return fmt.Errorf("read %s: %w", f.name, context.Cause(ctx))
	}
	if a == nil {
		var err error
		if a, err = f.ask(ctx, t.pos, t.end, expected); err != nil {
			return err
		}
	}
	defer func() { _ = a.body.Close() }() // what was taken is complete by its length
	return f.take(t, a)
}

// take reads an answer's body into the buffers.
func (f *remote) take(t *transfer, a *answer) error {
	if !a.partial {
		return fault.Newf(fault.SourceNoRanges, "%s answered by ranges before and now sends the whole file", f.name)
	}
	start, end := t.pos, min(a.end, t.end)
	for t.pos < end {
		p := t.dst[0]
		if left := end - t.pos; int64(len(p)) > left {
			p = p[:left]
		}
		n, err := a.body.Read(p)
		t.advance(n)
		switch {
		case err == nil || t.pos == end:
		case errors.Is(err, io.EOF):
			return &temporary{err: fault.Newf(fault.SourceUnreachable, "%s ended its answer at byte %d of %d that it announced", f.name, t.pos, end)}
		default:
			return err
		}
	}
	// Less than asked for is allowed, but not by the spoonful.
	if t.pos < t.end && end-start < f.settings.BlockSize {
		return &temporary{err: fault.Newf(fault.SourceUnreachable, "%s answers with less than %d bytes at a time", f.name, f.settings.BlockSize)}
	}
	return nil
}

// advance notes that n bytes have come.
func (t *transfer) advance(n int) {
	t.pos += int64(n)
	t.dst[0] = t.dst[0][n:]
	if len(t.dst[0]) > 0 {
		return
	}
	t.dst = t.dst[1:]
	if t.filled != nil {
		t.filled()
	}
}
