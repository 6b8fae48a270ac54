package window

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	choose "github.com/grainmesh/grainmesh/pkg/window"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// piece is one grain of a window, or a part of one.
type piece struct {
	media.Entry // with times on the Flow's time line
	segment     *store.IndexedSegment
	// before is where the grain before it ends in the object; 0 for the first.
	before int64
	// Samples [from, to) of raw audio are taken.
	from, to int64
}

// whole says that nothing is cut off.
func (p *piece) whole() bool { return p.from == 0 && p.to == int64(p.Samples) }

// at returns the time of the n-th sample of a grain of raw audio. It counts from
// where the file's time line began, as grains are placed themselves (media rule 1):
// from the grain's own start it could be a nanosecond early.
func (p *piece) at(n int64, flow *store.Flow) mediatime.Time {
	rate := int64(flow.Audio.SampleRate)
	switch {
	case n == int64(p.Samples):
		return p.End()
	case flow.Timescale == rate:
		return p.PTS - mediatime.Rescale(p.Ticks, rate) + mediatime.Rescale(p.Ticks+n, rate)
	default:
		return p.PTS + mediatime.Rescale(n, rate)
	}
}

// track is what a window takes of one Flow.
type track struct {
	flow *store.Flow
	// pieces are in decode order.
	pieces []piece
	// present is what is wanted, carried what is there.
	present, carried mediatime.Range
	// exact says that nothing is carried that is not wanted.
	exact bool
	// skip and samples are the cut of coded audio: samples to leave out at the start,
	// and the length from there; wanted counts the last pieces, those before only help
	// decoding.
	skip, samples int64
	wanted        int
}

// segmentsAtOnce is how many segments' indexes are read in one query.
const segmentsAtOnce = 256

// maxGrains bounds the grains of one window, of all its tracks together, whose index is
// held in memory.
const maxGrains = 1 << 20

// planner reads the index and chooses the grains of one window.
type planner struct {
	store  *store.Store
	tenant store.Tenant
	most   int // grains
	held   int
}

// hold counts the grains of segments, and refuses a window that would have too many.
func (p *planner) hold(flow *store.Flow, segments []store.IndexedSegment) error {
	for i := range segments {
		if err := readable(flow, &segments[i]); err != nil {
			return err
		}
		p.held += int(segments[i].Object.Grains)
	}
	if p.held > p.most {
		return fault.Newf(fault.InvalidArgument, "what the range needs has more than %d grains; take it in parts", p.most)
	}
	return nil
}

// plan chooses the grains of one Flow that show a range. preroll is how many frames
// of coded audio to carry before it.
func (p *planner) plan(ctx context.Context, flow *store.Flow, want mediatime.Range, preroll int) (*track, error) {
	segments, err := p.load(ctx, flow, want.Intersect(flow.Timerange))
	if err != nil {
		return nil, err
	}
	if err := ready(flow, want, segments); err != nil {
		return nil, err
	}
	if want = want.Intersect(flow.Timerange); want.IsEmpty() {
		return nil, fault.Newf(fault.NotFound, "flow %s has nothing there, it covers %s", flow.ID, flow.Timerange)
	}
	pieces, err := unpack(flow, segments)
	if err != nil {
		return nil, err
	}
	switch {
	case isPCM(flow):
		return planPCM(flow, pieces, want)
	case flow.Audio != nil:
		return p.planCodedAudio(ctx, flow, pieces, want, preroll)
	default:
		return p.planPictures(ctx, flow, pieces, want)
	}
}

func isPCM(f *store.Flow) bool {
	return f.Audio != nil && (f.Codec == media.CodecPCM || f.Codec == media.CodecPCMFloat)
}

