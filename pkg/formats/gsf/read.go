package gsf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
)

// maxGrain bounds the essence of a grain, bytes: an UHD picture of four samples of
// 32 bits has 133 MB.
const maxGrain = 512 << 20

// Read implements formats.Format: it reads the chunk from front to back. It holds
// one object of each track in memory.
func (Format) Read(ctx context.Context, in formats.Input, req *formats.ReadRequest, sink formats.Sink) error {
	r := &reading{sink: sink, req: req, parts: map[int]*part{}}
	if err := json.Unmarshal(req.Chunk.State, &r.state); err != nil {
		return fmt.Errorf("decode chunk: %w", err)
	}
	r.byFlow = tracksOf(r.state.Tracks)
	start, size := req.Chunk.Start, req.Chunk.End-req.Chunk.Start
	reader, err := gsf.NewReader(io.NewSectionReader(in, start, size), gsf.Options{
		Header: r.state.Head.header(), Base: start, Size: size, MaxGrain: maxGrain,
	})
	if err != nil {
		return toFault(err)
	}
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("at byte %d: %w", reader.Offset(), err)
		}
		g := r.take()
		err := reader.Next(g)
		if errors.Is(err, io.EOF) {
			return r.finish()
		}
		if err != nil {
			return toFault(err)
		}
		if err := r.grain(g, reader.Header().Major); err != nil {
			return err
		}
	}
}

// reading is one chunk that is being read.
type reading struct {
	state  chunkState
	req    *formats.ReadRequest
	sink   formats.Sink
	byFlow tracks
	parts  map[int]*part
	free   []*gsf.Grain // with their memory, to be used again
}

func (r *reading) take() *gsf.Grain {
	if n := len(r.free); n > 0 {
		g := r.free[n-1]
		r.free = r.free[:n-1]
		return g
	}
	return new(gsf.Grain)
}

func (r *reading) give(g *gsf.Grain) { r.free = append(r.free, g) }

// grain hands a grain to its part, if it is wanted.
func (r *reading) grain(g *gsf.Grain, major uint16) error {
	x, err := r.byFlow.info(g, major)
	if err != nil {
		return err
	}
	if r.req.Flows[x.track.Number] == nil || x.track.Skipped {
		r.give(g)
		return nil
	}
	keepMeaning(g, major)
	p := r.parts[x.track.Number]
	if p == nil {
		p = newPart(x.track, &r.state)
		p.sink, p.done = r.sink, r.give
		r.parts[x.track.Number] = p
	}
	return p.add(&x, g)
}

// keepMeaning makes the header of an older major say the same in major 9, where a
// key frame flag above 1 means "unknown".
func keepMeaning(g *gsf.Grain, major uint16) {
	if g.Kind != gsf.KindCodedVideo || major >= gsf.Major9 {
		return
	}
	c := &g.CodedVideo
	if _, known, _ := coded(c, major); known && c.KeyFrame > gsf.KeyFrameYes {
		c.KeyFrame = gsf.KeyFrameYes
	}
}

// finish ends all parts, in the order of their numbers.
func (r *reading) finish() error {
	for _, t := range r.state.Tracks {
		if p := r.parts[t.Number]; p != nil {
			if err := p.finish(r.state.Next); err != nil {
				return err
			}
		}
	}
	return nil
}
