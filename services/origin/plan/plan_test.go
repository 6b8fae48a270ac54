package plan_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/origin/plan"
)

func limits() plan.Limits {
	return plan.Limits{Min: 4 * mediatime.Second, Max: 12 * mediatime.Second}
}

// stored is a stored segment of pictures.
type stored struct {
	r       mediatime.Range
	entries []media.Entry
}

// drawVideo makes stored segments of whole groups of pictures, with gaps between
// some of them.
func drawVideo(t *rapid.T) (mediatime.Rate, []stored) {
	rate := rapid.SampledFrom([]mediatime.Rate{{Num: 25, Den: 1}, {Num: 24000, Den: 1001}, {Num: 60000, Den: 1001}, {Num: 24, Den: 1}}).Draw(t, "rate")
	at := rapid.Int64Range(0, 1e6).Draw(t, "first")
	var out []stored
	for range rapid.IntRange(1, 8).Draw(t, "segments") {
		if rapid.IntRange(0, 4).Draw(t, "gap") == 0 {
			at += rapid.Int64Range(1, 2000).Draw(t, "missing")
		}
		s := stored{}
		start := at
		for range rapid.IntRange(1, 6).Draw(t, "groups") {
			open := rapid.Bool().Draw(t, "open")
			for n := range rapid.IntRange(1, 400).Draw(t, "pictures") {
				e := media.Entry{Size: rapid.Int64Range(1, 50_000).Draw(t, "size")}
				e.PTS, e.Order, e.Duration = rate.Offset(at), rate.Offset(at), rate.Duration(at)
				if n == 0 {
					e.Access = media.Clean
				}
				e.Leading = open && n == 1
				s.entries = append(s.entries, e)
				at++
			}
		}
		s.r = mediatime.NewRange(rate.Offset(start), rate.Offset(at))
		out = append(out, s)
	}
	return rate, out
}

func planVideo(segments []stored, after func(*plan.Video)) *plan.Video {
	v := plan.NewVideo(segments[0].r.Start, limits())
	for _, s := range segments {
		v.Segment(s.r)
		for i := range s.entries {
			v.Picture(&s.entries[i])
		}
		after(v)
	}
	v.Finish()
	return v
}

func TestCellsTileTheTimeLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, segments := drawVideo(t)
		var seen []plan.Cell
		v := planVideo(segments, func(v *plan.Video) {
			require.True(t, slices.Equal(seen, v.Grid()[:len(seen)]), "what was listed has changed")
			seen = slices.Clone(v.Grid())
		})
		grid := v.Grid()
		require.Equal(t, segments[0].r.Start, grid[0].Start)
		require.Equal(t, segments[len(segments)-1].r.End, grid[len(grid)-1].End)
		var bytes, want int64
		for i, c := range grid {
			if i > 0 {
				require.Equal(t, grid[i-1].End, c.Start)
			}
			require.Positive(t, c.Length())
			require.LessOrEqual(t, c.Length(), limits().Max)
			if !c.Last {
				require.GreaterOrEqual(t, c.Length(), min(limits().Min, shortestAllowed(segments, c)), "cell %d of %v", i, grid)
			}
			bytes += c.Bytes
		}
		for _, s := range segments {
			for i := range s.entries {
				want += s.entries[i].Size
			}
		}
		require.Equal(t, want, bytes, "every picture is in one cell")
	})
}

// shortestAllowed is how short a cell may be that was cut early, because the group
// of pictures after it would have made it too long.
func shortestAllowed(segments []stored, c plan.Cell) mediatime.Time {
	for _, s := range segments {
		for i := range s.entries {
			if e := &s.entries[i]; e.Access != media.NotRandom && e.Order == c.End {
				return c.Length()
			}
		}
	}
	return limits().Min
}

func TestCellsBeginAtRandomAccessPoints(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		_, segments := drawVideo(t)
		points := map[mediatime.Time]media.Entry{}
		for _, s := range segments {
			for _, e := range s.entries {
				points[e.Order] = e
			}
		}
		grid := planVideo(segments, func(*plan.Video) {}).Grid()
		for i, c := range grid {
			if c.Gap {
				continue
			}
			if first := points[c.Start]; first.Access == media.NotRandom {
				require.True(t, c.Dependent)
				require.Greater(t, grid[i-1].Length()+first.Duration, limits().Max, "cut inside a group that is not too long")
			}
		}
	})
}

func TestLeadingPicturesMakeACellDependent(t *testing.T) {
	t.Parallel()
	rate := mediatime.NewRate(25, 1)
	var s stored
	for n := range int64(300) {
		e := media.Entry{Grain: media.Grain{PTS: rate.Offset(n), Order: rate.Offset(n), Duration: rate.Duration(n)}, Size: 1}
		if n%100 == 0 {
			e.Access = media.Clean
		}
		e.Leading = n == 101
		s.entries = append(s.entries, e)
	}
	s.r = mediatime.NewRange(0, rate.Offset(300))
	grid := planVideo([]stored{s}, func(*plan.Video) {}).Grid()
	require.Equal(t, []bool{false, true, false}, []bool{grid[0].Dependent, grid[1].Dependent, grid[2].Dependent})
}