// load reads the segments that a range touches.
func (p *planner) load(ctx context.Context, flow *store.Flow, want mediatime.Range) ([]store.IndexedSegment, error) {
	var all []store.IndexedSegment
	if want.IsEmpty() {
		return nil, nil
	}
	query := store.SegmentQuery{Flow: flow.ID, Range: want, Limit: segmentsAtOnce, WithIndex: true}
	for {
		segments, err := p.store.Segments(ctx, p.tenant, query)
		if err != nil {
			return nil, err
		}
		if err := p.hold(flow, segments); err != nil {
			return nil, err
		}
		all = append(all, segments...)
		if len(segments) < segmentsAtOnce {
			return all, nil
		}
		query.After = &all[len(all)-1].Range.Start
	}
}

// readable refuses objects whose inside is not known.
func readable(flow *store.Flow, s *store.IndexedSegment) error {
	if s.Key == "" || len(s.Object.Index) == 0 {
		return fault.Newf(fault.NotRepresented,
			"object %s of flow %s is not of Grainmesh's making (%s); read its segments instead", s.ObjectID, flow.ID, flow.Container)
	}
	return nil
}

// unpack lists the grains of segments in decode order, with times of the Flow.
func unpack(flow *store.Flow, segments []store.IndexedSegment) ([]piece, error) {
	var pieces []piece
	for i := range segments {
		s := &segments[i]
		index, err := media.UnpackIndex(s.Object.Index)
		if err != nil {
			return nil, fmt.Errorf("index of object %s of flow %s: %w", s.ObjectID, flow.ID, err)
		}
		s.Object.Index = nil // it is large, and no longer needed
		pieces = slices.Grow(pieces, len(index))
		var before int64
		for _, e := range index {
			end := e.Offset + e.Size
			e.PTS += s.Offset
			e.Order += s.Offset
			if flow.Video == nil {
				e.Access = media.Clean // only pictures refer to one another
			}
			pieces = append(pieces, piece{Entry: e, segment: s, before: before, to: int64(e.Samples)})
			before = end
		}
	}
	return pieces, nil
}

// planPCM cuts raw audio to samples (media rule 5).
func planPCM(flow *store.Flow, pieces []piece, want mediatime.Range) (*track, error) {
	rate := int64(flow.Audio.SampleRate)
	t := &track{flow: flow}
	for _, p := range pieces {
		within := want.Intersect(p.segment.Range).Intersect(p.Range())
		if within.IsEmpty() {
			continue
		}
		p.from = mediatime.Ticks(within.Start-p.PTS, rate)
		p.to = min(mediatime.Ticks(within.End-p.PTS, rate), int64(p.Samples))
		if p.from >= p.to {
			continue
		}
		t.present = t.present.Union(mediatime.NewRange(p.at(p.from, flow), p.at(p.to, flow)))
		t.samples += p.to - p.from
		t.pieces = append(t.pieces, p)
	}
	if len(t.pieces) == 0 {
		return nil, nothing(flow, want)
	}
	t.carried, t.exact = t.present, true
	return t, nil
}

func nothing(flow *store.Flow, want mediatime.Range) error {
	return fault.Newf(fault.NotFound, "flow %s has no grain within %s", flow.ID, want)
}

// indexOf returns pieces as pkg/window takes them.
func indexOf(pieces []piece) media.Index {
	index := make(media.Index, len(pieces))
	for i := range pieces {
		index[i] = pieces[i].Entry
	}
	return index
}

// pick keeps the chosen pieces.
func pick(pieces []piece, chosen []int) []piece {
	out := make([]piece, len(chosen))
	for i, n := range chosen {
		out[i] = pieces[n]
	}
	return out
}

