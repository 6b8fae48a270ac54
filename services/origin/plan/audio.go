package plan

import "math"

// Frame is one grain of audio on its rendition's clock.
type Frame struct {
	Start, End int64
	Bytes      int64
	Config     uint16
}

// Audio cuts a rendition of audio along a grid that another made.
type Audio struct {
	clock Clock
	// divisible says that frames may be cut inside, as raw audio may.
	divisible bool
	grid      []Cell
	spans     []Span
	open      Span // of cell len(spans)
	end       int64
	final     bool // the grid is whole
}

// NewAudio makes a planner. Divisible is for raw audio, whose grains are cut at any
// sample. Start is the tick of the grid's start.
func NewAudio(clock Clock, start int64, divisible bool) *Audio {
	return &Audio{clock: clock, divisible: divisible, open: Span{Start: start, Empty: true}, end: start}
}

// Spans returns the segments that are settled. It only grows.
func (a *Audio) Spans() []Span { return a.spans }

// End returns the end of the last frame.
func (a *Audio) End() int64 { return a.end }

// Extend tells of the grid so far: the cells that were told before, and more. Once
// it is final, its last cell takes what goes beyond it.
func (a *Audio) Extend(grid []Cell, final bool) { a.grid, a.final = grid, final }

// Wants says whether frames are needed to settle another segment.
func (a *Audio) Wants() bool { return len(a.spans) < len(a.grid) }

// Frame takes the next frame, and says whether all of it was taken: if not, it is
// to be given again when the grid has grown. What ends before the grid starts, and
// what mostly repeats the frame before it, is left out.
func (a *Audio) Frame(f Frame) bool {
	if a.divisible {
		f = f.from(a.end)
	}
	if f.End <= a.end || (f.Start+(f.End-f.Start)/2 < a.end && a.started()) {
		return true
	}
	for a.Wants() {
		border := a.border()
		if a.divisible && f.Start < border && border < f.End {
			f = a.split(f, border)
			continue
		}
		if f.Start+(f.End-f.Start)/2 < border {
			a.take(f)
			return true
		}
		a.close(min(max(border, a.end), max(f.Start, a.end)))
	}
	return false
}

// started says that some frame was taken.
func (a *Audio) started() bool { return len(a.spans) > 0 || !a.open.Empty }

// from returns the part of a frame of raw audio from a tick on.
func (f Frame) from(at int64) Frame {
	if f.Start < at && at < f.End {
		f.Bytes = f.Bytes * (f.End - at) / (f.End - f.Start)
		f.Start = at
	}
	return f
}

// border returns the tick at which the open cell ends.
func (a *Audio) border() int64 {
	n := len(a.spans)
	if a.final && n == len(a.grid)-1 {
		return math.MaxInt64
	}
	return a.clock.At(a.grid[n].End)
}

// split takes the part of a frame before the border and returns the rest.
func (a *Audio) split(f Frame, border int64) Frame {
	head := f
	head.End = border
	head.Bytes = f.Bytes * (border - f.Start) / (f.End - f.Start)
	a.take(head)
	f.Start, f.Bytes = border, f.Bytes-head.Bytes
	return f
}

func (a *Audio) take(f Frame) {
	if a.open.Empty {
		a.open.Empty, a.open.Config = false, f.Config
	}
	a.open.Bytes += f.Bytes
	a.end = max(a.end, f.End)
}

// close settles the open segment at a tick and opens the next there.
func (a *Audio) close(at int64) {
	a.open.End = at
	a.spans = append(a.spans, a.open)
	a.open = Span{Start: at, Empty: true}
}

// Finish settles what is left when no more frames come. What the grid holds beyond
// the last frame is no part of the rendition.
func (a *Audio) Finish() {
	if !a.open.Empty && a.Wants() {
		a.close(max(a.end, a.open.Start))
	}
	for n := len(a.spans); n > 0 && a.spans[n-1].Empty; n-- {
		a.spans = a.spans[:n-1]
	}
}
