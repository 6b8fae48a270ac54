package formattest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// ranges takes parts of the file's time.
func (x *fileTest) ranges(t *testing.T) {
	var all mediatime.Range
	for i := range x.file.Tracks {
		all = all.Union(x.file.Tracks[i].Range)
	}
	third := all.Length() / 3
	for _, r := range []mediatime.Range{
		mediatime.Until(all.Start + third),
		mediatime.NewRange(all.Start+third, all.Start+2*third),
		mediatime.From(all.End - third),
		mediatime.NewRange(all.Start+third, all.Start+third+1),
		mediatime.NewRange(all.Start-mediatime.Second, all.End+mediatime.Second),
	} {
		for _, small := range []bool{false, true} {
			x.rangeOf(t, r, small)
		}
	}
	for _, r := range []mediatime.Range{
		mediatime.Until(all.Start), mediatime.From(all.End), mediatime.From(mediatime.Max), mediatime.Until(mediatime.Min),
	} {
		req := request(x.analysis)
		req.Range = r
		_, err := x.plan(t.Context(), x.in, req)
		requireFault(t, err, fault.NoEssence, r.String())
	}
}

// anything says whether a grain of the file is shown within a range.
func (x *fileTest) anything(wanted mediatime.Range) bool {
	for i := range x.file.Tracks {
		track := &x.file.Tracks[i]
		for _, g := range grains(x.full.of(track.Number)) {
			if g.Range().Intersect(track.Range).Overlaps(wanted) {
				return true
			}
		}
	}
	return false
}

// rangeOf takes one part: all grains that are shown in it must be there, be those
// of the whole file, and be presented for exactly that time.
func (x *fileTest) rangeOf(t *testing.T, wanted mediatime.Range, small bool) {
	req := request(x.analysis)
	req.Shift = 17 * mediatime.Second
	req.Range = wanted.Shift(req.Shift)
	if small {
		req.Sizes = smallSizes()
	}
	if !x.anything(wanted) {
		// A segment may go on through a gap in which nothing is shown.
		if _, err := x.plan(t.Context(), x.in, req); err != nil {
			requireFault(t, err, fault.NoEssence)
		}
		return
	}
	r := x.run(t, x.in, req)
	for i := range x.file.Tracks {
		track := &x.file.Tracks[i]
		if track.Skipped != "" {
			continue
		}
		objects := r.of(track.Number)
		list := grains(objects)
		if track.Gaps {
			for n := range objects {
				require.True(t, req.Range.Covers(objects[n].Segment), "segment %s of range %s", objects[n].Segment, req.Range)
			}
		} else {
			checkSegments(t, objects, track.Range.Intersect(wanted).Shift(req.Shift), false)
		}
		found := map[mediatime.Time]*grain{}
		for n := range list {
			found[list[n].PTS-req.Shift] = &list[n]
		}
		whole := grains(x.full.of(track.Number))
		taken := 0
		for n := range whole {
			g := found[whole[n].PTS]
			if g != nil {
				taken++
				require.Equal(t, whole[n].data, g.data, "grain at %s of track %d", whole[n].PTS, track.Number)
			}
			if whole[n].Range().Intersect(track.Range).Overlaps(wanted) {
				require.NotNil(t, g, "grain at %s of track %d is not there for range %s", whole[n].PTS, track.Number, wanted)
			}
		}
		require.Equal(t, len(list), taken, "grains of track %d that the whole file does not have", track.Number)
	}
}
