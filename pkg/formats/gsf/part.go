package gsf

import (
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// part is one track's part of a chunk on its way into objects. An object is held
// back until it is known when its last grain ends.
type part struct {
	track  *track
	state  *chunkState
	cut    cutter
	infos  []info
	sink   formats.Sink // nil in Plan, which counts only
	grains []*gsf.Grain // in Read, one for each of infos
	done   func(*gsf.Grain)

	objects int
	covered mediatime.Range // by their segments
	out     formats.Grain
	key     mediatime.Time // when the last key frame is displayed
}

func newPart(t *track, s *chunkState) *part {
	return &part{track: t, state: s, cut: cutter{sizes: s.Sizes, kind: t.Kind}, key: mediatime.Min}
}

// add takes the next grain; g is nil in Plan.
func (p *part) add(x *info, g *gsf.Grain) error {
	cut, err := p.cut.cuts(x)
	if err != nil {
		return err
	}
	if cut {
		if err := p.flush(p.cut.last.endBefore(x.at)); err != nil {
			return err
		}
	}
	p.cut.add(x, cut)
	p.infos = append(p.infos, *x)
	if g != nil {
		p.grains = append(p.grains, g)
	}
	return nil
}

// finish ends the last object, given when the first grain of each track after the
// chunk starts.
func (p *part) finish(next map[int]mediatime.Time) error {
	if len(p.infos) == 0 {
		return nil
	}
	at, known := next[p.track.Number]
	switch {
	case !known:
		return p.flush(p.cut.last.end())
	case at <= p.cut.last.at:
		return fault.Newf(fault.MalformedFile, "the grain at byte %d starts at %s, and one of the same flow after it at %s: times go back",
			p.cut.last.offset, p.cut.last.at, at)
	default:
		return p.flush(p.cut.last.endBefore(at))
	}
}

// flush makes objects of the grains that are held back, of which the last place
// ends at a given time.
func (p *part) flush(end mediatime.Time) error {
	if p.cut.sizes.Grains == 1 {
		for i := range p.infos {
			start, length := p.times(i, end)
			if err := p.object(mediatime.NewRange(start, start+length), i, i+1, end); err != nil {
				return err
			}
		}
	} else if err := p.object(mediatime.NewRange(p.infos[0].at, end), 0, len(p.infos), end); err != nil {
		return err
	}
	for i := range p.grains {
		p.done(p.grains[i])
	}
	p.infos, p.grains = p.infos[:0], p.grains[:0]
	return nil
}

// object makes one object of the grains [from, to) for a segment in the file's own
// time, unless nothing of it is wanted.
func (p *part) object(segment mediatime.Range, from, to int, end mediatime.Time) error {
	segment = segment.Shift(p.state.Shift).Intersect(p.state.Range)
	if segment.IsEmpty() {
		return nil
	}
	p.objects++
	p.covered = p.covered.Union(segment)
	if p.sink == nil {
		return nil
	}
	if err := p.sink.StartObject(p.track.Number, segment); err != nil {
		return err
	}
	for i := from; i < to; i++ {
		p.describe(i, end)
		if err := p.sink.Grain(p.track.Number, &p.out); err != nil {
			return err
		}
	}
	return nil
}

// times returns when grain i is presented, and for how long: the place of the
// picture that is displayed there. An offset that leads out of what is held back, whole
// groups of pictures, means nothing: so in a file of one picture, cut from a stream.
func (p *part) times(i int, end mediatime.Time) (start, length mediatime.Time) {
	x := &p.infos[i]
	place := i + x.moved
	if place < 0 || place >= len(p.infos) {
		place = i
	}
	switch {
	case place+1 < len(p.infos):
		start = p.infos[place].at
		return start, p.infos[place].endBefore(p.infos[place+1].at) - start
	default:
		start = p.infos[place].at
		return start, end - start
	}
}

// describe fills out from grain i.
func (p *part) describe(i int, end mediatime.Time) {
	x, g := &p.infos[i], p.grains[i]
	start, length := p.times(i, end)
	p.out = formats.Grain{
		Grain: media.Grain{
			PTS: start + p.state.Shift, Order: x.at + p.state.Shift, Duration: length, Ticks: int64(start),
			TemporalOffset: int32(x.moved), Access: access(x),
		},
		Data: g.Data, GSF: g,
	}
	switch g.Kind {
	case gsf.KindCodedVideo:
		if x.key {
			p.key = start
		}
		p.out.Leading = start < p.key
		p.out.UnitOffsets = g.CodedVideo.UnitOffsets
	case gsf.KindAudio:
		p.out.Samples = g.Audio.Samples
	case gsf.KindCodedAudio:
		p.out.Samples, p.out.Priming, p.out.Remainder = g.CodedAudio.Samples, g.CodedAudio.Priming, g.CodedAudio.Remainder
	default: // the Flow has it all
	}
	g.Origin += p.state.Shift
	if g.FarSync == (gsf.WireTime{}) {
		g.Sync += p.state.Shift
	}
}

// access says how decoding can start at a grain, by the word of its header: at a
// key frame that is displayed after pictures that follow it, the GOP is open.
func access(x *info) media.RandomAccess {
	switch {
	case !x.key:
		return media.NotRandom
	case x.moved > 0:
		return media.OpenGOP
	default:
		return media.Clean
	}
}
