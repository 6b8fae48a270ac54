package origin

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// piece is grains of one object that follow one another, and their bytes.
type piece struct {
	stored *storedSegment
	from   int // position of the first
	grains media.Index
	// bytes begin at offset of the object: at the header of the first grain, or at
	// its payload where headers are not wanted.
	bytes  []byte
	offset int64
}

// payload returns the essence of grain i of the piece.
func (p *piece) payload(i int) []byte {
	e := &p.grains[i]
	return p.bytes[e.Offset-p.offset:][:e.Size:e.Size]
}

// headerAt returns where the header of grain i of the piece begins in its bytes:
// after the grain before it, or after the header of the object.
func (p *piece) headerAt(i int) (int64, error) {
	if n := p.from + i; n > 0 {
		before := &p.stored.Entries[n-1]
		return before.Offset + before.Size - p.offset, nil
	}
	r, err := gsf.NewBytesReader(p.bytes, gsf.Options{})
	if err != nil {
		return 0, fmt.Errorf("object %s: %w", p.stored.Object, err)
	}
	return r.Offset(), nil
}

// decode reads grain i of the piece with its header, which must have been fetched.
func (p *piece) decode(i int, into *gsf.Grain) error {
	at, err := p.headerAt(i)
	if err != nil {
		return err
	}
	e := &p.grains[i]
	end := e.Offset + e.Size - p.offset
	if at < 0 || at >= end {
		return fmt.Errorf("object %s: grain %d has no header", p.stored.Object, p.from+i)
	}
	if err := gsf.DecodeGrain(p.bytes[at:end], gsf.Major9, into); err != nil {
		return fmt.Errorf("object %s: grain %d: %w", p.stored.Object, p.from+i, err)
	}
	return nil
}

// wanted says which grains of stored segments to fetch.
type wanted struct {
	window  mediatime.Range
	headers bool
	// takes says whether a grain is one of them.
	takes func(s *storedSegment, e *media.Entry) bool
}

// fetchGrains returns the wanted grains of a Flow in the order of the store, objects
// fetched beside one another.
func (s *Service) fetchGrains(ctx context.Context, t *trackView, w wanted) ([]*piece, error) {
	var pieces []*piece
	for stored, err := range readSegments(ctx, s.deps.Store, t.flow.ID, w.window, videoPage, true) {
		if err != nil {
			return nil, err
		}
		if p := w.choose(stored); p != nil {
			pieces = append(pieces, p)
		}
	}
	f := &fetcher{s.deps.Objects, s.config.ParallelRanges, s.config.RangeBytes, s.metrics}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(s.config.ParallelRanges)
	for _, p := range pieces {
		group.Go(func() error { return p.fetch(ctx, f, w.headers) })
	}
	return pieces, group.Wait()
}

// choose returns the grains of a stored segment from the first that is wanted to
// the last.
func (w *wanted) choose(s *storedSegment) *piece {
	first, last := -1, -1
	for i := range s.Entries {
		if w.takes(s, &s.Entries[i]) {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return nil
	}
	return &piece{stored: s, from: first, grains: s.Entries[first : last+1]}
}

func (p *piece) fetch(ctx context.Context, f *fetcher, headers bool) error {
	p.offset = p.grains[0].Offset
	if headers {
		p.offset = 0
		if p.from > 0 {
			before := &p.stored.Entries[p.from-1]
			p.offset = before.Offset + before.Size
		}
	}
	last := &p.grains[len(p.grains)-1]
	end := last.Offset + last.Size
	for i := range p.grains {
		if e := &p.grains[i]; e.Offset < p.offset || e.Size < 0 || e.Offset+e.Size > end {
			return fault.Newf(fault.Internal, "index of object %s: grain %d does not lie between its neighbours", p.stored.Object, p.from+i)
		}
	}
	var err error
	p.bytes, err = f.fetch(ctx, p.stored.URL, p.offset, end)
	return err
}
