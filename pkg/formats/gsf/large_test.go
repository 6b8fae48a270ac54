package gsf_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/formattest"
	gsfformat "github.com/grainmesh/grainmesh/pkg/formats/gsf"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// long are files that are longer than Probe walks, in grains so small that Plan
// jumps from border to border.
func long() []formattest.File {
	big := func(grains []gsf.Grain, size int) []gsf.Grain {
		for i := range grains {
			grains[i].Data = essence(size, i)
		}
		return grains
	}
	audio := file(big(sound(1, 1, 800), 6000)...)
	mixed := file(woven(big(film(1, 1, "I2B0B1P5B3B4", 140), 4000), big(sound(2, 2, 840), 1200))...)
	return []formattest.File{
		audio.test("long audio", audio.track(1, 1)),
		mixed.test("long film with sound", mixed.track(1, 1), mixed.track(2, 2)),
	}
}

// frames is a file of raw pictures that is made as it is read: only headers are not
// zero.
type frames struct {
	header []byte
	first  gsf.Grain
	count  int64
	size   int64 // of essence
	whole  int64 // of a grain
}

func newFrames(t testing.TB, count, size int64) *frames {
	t.Helper()
	s := file(pictures(1, 1, 1)...)
	s.header.Segments[0].Count = count
	header, err := gsf.AppendHeader(nil, &s.header)
	require.NoError(t, err)
	f := &frames{header: header, first: s.grains[0], count: count, size: size}
	f.whole = int64(gsf.GrainOverhead(gsf.Major9, &f.first)) + size
	return f
}

func (f *frames) input() *formattest.Input {
	return formattest.NewInputAt(f, int64(len(f.header))+f.count*f.whole+8)
}

// part copies what of b lies at off into p, which starts at at.
func part(p []byte, at int64, b []byte, off int64) {
	if off >= at {
		if off-at < int64(len(p)) {
			copy(p[off-at:], b)
		}
		return
	}
	if at-off < int64(len(b)) {
		copy(p, b[at-off:])
	}
}

func (f *frames) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	part(p, off, f.header, 0)
	rate := rate(30000, 1001)
	first := rate.Index(f.first.Origin)
	begin := max(0, (off-int64(len(f.header)))/f.whole)
	for n := begin; n <= f.count; n++ {
		at := int64(len(f.header)) + n*f.whole
		if at >= off+int64(len(p)) {
			break
		}
		if n == f.count {
			part(p, off, gsf.AppendTerminator(nil), at)
			break
		}
		g := f.first
		g.Origin = rate.Offset(first + n)
		b, err := gsf.AppendGrainHeader(nil, gsf.Major9, &g, int(f.size))
		if err != nil {
			return 0, err
		}
		part(p, off, b, at)
	}
	return len(p), nil
}

// An hour of raw HD, 0.9 TB, is analysed within a megabyte, and planned by its
// headers alone.
func TestHourOfRawVideo(t *testing.T) {
	t.Parallel()
	const count, size = 107892, 8294400
	f := newFrames(t, count, size)
	in := f.input()
	a, err := gsfformat.Format{}.Probe(t.Context(), in)
	require.NoError(t, err)
	require.Less(t, in.BytesRead(), int64(1<<20))
	require.Equal(t, int64(count), a.Tracks[0].Grains)
	rate := rate(30000, 1001)
	first := rate.Index(f.first.Origin)
	require.InDelta(t, int64(rate.Offset(first+count)), int64(a.Tracks[0].Range.End), 1, "by its count")

	before := in.BytesRead()
	var chunks []*formats.Chunk
	req := &formats.PlanRequest{
		Analysis: a, Flows: map[int]*media.Flow{1: a.Tracks[0].Flow}, Sizes: formats.DefaultSizes(),
		Range: mediatime.NewRange(f.first.Origin+100*mediatime.Second, f.first.Origin+200*mediatime.Second),
	}
	err = gsfformat.Format{}.Plan(t.Context(), in, req, func(c *formats.Chunk) error {
		chunks = append(chunks, c)
		return nil
	})
	require.NoError(t, err)
	require.Less(t, in.BytesRead()-before, int64(2*1024*count), "bytes read by Plan")
	var covered mediatime.Range
	for _, c := range chunks {
		require.LessOrEqual(t, c.End-c.Start, int64(1<<30))
		require.GreaterOrEqual(t, c.End-c.Start, int64(497_000_000), "two seconds")
		require.LessOrEqual(t, c.Tracks[0].Objects, 22, "three pictures to an object")
		covered = covered.Union(c.Tracks[0].Range)
	}
	require.Equal(t, req.Range, covered)
}

// Where the grains of one segment stand behind all those of another, Probe sees
// neither the end of the first nor the start of the second, and Plan both.
func TestOneSegmentAfterTheOther(t *testing.T) {
	t.Parallel()
	grains := slices.Concat(film(1, 1, "I0P3B1B2", 300), sound(2, 2, 1200))
	for i := range grains {
		grains[i].Data = essence(3000, i)
	}
	s := file(grains...)
	in := formattest.NewInput(s.bytes(t))
	a, err := gsfformat.Format{}.Probe(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, a.Tracks, 2)
	require.Equal(t, start, a.Tracks[0].Range.Start)
	require.False(t, a.Tracks[1].Range.HasStart())

	flows := map[int]*media.Flow{1: a.Tracks[0].Flow, 2: a.Tracks[1].Flow}
	sizes := formats.DefaultSizes()
	sizes.ChunkBytes, sizes.ChunkDuration = 2<<20, 1
	req := &formats.PlanRequest{Analysis: a, Flows: flows, Range: mediatime.Eternity, Sizes: sizes}
	payload, ends := map[int][]byte{}, map[int]mediatime.Time{1: start, 2: start}
	err = gsfformat.Format{}.Plan(t.Context(), in, req, func(c *formats.Chunk) error {
		sink := formattest.NewCollector(flows)
		require.NoError(t, gsfformat.Format{}.Read(t.Context(), in, &formats.ReadRequest{Chunk: c, Flows: flows}, sink))
		objects, err := sink.Objects()
		for i := range objects {
			o := &objects[i]
			require.Equal(t, ends[o.Track], o.Segment.Start)
			ends[o.Track] = o.Segment.End
			for n := range o.Index {
				payload[o.Track] = append(payload[o.Track], o.Data(n)...)
			}
		}
		return err
	})
	require.NoError(t, err)
	require.Equal(t, s.track(1, 1).Payload, payload[1])
	require.Equal(t, s.track(2, 2).Payload, payload[2])
	require.Equal(t, map[int]mediatime.Time{1: s.track(1, 1).Range.End, 2: s.track(2, 2).Range.End}, ends)
}
