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
// them. Bounds are moved to the nearest sample. Grains must follow one another.
// It returns ErrEmpty where none covers the range.
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
		if i < first {
			c.Skip += int64(index[i].Samples)
		}
		total += int64(index[i].Samples)
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
