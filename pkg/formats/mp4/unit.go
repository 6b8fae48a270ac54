package mp4

import (
	"math"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// unit is a part of a track that is not cut again: for video an object, for
// audio a stretch that stands in one piece in the file.
type unit struct {
	offset  int64 // of its first byte
	end     int64 // after its last byte
	tail    int64 // after the last byte of its last span
	bytes   int64
	segment mediatime.Range // on the movie's time line, not yet clipped
	object
}

// object is what one object of the store is made of.
type object struct {
	// First is the display index of the first picture, or for PCM the first sample.
	First int64
	// After is the tick at which the picture after the last is displayed, which
	// ends the last where the rate varies.
	After   int64
	Samples []isobmff.Sample
	// Count is how many samples of PCM the spans hold.
	Count int64
	Spans []isobmff.Span
	// Segment is the part of the Flow's time line that the object is registered
	// for.
	Segment mediatime.Range
}

// join appends o, which follows directly.
func (u *unit) join(o *unit) {
	u.end = max(u.end, o.end)
	u.bytes += o.bytes
	u.After = o.After
	u.segment.End = o.segment.End
	u.Samples = append(u.Samples, o.Samples...)
	spans := o.Spans
	if n := len(u.Spans); n > 0 && len(spans) > 0 && u.tail == spans[0].Offset && u.Spans[n-1].Description == spans[0].Description {
		u.Spans[n-1].Count += spans[0].Count
		spans = spans[1:]
	}
	u.Spans = append(u.Spans, spans...)
	u.tail = o.tail
	u.Count += o.Count
}

// source yields the units of one track, in decode order; nil after the last.
type source interface {
	next() (*unit, error)
}

// audioSource cuts AAC where the file does.
type audioSource struct {
	feed  *feedTrack
	state *trackState
	held  *isobmff.Sample
	index int64
	limit int // frames in a unit
}

// maxAudioRun bounds how long a stretch of one piece may get before it is cut.
const maxAudioRun = 64

func (a *audioSource) next() (*unit, error) {
	u := &unit{object: object{First: a.index}}
	for {
		s, ok, err := a.take()
		if err != nil {
			return nil, err
		}
		full := len(u.Samples) >= a.limit || (len(u.Samples) > 0 && (!ok || s.Offset != u.end))
		if full && ok {
			a.held = &s
		}
		if full || !ok {
			break
		}
		if len(u.Samples) == 0 {
			u.offset = s.Offset
		}
		u.Samples = append(u.Samples, s)
		u.end = s.End()
		u.bytes += int64(s.Size)
		u.After = s.PTS + int64(s.Duration)
		a.index++
	}
	if len(u.Samples) == 0 {
		return nil, nil //nolint:nilnil // nil is the end of the track
	}
	u.After = a.after(u.After)
	u.segment = mediatime.NewRange(a.state.Clock.at(u.Samples[0].PTS, u.First), a.state.edgeAt(u.After, a.index))
	return u, nil
}

// after returns where the unit ends: at the next frame, if there is one.
func (a *audioSource) after(ticks int64) int64 {
	if a.held != nil {
		return a.held.PTS
	}
	return ticks
}

func (a *audioSource) take() (isobmff.Sample, bool, error) {
	if a.held != nil {
		s := *a.held
		a.held = nil
		return s, true, nil
	}
	return a.feed.sample()
}

// edgeAt returns the time at which the grain of a display index starts, or
// would, were there one more.
func (s *trackState) edgeAt(ticks, index int64) mediatime.Time {
	return s.Clock.at(ticks, index)
}

// videoSource cuts H.264 at random access points, as seen in the bitstream.
type videoSource struct {
	feed    *feedTrack
	state   *trackState
	sizes   formats.Sizes
	isRAP   func(*isobmff.Sample) bool
	ahead   []isobmff.Sample
	ended   bool
	index   int64
	highest int64 // PTS handed out so far
	floor   int64 // PTS that no picture to come may be below
}

const (
	// reorderDepth is how many pictures may be decoded before one that is shown
	// before them: twice what H.264 allows (16 frames, annex A.3.1).
	reorderDepth = 32
	// splitFactor times the wanted size is where an object is cut inside a GOP.
	splitFactor = 4
)

func (v *videoSource) next() (*unit, error) {
	if err := v.fill(1); err != nil || len(v.ahead) == 0 {
		return nil, err
	}
	u := &unit{offset: math.MaxInt64, object: object{First: v.index}}
	for {
		v.take(u)
		if err := v.fill(reorderDepth + 1); err != nil {
			return nil, err
		}
		if len(v.ahead) == 0 || v.cutHere(u) {
			break
		}
	}
	lowest := int64(math.MaxInt64)
	for i := range u.Samples {
		lowest = min(lowest, u.Samples[i].PTS)
	}
	if lowest < v.floor && u.First > 0 && v.sizes.Grains != 1 {
		return nil, fault.Newf(fault.UnsupportedFile,
			"the pictures of track %d are reordered over more than %d places", v.state.Number, reorderDepth)
	}
	u.After = v.after(u)
	v.floor = v.highest + 1
	u.segment = mediatime.NewRange(v.state.Clock.at(lowest, u.First), v.state.edgeAt(u.After, v.index))
	if v.sizes.Grains == 1 {
		v.single(u)
	}
	return u, nil
}

// single gives a lone picture its own time: its place in display order is not
// its place in decode order.
func (v *videoSource) single(u *unit) {
	s := &u.Samples[0]
	place := int64(0)
	if v.state.Clock.constant() {
		rate := v.state.Clock.grainRate()
		place = mulDivRound(s.PTS-v.state.Clock.First, rate.Num, v.state.Clock.Timescale*rate.Den)
	}
	step := int64(s.Duration)
	if v.state.Clock.Step > 0 {
		step = v.state.Clock.Step
	}
	u.First, u.After = place, s.PTS+step
	u.segment = mediatime.NewRange(v.state.Clock.at(s.PTS, place), v.state.edgeAt(u.After, place+1))
}

func (v *videoSource) take(u *unit) {
	s := v.ahead[0]
	v.ahead = v.ahead[1:]
	u.Samples = append(u.Samples, s)
	u.offset, u.end = min(u.offset, s.Offset), max(u.end, s.End())
	u.bytes += int64(s.Size)
	if v.index == 0 {
		v.highest = s.PTS
	}
	v.highest = max(v.highest, s.PTS)
	v.index++
}

func (v *videoSource) fill(count int) error {
	for len(v.ahead) < count && !v.ended {
		s, ok, err := v.feed.sample()
		if err != nil {
			return err
		}
		if !ok {
			v.ended = true
			break
		}
		v.ahead = append(v.ahead, s)
	}
	return nil
}

// cutHere says whether an object may end before the next picture.
func (v *videoSource) cutHere(u *unit) bool {
	if v.sizes.Grains == 1 {
		return true
	}
	enough := u.bytes >= v.sizes.VideoObject
	capped := v.sizes.Grains > 0 && len(u.Samples) >= v.sizes.Grains
	if !enough && !capped {
		return false
	}
	for i := range v.ahead[:min(reorderDepth, len(v.ahead))] {
		if v.ahead[i].PTS <= v.highest {
			return false // display order crosses the cut
		}
	}
	if capped || u.bytes >= splitFactor*v.sizes.VideoObject {
		return true
	}
	next := &v.ahead[0]
	return next.Sync && v.isRAP(next)
}

// after returns the tick at which the first picture after the unit is displayed.
func (v *videoSource) after(u *unit) int64 {
	if len(v.ahead) == 0 {
		end := v.state.End
		for i := range u.Samples {
			end = max(end, u.Samples[i].PTS+int64(u.Samples[i].Duration))
		}
		return end
	}
	lowest := int64(math.MaxInt64)
	for i := range v.ahead[:min(reorderDepth, len(v.ahead))] {
		lowest = min(lowest, v.ahead[i].PTS)
	}
	return lowest
}
