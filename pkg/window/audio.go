package window

import (
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Cut is a window of audio, exact to the sample.
type Cut struct {
	Selection
	// Skip is how many samples at the start of the selected grains come before the
	// window, with those of grains that only help decoding.
	Skip int64
	// Samples is the length of the window.
	Samples int64
}

// Prerolls for Audio.
const (
	PrerollPCM   = 0
	PrerollAAC   = 1
	PrerollHEAAC = 2
)

// Audio chooses the grains that cover want, with up to preroll grains before
// them. Bounds are moved to the nearest sample. Where wanted grains leave a hole, the
// one before it counts as longer, see FrameTicks; holes in what nobody hears do not
// count. It returns ErrEmpty where none covers the range.
func Audio(index media.Index, want mediatime.Range, sampleRate int64, preroll int) (Cut, error) {
	first, last := -1, -1
	for i := range index {
		if g := &index[i].Grain; g.PTS < want.End-snapDistance && g.End() > want.Start+snapDistance {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first < 0 {
		return Cut{}, fmt.Errorf("range %s: %w", want, ErrEmpty)
	}
	want = want.Intersect(mediatime.NewRange(index[first].PTS, index[last].End()))
	begin := max(0, first-preroll)
	c := Cut{Selection: Selection{Present: want, Wanted: last - first + 1}}
	total := int64(0)
	for i := begin; i <= last; i++ {
		c.Grains = append(c.Grains, i)
		c.Carried = c.Carried.Union(index[i].Range())
		length := int64(index[i].Samples)
		if first <= i && i < last {
			length = FrameTicks(index, i, sampleRate)
		}
		if i < first {
			c.Skip += length
		}
		total += length
	}
	c.Skip += mediatime.Ticks(want.Start-index[first].PTS, sampleRate)
	over := int64(index[last].Samples) - mediatime.Ticks(want.End-index[last].PTS, sampleRate)
	// The end of a Flow may lie within its last frame.
	over = max(over, int64(index[last].Remainder))
	c.Samples = total - c.Skip - over
	if c.Samples <= 0 {
		return Cut{}, fmt.Errorf("range %s is shorter than a sample: %w", want, ErrEmpty)
	}
	return c, nil
}

// FrameTicks returns how many samples lie between the start of a grain and that of
// the next: its own, and those of a hole that follows it. Files of coded audio have
// holes as longer durations; ffmpeg writes one after the priming of fragmented files.
func FrameTicks(index media.Index, i int, sampleRate int64) int64 {
	own := int64(index[i].Samples)
	if i+1 == len(index) {
		return own
	}
	hole := index[i+1].PTS - index[i].End()
	if hole <= index[i].Duration/2 {
		return own // times of frames may be coarse
	}
	return mediatime.Ticks(index[i+1].PTS-index[i].PTS, sampleRate)
}
