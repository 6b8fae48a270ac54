package origin

import (
	"fmt"
	"math"
	"slices"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/origin/fmp4"
	"github.com/grainmesh/grainmesh/services/origin/plan"
)

// picture is one picture of a segment that is being made.
type picture struct {
	*media.Entry
	piece    *piece
	position int // in the piece
}

// inRange says that it is to be seen, not only to be decoded.
func (p *picture) inRange() bool { return p.piece.stored.Range.Contains(p.PTS) }

// pictures makes a segment of H.264.
func (b *builder) pictures(pieces []*piece) ([]byte, error) {
	all := b.needed(pieces)
	if len(all) == 0 {
		return nil, fault.Newf(fault.Internal, "segment %d: its pictures are not in the store", b.number)
	}
	clock := newHiding(b.track.clock, b.view.zero, all)
	samples, orders := make([]fmp4.Sample, len(all)), make([]int64, len(all))
	var grain gsf.Grain
	for i := range all {
		p := &all[i]
		data, err := b.sample(p, &grain)
		if err != nil {
			return nil, fault.Newf(fault.Internal, "segment %d: %w", b.number, err)
		}
		orders[i] = clock.at(p.Order)
		offset := clock.shown(p) - orders[i] + b.track.delay
		samples[i] = fmp4.Sample{Data: data, Sync: p.Access == media.Clean, Offset: int32(offset)}
	}
	setDurations(samples, orders, b.span.End)
	return b.fragment(nil, 0, orders[0]-b.track.delay, samples), nil
}

// needed returns the pictures of the segment in decode order, without those at its
// end that come after the last that is to be seen.
func (b *builder) needed(pieces []*piece) []picture {
	var all []picture
	last := 0
	for _, p := range pieces {
		for i := range p.grains {
			if p.grains[i].Config != b.span.Config {
				continue
			}
			all = append(all, picture{&p.grains[i], p, i})
			if all[len(all)-1].inRange() {
				last = len(all)
			}
		}
	}
	if b.view.cells[b.number].Last {
		return all[:last]
	}
	return all
}

// setDurations makes each sample last until the next is decoded, and the last until
// the end of the segment.
func setDurations(samples []fmp4.Sample, orders []int64, end int64) {
	for i := range samples {
		next := end
		if i+1 < len(orders) {
			next = orders[i+1]
		}
		samples[i].Duration = uint32(max(1, min(next-orders[i], math.MaxUint32)))
	}
}

// sample returns a picture as its sample entry says that samples are framed.
func (b *builder) sample(p *picture, grain *gsf.Grain) ([]byte, error) {
	if err := p.piece.decode(p.position, grain); err != nil {
		return nil, err
	}
	data, err := frameAVC(b.track.config(p.Config), grain.Data, grain.CodedVideo.UnitOffsets, int(p.Injected))
	if err != nil {
		return nil, fmt.Errorf("object %s: grain %d: %w", p.piece.stored.Object, p.piece.from+p.position, err)
	}
	return data, nil
}

// hiding is a clock on which pictures that are there for the decoder only pass in
// single ticks, too short to be seen. Those before the first that is to be seen
// follow one another from time 0 on: browsers drop what lies before time 0, and with
// it all that refers to it. Those after the last come right before it.
type hiding struct {
	plan.Clock
	zero  mediatime.Time
	early []mediatime.Time // display times before zero, in order
	late  []mediatime.Time // of pictures that come after their stored segment
	last  mediatime.Time   // of the last that is to be seen
}

func newHiding(clock plan.Clock, zero mediatime.Time, all []picture) *hiding {
	h := &hiding{Clock: clock, zero: zero, last: mediatime.Min}
	for i := range all {
		p := &all[i]
		if p.Order < zero {
			h.early = append(h.early, p.Order)
		}
		switch {
		case p.inRange():
			h.last = max(h.last, p.PTS)
		case p.PTS >= p.piece.stored.Range.End:
			h.late = append(h.late, p.PTS)
		}
	}
	slices.Sort(h.early)
	slices.Sort(h.late)
	return h
}

// at returns the tick of a display time.
func (h *hiding) at(t mediatime.Time) int64 {
	if t > h.zero || len(h.early) == 0 {
		return h.At(t)
	}
	rank, _ := slices.BinarySearch(h.early, t)
	return h.At(h.zero) + int64(rank)
}

// shown returns the tick at which a picture is shown.
func (h *hiding) shown(p *picture) int64 {
	if p.PTS < p.piece.stored.Range.End {
		return h.at(p.PTS)
	}
	rank, _ := slices.BinarySearch(h.late, p.PTS)
	return h.at(h.last) - int64(len(h.late)-rank)
}
