package window

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// grainStreams gives the decoded grains of tracks, each track's in its order.
type grainStreams struct {
	tracks []*track
	each   []grainStream
}

type grainStream struct {
	bytes *stream
	read  *read
	data  []byte
	taken int // pieces of the track
	piece int // within read
}

func (h *Handler) openGrains(ctx context.Context, tracks []*track) *grainStreams {
	s := &grainStreams{tracks: tracks, each: make([]grainStream, len(tracks))}
	for i, t := range tracks {
		s.each[i].bytes = h.fetcher.open(ctx, reads(t, h.config.ReadBytes, block))
	}
	return s
}

func (s *grainStreams) close() {
	for i := range s.each {
		s.each[i].bytes.close()
	}
}

// earliest returns the track whose next grain comes first, -1 when none is left.
func (s *grainStreams) earliest() int {
	first, when := -1, mediatime.Max
	for i, t := range s.tracks {
		if n := s.each[i].taken; n < len(t.pieces) && t.pieces[n].Order < when {
			first, when = i, t.pieces[n].Order
		}
	}
	return first
}

// next decodes the next grain of a track. Its data may be used until the next call
// for the same track.
func (s *grainStreams) next(track int, into *gsf.Grain) (*piece, error) {
	g := &s.each[track]
	if g.read == nil || g.piece == len(g.read.pieces) {
		var err error
		if g.read, g.data, err = g.bytes.next(); err != nil {
			return nil, err
		}
		g.piece = 0
	}
	p := &g.read.pieces[g.piece]
	g.piece++
	g.taken++
	return p, decodeBlock(p, g.data, g.read.from, into)
}

// objectMajor is the major version of the GSF objects that Grainmesh writes.
const objectMajor = gsf.Major9

// decodeBlock decodes the grai block of a piece from the bytes of an object that
// start at from, which must be where the piece's block does.
func decodeBlock(p *piece, data []byte, from int64, into *gsf.Grain) error {
	start, end := p.before-from, p.Offset+p.Size-from
	if start < 0 || end > int64(len(data)) {
		return fmt.Errorf("object %s: %w", p.segment.ObjectID, errBlock)
	}
	b := data[start:end]
	if p.before == 0 {
		skipped, err := skipHeader(b)
		if err != nil {
			return fmt.Errorf("object %s: %w", p.segment.ObjectID, err)
		}
		b = b[skipped:]
	}
	if err := gsf.DecodeGrain(b, objectMajor, into); err != nil {
		return fmt.Errorf("object %s: %w: %w", p.segment.ObjectID, errBlock, err)
	}
	if int64(len(into.Data)) != p.Size {
		return fmt.Errorf("object %s: %w", p.segment.ObjectID, errBlock)
	}
	return nil
}

// fileHeader is the length of signature, type and version of a GSF file; the head
// block follows, with its tag and its size.
const fileHeader = 12

// skipHeader returns the length of what stands before the first grain.
func skipHeader(b []byte) (int, error) {
	if len(b) < fileHeader+8 || string(b[:8]) != "SSBBgrsg" {
		return 0, errBlock
	}
	size := int64(binary.LittleEndian.Uint32(b[fileHeader+4:]))
	if size > int64(len(b)-fileHeader) {
		return 0, errBlock
	}
	return fileHeader + int(size), nil
}

// place puts a decoded grain onto the Flow's time line and cuts it.
func place(g *gsf.Grain, p *piece, flow *store.Flow) {
	g.SourceID, g.FlowID = flow.SourceID, flow.ID
	g.Origin += p.segment.Offset
	if g.FarSync == (gsf.WireTime{}) {
		g.Sync += p.segment.Offset
	}
	if g.Kind != gsf.KindAudio || p.whole() {
		return
	}
	rate := int64(g.Audio.SampleRate)
	frame := int64(len(g.Data)) / int64(p.Samples)
	shift := p.at(p.from, flow) - p.PTS
	g.Data = g.Data[p.from*frame : p.to*frame]
	g.Audio.Samples = uint32(p.to - p.from)
	g.Origin, g.Sync = g.Origin+shift, g.Sync+shift
	if length, err := gsf.NewRational(mediatime.NewRate(p.to-p.from, rate)); err == nil {
		g.Duration = length
	}
}
