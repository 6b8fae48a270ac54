package mp4

import (
	"context"
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
)

// piece is a run of bytes that a track wants next.
type piece struct{ offset, size int64 }

// trackReader turns the pieces of one track into grains.
type trackReader interface {
	// next returns the piece that is wanted, or false after the last.
	next() (piece, bool)
	// take takes that piece.
	take(data []byte) error
	// extents lists all that will be wanted.
	extents() []extent
}

// Read implements [formats.Format].
func (Format) Read(ctx context.Context, in formats.Input, req *formats.ReadRequest, sink formats.Sink) error {
	state, err := unpackChunk(req.Chunk.State)
	if err != nil {
		return err
	}
	var readers []trackReader
	var wanted []extent
	for i := range state.Tracks {
		t := &state.Tracks[i]
		flow := req.Flows[t.Number]
		if flow == nil {
			continue
		}
		r, err := newTrackReader(t, flow, sink)
		if err != nil {
			return fmt.Errorf("track %d: %w", t.Number, err)
		}
		readers = append(readers, r)
		wanted = append(wanted, r.extents()...)
	}
	fetch := newFetcher(in, wanted)
	for ctx.Err() == nil {
		more, err := readNext(readers, fetch)
		if err != nil || !more {
			return err
		}
	}
	return ctx.Err()
}

// readNext serves the piece that comes first in the file.
func readNext(readers []trackReader, fetch *fetcher) (more bool, err error) {
	var first trackReader
	var wanted piece
	for _, r := range readers {
		if p, ok := r.next(); ok && (first == nil || p.offset < wanted.offset) {
			first, wanted = r, p
		}
	}
	if first == nil {
		return false, nil
	}
	data, err := fetch.get(wanted.offset, wanted.size)
	if err != nil {
		return false, err
	}
	return true, first.take(data)
}

func newTrackReader(t *chunkTrack, flow *media.Flow, sink formats.Sink) (trackReader, error) {
	switch t.Kind {
	case kindH264:
		return newVideoReader(t, flow, sink)
	case kindAAC:
		return newAudioReader(t, flow, sink)
	case kindPCM:
		return &pcmReader{chunkTrack: t, sink: sink}, nil
	}
	return nil, fault.Newf(fault.Internal, "a chunk of kind %q", t.Kind)
}

// place walks the samples of a chunk's objects.
type place struct {
	list   []object
	object int
	sample int
}

func (p *place) next() (piece, bool) {
	if p.object >= len(p.list) {
		return piece{}, false
	}
	s := &p.list[p.object].Samples[p.sample]
	return piece{s.Offset, int64(s.Size)}, true
}

// step moves on to the next sample.
func (p *place) step() {
	if p.sample++; p.sample == len(p.list[p.object].Samples) {
		p.object, p.sample = p.object+1, 0
	}
}

func (p *place) extents() []extent {
	var all []extent
	for i := range p.list {
		for _, s := range p.list[i].Samples {
			all = append(all, extent{s.Offset, s.End()})
		}
	}
	return all
}
