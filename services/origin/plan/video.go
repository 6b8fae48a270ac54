package plan

import (
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Video makes the grid from the pictures of a Flow. It is told of stored segments
// in order ([Video.Segment]) and of the pictures of each in decode order
// ([Video.Picture]).
type Video struct {
	limits Limits
	grid   []Cell

	started bool
	open    Cell           // what is being filled; End is not known yet
	rap     *mark          // the last point within it where it may be cut
	end     mediatime.Time // of the stored segments so far
}

// mark is a random access point within the open cell, and what stood before it.
type mark struct {
	at        mediatime.Time
	bytes     int64 // of the cell before it
	dependent bool  // of the cell before it
	access    media.RandomAccess
}

// NewVideo makes a planner for a Flow whose first presented picture is at start.
func NewVideo(start mediatime.Time, limits Limits) *Video {
	return &Video{limits: limits, open: Cell{Start: start}, end: start}
}

// Grid returns the cells that are settled. It only grows.
func (v *Video) Grid() []Cell { return v.grid }

// End returns the end of the last stored segment.
func (v *Video) End() mediatime.Time { return v.end }

// Segment begins a stored segment. One that begins after the end of the last leaves
// a gap.
func (v *Video) Segment(r mediatime.Range) {
	if r.Start > v.end {
		v.finishOpen()
		v.gap(r.Start)
		v.open = Cell{Start: r.Start}
		v.started = false
	}
	v.end = max(v.end, r.End)
}

// Picture takes the next picture of the stored segment, with its times on the
// Flow's time line.
func (v *Video) Picture(e *media.Entry) {
	at := e.Order
	switch {
	case at >= v.end:
		// Stored with those of the segment, and no part of it.
		v.open.Bytes += e.Size
		return
	case !v.started:
		v.started = true
		v.open.Config, v.open.Dependent = e.Config, e.Access != media.Clean
	case at <= v.open.Start:
		// Pre-roll of the first cell.
		v.open.Config = e.Config
	case e.Config != v.open.Config:
		v.cut(at, e)
	default:
		v.consider(at, e)
	}
	v.open.Bytes += e.Size
	v.open.Dependent = v.open.Dependent || e.Leading
}

// consider cuts the open cell before the picture, or earlier, if it is time to.
func (v *Video) consider(at mediatime.Time, e *media.Entry) {
	if at+e.Duration-v.open.Start > v.limits.Max && v.rap != nil {
		v.cutAtMark()
	}
	switch rap := e.Access != media.NotRandom; {
	case at+e.Duration-v.open.Start > v.limits.Max, rap && at-v.open.Start >= v.limits.Min:
		v.cut(at, e)
	case rap:
		v.rap = &mark{at, v.open.Bytes, v.open.Dependent, e.Access}
	}
}

// cut ends the open cell and begins the next with the picture.
func (v *Video) cut(at mediatime.Time, e *media.Entry) {
	v.open.End = at
	v.emit()
	v.open = Cell{Start: at, Config: e.Config, Dependent: e.Access != media.Clean}
}

// cutAtMark ends the open cell at the last random access point within it.
func (v *Video) cutAtMark() {
	m, whole := v.rap, v.open
	v.open.End, v.open.Bytes, v.open.Dependent = m.at, m.bytes, m.dependent
	v.emit()
	v.open = Cell{
		Start: m.at, Config: whole.Config, Bytes: whole.Bytes - m.bytes,
		Dependent: m.access != media.Clean || (whole.Dependent && !m.dependent),
	}
}

func (v *Video) emit() {
	v.grid = append(v.grid, v.open)
	v.rap = nil
}

// Finish settles the last cell. Nothing can be added after it.
func (v *Video) Finish() {
	v.finishOpen()
	v.started = false
	v.open = Cell{Start: v.end}
}

// finishOpen ends the open cell where the stored segments end.
func (v *Video) finishOpen() {
	if !v.started || v.end <= v.open.Start {
		return
	}
	v.open.End, v.open.Last = v.end, true
	v.emit()
}

// gap appends empty cells up to a time.
func (v *Video) gap(to mediatime.Time) {
	for v.end < to {
		end := min(to, v.end+v.limits.Max)
		v.grid = append(v.grid, Cell{Start: v.end, End: end, Gap: true, Last: true})
		v.end = end
	}
}

// Spans returns the video's own segments of the grid from its cell first on.
func Spans(grid []Cell, clock Clock) []Span {
	out := make([]Span, len(grid))
	for i := range grid {
		c := &grid[i]
		out[i] = Span{Start: clock.At(c.Start), End: clock.At(c.End), Bytes: c.Bytes, Config: c.Config, Empty: c.Gap}
	}
	return out
}
