package origin

import (
	"context"
	"slices"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/origin/plan"
)

// track is a rendition that is being planned.
type track struct {
	*rendition
	index Index
	now   *media.Flow // as last seen
	clock plan.Clock
	skip  int64
	delay int64
	first mediatime.Time
	// cursor is the end of the stored segments that were planned, and taken is how
	// many grains of the one after it were.
	cursor mediatime.Time
	taken  int

	video *plan.Video
	sound *plan.Audio
	ended bool
	// pictures are the spans of the video.
	pictures []plan.Span
}

// seam is how far stored segments may lie apart and still count as contiguous.
const seam = mediatime.Millisecond

// isFirst says whether a stored segment is the first that there will be: while a
// Flow grows, chunks come in any order.
func (t *track) isFirst(start mediatime.Time, complete bool) bool {
	const tolerance = 100 * mediatime.Millisecond
	planned, known := t.now.Tags.Planned()
	return complete || !known || start <= planned.Start+tolerance
}

// begin finds time 0 of a presentation that this track leads: its first picture or
// sample. It says false while there is none.
func (t *track) begin(ctx context.Context, complete bool) (mediatime.Time, bool, error) {
	for s, err := range readSegments(ctx, t.index, t.flow.ID, mediatime.Eternity, 1, false) {
		if err != nil {
			return 0, false, err
		}
		if !t.isFirst(s.Range.Start, complete) {
			return 0, false, nil
		}
		zero := s.Range.Start
		if !t.audio {
			first := mediatime.Max
			for i := range s.Entries {
				if pts := s.Entries[i].PTS; pts >= s.Range.Start {
					first = min(first, pts)
				}
			}
			zero = max(zero, first)
			if first == mediatime.Max {
				zero = s.Range.Start
			}
		}
		return zero, true, nil
	}
	return 0, false, nil
}

// extendVideo plans the stored segments that have come.
func (t *track) extendVideo(ctx context.Context, zero mediatime.Time, limits plan.Limits, complete bool) error {
	if t.ended {
		return nil
	}
	if t.video == nil {
		t.video, t.cursor = plan.NewVideo(zero, limits), zero
	}
	for s, err := range readSegments(ctx, t.index, t.flow.ID, mediatime.From(t.cursor), videoPage, false) {
		if err != nil {
			return err
		}
		if !complete && s.Range.Start > t.cursor+seam {
			break
		}
		if t.clock.Scale == 0 {
			t.beginVideo(zero, s)
		}
		if s.Range.Start <= t.cursor+seam {
			s.Range.Start = min(s.Range.Start, t.cursor)
		}
		t.video.Segment(s.Range)
		for i := range s.Entries {
			t.video.Picture(&s.Entries[i])
		}
		t.cursor = max(t.cursor, s.Range.End)
	}
	if complete {
		t.video.Finish()
		t.ended = true
	}
	if t.clock.Scale != 0 {
		grid := t.video.Grid()
		t.pictures = append(t.pictures, plan.Spans(grid[len(t.pictures):], t.clock)...)
	}
	return nil
}

// beginVideo sets the clock. What comes before time 0 of the presentation is the
// time for which a picture may have to wait for another that is shown before it: so
// no picture is shown before it is decoded, which older players would put right by
// moving all of them.
func (t *track) beginVideo(zero mediatime.Time, s *storedSegment) {
	t.clock = plan.NewClock(t.timescale, zero, zero)
	t.first = zero
	for i := range s.Entries {
		e := &s.Entries[i]
		if e.Access != media.NotRandom || i == 0 {
			t.first = min(zero, e.Order)
		}
		if e.PTS >= zero {
			break
		}
	}
	t.delay = t.reorderDelay(s)
	t.skip = t.delay
	t.clock = t.clock.Shift(t.skip)
}