func TestAChangedSampleEntryEndsACell(t *testing.T) {
	t.Parallel()
	rate := mediatime.NewRate(25, 1)
	var s stored
	for n := range int64(100) {
		e := media.Entry{Grain: media.Grain{PTS: rate.Offset(n), Order: rate.Offset(n), Duration: rate.Duration(n), Access: media.Clean}}
		if n >= 30 {
			e.Config = 1
		}
		s.entries = append(s.entries, e)
	}
	s.r = mediatime.NewRange(0, rate.Offset(100))
	grid := planVideo([]stored{s}, func(*plan.Video) {}).Grid()
	require.Len(t, grid, 2)
	require.Equal(t, rate.Offset(30), grid[0].End)
	require.Equal(t, []uint16{0, 1}, []uint16{grid[0].Config, grid[1].Config})
}

func drawGrid(t *rapid.T) []plan.Cell {
	var grid []plan.Cell
	at := mediatime.Time(0)
	for range rapid.IntRange(1, 12).Draw(t, "cells") {
		end := at + mediatime.Time(rapid.Int64Range(int64(100*mediatime.Millisecond), int64(12*mediatime.Second)).Draw(t, "length"))
		grid = append(grid, plan.Cell{Start: at, End: end})
		at = end
	}
	return grid
}

func TestCodedAudioIsCutAtTheNearestFrame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		grid := drawGrid(t)
		clock := plan.NewClock(rapid.SampledFrom([]int64{48000, 44100}).Draw(t, "rate"), 0, 0)
		a := plan.NewAudio(clock, 0, false)
		at := rapid.Int64Range(-2000, 0).Draw(t, "first")
		var frames []plan.Frame
		for end := clock.At(grid[len(grid)-1].End); at < end; at += 1024 {
			frames = append(frames, plan.Frame{Start: at, End: at + 1024, Bytes: 1})
		}
		// The grid becomes known little by little.
		for n, taken := 0, 0; n < len(grid); n++ {
			a.Extend(grid[:n+1], n == len(grid)-1)
			for taken < len(frames) && a.Frame(frames[taken]) {
				taken++
			}
		}
		a.Finish()
		spans := a.Spans()
		require.Len(t, spans, len(grid))
		require.Zero(t, spans[0].Start)
		require.Equal(t, frames[len(frames)-1].End, spans[len(spans)-1].End)
		for i, s := range spans[:len(spans)-1] {
			require.Equal(t, s.End, spans[i+1].Start)
			require.Zero(t, (s.End-frames[0].Start)%1024, "cut at a frame border")
			off := s.End - clock.At(grid[i].End)
			require.LessOrEqual(t, max(off, -off), int64(512), "cut at the nearest one")
		}
	})
}

func TestRawAudioIsCutAtTheSample(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		grid := drawGrid(t)
		clock := plan.NewClock(48000, 0, 0)
		a := plan.NewAudio(clock, 0, true)
		end := clock.At(grid[len(grid)-1].End)
		taken := int64(0)
		for n := range grid {
			a.Extend(grid[:n+1], n == len(grid)-1)
			for taken < end {
				next := min(taken+1920, end)
				if !a.Frame(plan.Frame{Start: taken, End: next, Bytes: next - taken}) {
					break
				}
				taken = next
			}
		}
		a.Finish()
		require.Len(t, a.Spans(), len(grid))
		for i, s := range a.Spans() {
			require.Equal(t, clock.At(grid[i].Start), s.Start)
			require.Equal(t, clock.At(grid[i].End), s.End)
			require.Equal(t, s.End-s.Start, s.Bytes)
		}
	})
}

func TestMissingAudioLeavesEmptySpans(t *testing.T) {
	t.Parallel()
	grid := plan.Uniform(nil, 0, 40*mediatime.Second, limits())
	clock := plan.NewClock(48000, 0, 0)
	a := plan.NewAudio(clock, 0, false)
	a.Extend(grid, true)
	for at := int64(0); at < 40*48000; at += 1000 {
		if at < 6*48000 || at >= 22*48000 {
			require.True(t, a.Frame(plan.Frame{Start: at, End: at + 1000}))
		}
	}
	a.Finish()
	var empty []int
	for i, s := range a.Spans() {
		if s.Empty {
			empty = append(empty, i)
		}
		require.Equal(t, clock.At(grid[i].Start), s.Start)
	}
	require.Equal(t, []int{2, 3, 4}, empty)
}

func TestUniformCellsGoOnAfterTheGrid(t *testing.T) {
	t.Parallel()
	grid := plan.Uniform([]plan.Cell{{Start: 0, End: 5 * mediatime.Second}}, 0, 14*mediatime.Second, limits())
	require.Len(t, grid, 4)
	require.Equal(t, 17*mediatime.Second, grid[3].End)
}
