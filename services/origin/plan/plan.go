package plan

import (
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Limits are how long segments get.
type Limits struct {
	// Min is the least length of a segment but the last.
	Min mediatime.Time
	// Max is the most. A group of pictures that is longer is cut inside.
	Max mediatime.Time
}

// Validate says what is wrong with the limits.
func (l Limits) Validate() error {
	if l.Min <= 0 || l.Max < l.Min {
		return fmt.Errorf("segments of %d to %d ns, want 0 < least <= most", l.Min, l.Max)
	}
	return nil
}

// Cell is the part of the time line that one segment of each rendition covers.
type Cell struct {
	Start, End mediatime.Time
	// Last says that nothing of the video follows on it: the end, or a gap.
	Last bool
	// Gap says that the video has nothing here.
	Gap bool
	// Dependent says that a picture of it may refer to one of the cell before.
	Dependent bool
	// Bytes and Config are those of the video in it.
	Bytes  int64
	Config uint16
}

// Length returns End - Start.
func (c *Cell) Length() mediatime.Time { return c.End - c.Start }

// Uniform appends cells of Limits.Min from the end of the grid, or from start if it
// is empty, until they reach to.
func Uniform(grid []Cell, start, to mediatime.Time, limits Limits) []Cell {
	if n := len(grid); n > 0 {
		start = grid[n-1].End
	}
	for start < to {
		end := start + limits.Min
		grid = append(grid, Cell{Start: start, End: end, Gap: true, Last: true})
		start = end
	}
	return grid
}

// Span is one segment of one rendition, in ticks of its clock.
type Span struct {
	Start, End int64
	Bytes      int64
	// Config is the sample entry of its grains, by position in the Flow.
	Config uint16
	// Empty says that there is nothing in it.
	Empty bool
}

// Clock turns times of a Flow into ticks of a rendition.
type Clock struct {
	// Scale is ticks per second.
	Scale int64
	// Origin is a time of the Flow that is exact in ticks, and Base its tick.
	Origin mediatime.Time
	Base   int64
}

// NewClock makes a clock whose tick 0 is at zero, and which is exact for the grains
// of a Flow that has one at origin.
func NewClock(scale int64, zero, origin mediatime.Time) Clock {
	return Clock{Scale: scale, Origin: origin, Base: mediatime.Ticks(origin-zero, scale)}
}

// At returns the tick of a time.
func (c Clock) At(t mediatime.Time) int64 {
	return c.Base + mediatime.Ticks(t-c.Origin, c.Scale)
}

// Shift returns the clock that shows n ticks more.
func (c Clock) Shift(n int64) Clock {
	c.Base += n
	return c
}

// Time returns how long so many ticks are.
func (c Clock) Time(ticks int64) mediatime.Time { return mediatime.Rescale(ticks, c.Scale) }