// reorderDelay returns by how many ticks pictures must be decoded earlier than in
// step with what is shown: as far as they are seen to be reordered, and as far as
// their parameter sets allow.
func (t *track) reorderDelay(s *storedSegment) (delay int64) {
	for i := range s.Entries {
		e := &s.Entries[i]
		delay = max(delay, t.clock.At(e.Order)-t.clock.At(e.PTS))
	}
	if frames := reorderFrames(t.config(0)); frames > 0 && len(s.Entries) > 0 {
		delay = max(delay, mediatime.Ticks(mediatime.Time(frames)*s.Entries[0].Duration, t.timescale))
	}
	return delay
}

// extendAudio plans the frames that have come, as far as the grid goes.
func (t *track) extendAudio(ctx context.Context, zero mediatime.Time, grid []plan.Cell, complete bool) error {
	if t.ended || len(grid) == 0 {
		return nil
	}
	if t.sound == nil {
		if ok, err := t.beginAudio(ctx, zero, complete); err != nil || !ok {
			return err
		}
	}
	t.sound.Extend(grid, complete)
	if err := t.readAudio(ctx, complete); err != nil {
		return err
	}
	if complete {
		t.sound.Finish()
		t.ended = true
	}
	return nil
}

// reach is how far before a time the coded frames that it needs may begin.
const reach = 250 * mediatime.Millisecond

// beginAudio sets the clock: the frames that a decoder needs before time 0 come
// before it.
func (t *track) beginAudio(ctx context.Context, zero mediatime.Time, complete bool) (bool, error) {
	for s, err := range readSegments(ctx, t.index, t.flow.ID, mediatime.From(zero-reach), 1, false) {
		if err != nil {
			return false, err
		}
		if !complete && s.Range.Start > zero && !t.isFirst(s.Range.Start, complete) {
			return false, nil
		}
		if len(s.Entries) == 0 {
			return false, nil
		}
		t.clock = plan.NewClock(t.timescale, zero, s.Entries[0].PTS)
		if t.raw == nil {
			heard := slices.IndexFunc(s.Entries, func(e media.Entry) bool { return e.End() > max(zero, s.Range.Start) })
			first := max(0, max(heard, 0)-t.preroll)
			t.skip = max(0, -t.clock.At(s.Entries[first].PTS))
			t.clock = t.clock.Shift(t.skip)
		}
		t.sound = plan.NewAudio(t.clock, t.skip, t.raw != nil)
		t.cursor = min(zero, s.Range.Start)
		if !complete {
			t.cursor = s.Range.Start
		}
		return true, nil
	}
	return false, nil
}

// readAudio plans the stored segments that have come until the grid ends.
func (t *track) readAudio(ctx context.Context, complete bool) error {
	if !t.sound.Wants() {
		return nil
	}
	for s, err := range readSegments(ctx, t.index, t.flow.ID, mediatime.From(t.cursor), audioPage, false) {
		if err != nil {
			return err
		}
		if !complete && s.Range.Start > t.cursor+seam {
			return nil
		}
		frames := t.frames(s)
		for ; t.taken < len(frames); t.taken++ {
			if !t.sound.Frame(frames[t.taken]) {
				return nil
			}
		}
		t.cursor, t.taken = max(t.cursor, s.Range.End), 0
		if !t.sound.Wants() {
			return nil
		}
	}
	return nil
}

// frames returns the grains of a stored segment that are presented, on the track's
// clock.
func (t *track) frames(s *storedSegment) []plan.Frame {
	frames := make([]plan.Frame, 0, len(s.Entries))
	bounds := [2]int64{t.clock.At(s.Range.Start), t.clock.At(s.Range.End)}
	for i := range s.Entries {
		e := &s.Entries[i]
		start := t.clock.At(e.PTS)
		f := plan.Frame{Start: start, End: start + int64(e.Samples), Bytes: e.Size, Config: e.Config}
		if t.raw != nil {
			f.Start, f.End = max(f.Start, bounds[0]), min(f.End, bounds[1])
		}
		if f.Start < f.End && f.Start < bounds[1] {
			frames = append(frames, f)
		}
	}
	return frames
}

// spans returns the segments of the track that are settled.
func (t *track) spans() []plan.Span {
	switch {
	case !t.audio:
		return t.pictures
	case t.sound != nil:
		return t.sound.Spans()
	default:
		return nil
	}
}
