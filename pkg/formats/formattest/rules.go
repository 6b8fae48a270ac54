package formattest

import (
	"bytes"
	"cmp"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// checkChunks holds a plan against media rule 17.
func checkChunks(t *testing.T, in *Input, chunks []*formats.Chunk) {
	t.Helper()
	require.NotEmpty(t, chunks, "a plan without chunks")
	ends := map[uuid.UUID]int64{}
	sum := int64(0)
	for i, c := range chunks {
		require.Equal(t, i, c.Number)
		require.NotEmpty(t, c.Tracks, "chunk %d", i)
		require.Less(t, c.Start, c.End, "chunk %d", i)
		require.GreaterOrEqual(t, c.Start, int64(0), "chunk %d", i)
		require.LessOrEqual(t, c.End, in.Size(), "chunk %d", i)
		sum += c.End - c.Start
		for _, track := range c.Tracks {
			require.GreaterOrEqual(t, c.Start, ends[track.Flow], "chunk %d overlaps one before it", i)
			ends[track.Flow] = c.End
			require.Positive(t, track.Objects, "chunk %d, track %d", i, track.Number)
		}
	}
	require.LessOrEqual(t, float64(sum), 1.02*float64(in.Size()), "bytes to fetch against the file's")
}

// checkChunkObjects holds what was read of a chunk against what the plan says of
// it, and each object against its index.
func checkChunkObjects(t *testing.T, c *formats.Chunk, objects []Object) {
	t.Helper()
	count := map[int]int{}
	covered := map[int]mediatime.Range{}
	for i := range objects {
		o := &objects[i]
		count[o.Track]++
		covered[o.Track] = covered[o.Track].Union(o.Segment)
		require.True(t, o.Segment.Bounded(), "segment %s", o.Segment)
		require.True(t, o.Range.Covers(o.Segment), "segment %s of an object that has %s", o.Segment, o.Range)
		checkObject(t, o)
	}
	for _, track := range c.Tracks {
		require.LessOrEqual(t, count[track.Number], track.Objects, "objects of chunk %d, track %d", c.Number, track.Number)
		require.Equal(t, track.Range, covered[track.Number], "time of chunk %d, track %d", c.Number, track.Number)
	}
}

// checkObject reads an object back as GSF and compares it with its index, as it is
// when it was packed.
func checkObject(t *testing.T, o *Object) {
	t.Helper()
	index, err := media.UnpackIndex(o.Index.Pack())
	require.NoError(t, err)
	require.Equal(t, o.Index, index)
	r, err := gsf.NewBytesReader(o.Bytes, gsf.Options{})
	require.NoError(t, err)
	var g gsf.Grain
	for i, e := range o.Index {
		require.NoError(t, r.Next(&g), "grain %d", i)
		require.Equal(t, e.Order, g.Origin, "grain %d", i)
		require.Equal(t, e.Offset, g.Pos.DataOffset, "grain %d", i)
		require.Equal(t, e.Size, g.Pos.DataSize, "grain %d", i)
		require.Positive(t, e.Duration, "grain %d", i)
	}
	require.Error(t, r.Next(&g), "more grains than the index has")
	for _, w := range r.Warnings() {
		require.Equal(t, gsf.WarnFarSync, w.Code, "%s", w) // as the source had it
	}
}

// grain is one grain of a track, wherever it is stored.
type grain struct {
	media.Grain
	data []byte
}

// grains returns those of all objects of a track, in order.
func grains(objects []Object) []grain {
	var out []grain
	for i := range objects {
		for n := range objects[i].Index {
			out = append(out, grain{objects[i].Index[n].Grain, objects[i].Data(n)})
		}
	}
	return out
}

func payload(list []grain) []byte {
	parts := make([][]byte, len(list))
	for i := range list {
		parts[i] = list[i].data
	}
	return bytes.Join(parts, nil)
}

// checkSegments checks that the segments of a track follow one another, in the order
// of their times, and cover what they should.
func checkSegments(t *testing.T, objects []Object, want mediatime.Range, gaps bool) {
	t.Helper()
	if want.IsEmpty() {
		require.Empty(t, objects)
		return
	}
	require.NotEmpty(t, objects)
	objects = slices.SortedFunc(slices.Values(objects), func(a, b Object) int { return cmp.Compare(a.Segment.Start, b.Segment.Start) })
	end := objects[0].Segment.Start
	require.Equal(t, want.Start, end, "start of the first segment")
	for i := range objects {
		start := objects[i].Segment.Start
		if gaps {
			require.GreaterOrEqual(t, start, end, "segment %d overlaps the one before it", i)
		} else {
			require.Equal(t, end, start, "segment %d does not follow the one before it", i)
		}
		end = objects[i].Segment.End
	}
	require.Equal(t, want.End, end, "end of the last segment")
}

// checkTimes holds the grains of a track against media rules 1 and 7.
func checkTimes(t *testing.T, list []grain, rate mediatime.Rate, track *Track, shift mediatime.Time) {
	t.Helper()
	for i := range list {
		g := &list[i]
		if i > 0 {
			require.Greater(t, g.Order, list[i-1].Order, "grain %d: order only grows", i)
		}
		if track.OwnTimes || rate.IsZero() {
			continue
		}
		at := g.PTS - shift - track.Origin
		n := rate.Index(at)
		require.Equal(t, rate.Offset(n), at, "grain %d starts at no whole number of grains after the origin", i)
		require.LessOrEqual(t, g.Duration, rate.Duration(n), "grain %d", i)
	}
	shown := slices.Clone(list)
	slices.SortFunc(shown, func(a, b grain) int { return cmp.Compare(a.PTS, b.PTS) })
	for i := 1; i < len(shown) && !track.Gaps; i++ {
		require.Equal(t, shown[i].PTS, shown[i-1].End(), "displayed grain %d does not follow the one before it", i)
	}
}