// planPictures chooses pictures, and grains of data, which all stand alone.
func (p *planner) planPictures(ctx context.Context, flow *store.Flow, pieces []piece, want mediatime.Range) (*track, error) {
	for {
		if err := unedited(flow, pieces, want); err != nil {
			return nil, err
		}
		chosen, err := choose.Video(indexOf(pieces), want)
		if errors.Is(err, choose.ErrEmpty) {
			return nil, nothing(flow, want)
		}
		if err != nil && !errors.Is(err, choose.ErrPreroll) {
			return nil, fmt.Errorf("choose pictures of flow %s: %w", flow.ID, err)
		}
		if err != nil || startsOpen(pieces, chosen.Grains[0]) {
			// The random access point, or a better one, is further back.
			earlier, backErr := p.earlier(ctx, flow, pieces)
			if backErr != nil {
				return nil, backErr
			}
			if len(earlier) > 0 {
				pieces = append(earlier, pieces...)
				continue
			}
		}
		if err != nil {
			return nil, fault.Newf(fault.NotRepresented, "flow %s has no random access point from which %s decodes", flow.ID, want)
		}
		return &track{
			flow: flow, pieces: pick(pieces, chosen.Grains), present: chosen.Present, carried: chosen.Carried,
			exact: len(chosen.Grains) == chosen.Wanted,
		}, nil
	}
}

// startsOpen says that a choice starts at a random access point that is not clean,
// and that no other is known before it, which might serve better.
func startsOpen(pieces []piece, first int) bool {
	if pieces[first].Access == media.Clean {
		return false
	}
	for i := range first {
		if pieces[i].Access != media.NotRandom {
			return false
		}
	}
	return true
}

// unedited refuses ranges in which a Flow was put together from parts of objects:
// what is outside a part would be shown.
func unedited(flow *store.Flow, pieces []piece, want mediatime.Range) error {
	for i := range pieces {
		if g := &pieces[i]; want.Contains(g.PTS) && !g.segment.Range.Contains(g.PTS) {
			return fault.Newf(fault.NotRepresented, "flow %s is an edit that takes %s of object %s only; take the parts on each side by themselves",
				flow.ID, g.segment.Range, g.segment.ObjectID)
		}
	}
	return nil
}

// earlier reads a few segments more before the first; none if there are none.
func (p *planner) earlier(ctx context.Context, flow *store.Flow, pieces []piece) ([]piece, error) {
	first := pieces[0].segment.Range.Start
	segments, err := p.store.Segments(ctx, p.tenant, store.SegmentQuery{
		Flow: flow.ID, Range: mediatime.Until(first), Limit: segmentsBack, WithIndex: true, Reverse: true,
	})
	if err != nil {
		return nil, err
	}
	slices.Reverse(segments)
	if err := p.hold(flow, segments); err != nil {
		return nil, err
	}
	return unpack(flow, segments)
}

// segmentsBack is how many segments to go back at a time.
const segmentsBack = 4

// planCodedAudio chooses the frames that cover a range.
func (p *planner) planCodedAudio(ctx context.Context, flow *store.Flow, pieces []piece, want mediatime.Range, preroll int) (*track, error) {
	if preroll > 0 && len(pieces) > 0 && pieces[0].PTS >= want.Start-lead(flow, preroll) {
		// Frames before the range may be in the segment before.
		before, err := p.earlier(ctx, flow, pieces)
		if err != nil {
			return nil, err
		}
		pieces = append(before, pieces...)
	}
	chosen, err := choose.Audio(indexOf(pieces), want, int64(flow.Audio.SampleRate), preroll)
	if errors.Is(err, choose.ErrEmpty) {
		return nil, nothing(flow, want)
	}
	if err != nil {
		return nil, fmt.Errorf("choose frames of flow %s: %w", flow.ID, err)
	}
	return &track{
		flow: flow, pieces: pick(pieces, chosen.Grains), present: chosen.Present, carried: chosen.Carried,
		exact: chosen.Present == chosen.Carried, skip: chosen.Skip, samples: chosen.Samples, wanted: chosen.Wanted,
	}, nil
}

// lead is how long a number of frames are.
func lead(flow *store.Flow, frames int) mediatime.Time {
	return mediatime.Rescale(int64(frames)*int64(flow.Audio.CodedFrameSize), int64(flow.Audio.SampleRate))
}
