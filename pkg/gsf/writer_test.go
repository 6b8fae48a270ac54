package gsf_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
)

// newHeader is a header as for a stream of two segments.
func newHeader() *gsf.Header {
	return &gsf.Header{
		ID: id(fileIDText), Created: time.Date(2024, 2, 29, 23, 59, 58, 0, time.UTC),
		Segments: []gsf.Segment{
			{
				LocalID: 1, ID: id(segIDText), Count: gsf.CountUnknown, Tags: []gsf.Tag{{"k", "v"}},
				Flow: &gsf.FlowBlock{SourceID: id(sourceIDText), FlowID: id(flowIDText), Format: "f", Document: []byte("{}")},
			},
			{LocalID: 2, ID: id(segIDText), Count: gsf.CountUnknown},
		},
	}
}

// writeAll writes three grains, the last one large, and closes.
func writeAll(t *testing.T, out io.Writer, h *gsf.Header) []gsf.Position {
	t.Helper()
	w, err := gsf.NewWriter(out, h)
	require.NoError(t, err)
	var positions []gsf.Position
	for i, data := range [][]byte{[]byte("abcd"), nil, bytes.Repeat([]byte{7}, 200_000)} {
		g := wantGrain()
		g.LocalID, g.Data = uint16(1+i%2), data
		pos, err := w.WriteGrain(&g)
		require.NoError(t, err)
		positions = append(positions, pos)
	}
	require.NoError(t, w.Close())
	require.Error(t, w.Close())
	_, err = w.WriteGrain(new(gsf.Grain))
	require.Error(t, err)
	return positions
}

func TestWriterPositions(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	positions := writeAll(t, &out, newHeader())
	r, grains, err := read(t, out.Bytes())
	require.NoError(t, err)
	require.Empty(t, r.Warnings())
	require.Equal(t, gsf.Major9, r.Header().Major)
	require.Equal(t, gsf.CountUnknown, r.Header().Segments[0].Count, "a buffer cannot be patched")
	require.Len(t, grains, 3)
	for i, g := range grains {
		require.Equal(t, g.Pos, positions[i])
	}
	require.Equal(t, out.Bytes(), reencode(t, out.Bytes()))
}

// seekOnly hides all of a file but what a WriteSeeker has.
type seekOnly struct{ file *os.File }

func (s seekOnly) Write(b []byte) (int, error)               { return s.file.Write(b) }
func (s seekOnly) Seek(off int64, whence int) (int64, error) { return s.file.Seek(off, whence) }

// atOnly is an output that can only be written to and patched.
type atOnly struct{ file *os.File }

func (a atOnly) Write(b []byte) (int, error)              { return a.file.Write(b) }
func (a atOnly) WriteAt(b []byte, off int64) (int, error) { return a.file.WriteAt(b, off) }

func TestCountsArePatched(t *testing.T) {
	t.Parallel()
	const before = "something before"
	tests := map[string]struct {
		prefix string
		wrap   func(f *os.File) io.Writer
		counts [2]int64
	}{
		"file":              {"", func(f *os.File) io.Writer { return f }, [2]int64{2, 1}},
		"file, not at 0":    {before, func(f *os.File) io.Writer { return f }, [2]int64{2, 1}},
		"seeker, not at 0":  {before, func(f *os.File) io.Writer { return seekOnly{f} }, [2]int64{2, 1}},
		"writer at":         {"", func(f *os.File) io.Writer { return atOnly{f} }, [2]int64{2, 1}},
		"file, kept as is ": {"", func(f *os.File) io.Writer { return struct{ io.Writer }{f} }, [2]int64{-1, -1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := os.Create(filepath.Join(t.TempDir(), "out.gsf"))
			require.NoError(t, err)
			defer func() { require.NoError(t, f.Close()) }()
			_, err = f.WriteString(test.prefix)
			require.NoError(t, err)
			writeAll(t, test.wrap(f), newHeader())
			_, err = f.WriteString("after")
			require.NoError(t, err)

			file, err := os.ReadFile(f.Name())
			require.NoError(t, err)
			require.True(t, strings.HasSuffix(string(file), "grai\x00\x00\x00\x00after"))
			r, _, err := read(t, file[len(test.prefix):len(file)-len("after")])
			require.NoError(t, err)
			require.Empty(t, r.Warnings())
			require.Equal(t, test.counts[0], r.Header().Segments[0].Count)
			require.Equal(t, test.counts[1], r.Header().Segments[1].Count)
		})
	}
}

func TestPipeIsNotPatched(t *testing.T) {
	t.Parallel()
	from, to, err := os.Pipe()
	require.NoError(t, err)
	read := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(from)
		read <- b
	}()
	writeAll(t, to, newHeader())
	require.NoError(t, to.Close())
	var want bytes.Buffer
	writeAll(t, &want, newHeader())
	require.Equal(t, want.Bytes(), <-read)
	require.NoError(t, from.Close())
}

func TestCountsGiven(t *testing.T) {
	t.Parallel()
	h := newHeader()
	h.Segments[0].Count, h.Segments[1].Count = 2, 1
	var out bytes.Buffer
	writeAll(t, &out, h)
	r, _, err := read(t, out.Bytes())
	require.NoError(t, err)
	require.Equal(t, int64(2), r.Header().Segments[0].Count)

	h.Segments[0].Count = 5
	w, err := gsf.NewWriter(io.Discard, h)
	require.NoError(t, err)
	require.ErrorIs(t, w.Close(), gsf.ErrCount)
}

func TestHeaderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<16)
	tests := map[string]struct {
		change func(h *gsf.Header)
		err    error
	}{
		"major":         {func(h *gsf.Header) { h.Major = 6 }, gsf.ErrVersion},
		"flow in 7":     {func(h *gsf.Header) { h.Major = 7 }, gsf.ErrVersion},
		"local id":      {func(h *gsf.Header) { h.Segments[1].LocalID = 1 }, gsf.ErrDuplicate},
		"date":          {func(h *gsf.Header) { h.Created = time.Date(40000, 1, 1, 0, 0, 0, 0, time.UTC) }, gsf.ErrDate},
		"key":           {func(h *gsf.Header) { h.Tags = []gsf.Tag{{Key: long}} }, gsf.ErrTooLarge},
		"segment's tag": {func(h *gsf.Header) { h.Segments[1].Tags = []gsf.Tag{{Value: long}} }, gsf.ErrTooLarge},
		"format":        {func(h *gsf.Header) { h.Segments[0].Flow.Format = long }, gsf.ErrTooLarge},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHeader()
			test.change(h)
			_, err := gsf.NewWriter(io.Discard, h)
			require.ErrorIs(t, err, test.err)
			dst, err := gsf.AppendHeader([]byte("before"), h)
			require.ErrorIs(t, err, test.err)
			require.Equal(t, "before", string(dst))
		})
	}
}

func TestGrainThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		major  uint16
		change func(g *gsf.Grain)
		size   int
		err    error
	}{
		"major":      {10, func(*gsf.Grain) {}, 0, gsf.ErrVersion},
		"origin":     {7, func(g *gsf.Grain) { g.Origin = -1 }, 0, gsf.ErrNegativeTime},
		"sync":       {7, func(g *gsf.Grain) { g.Sync = -1 }, 0, gsf.ErrNegativeTime},
		"labels":     {9, func(g *gsf.Grain) { g.Labels = make([]gsf.TimeLabel, 1<<16) }, 0, gsf.ErrTooLarge},
		"size":       {9, func(*gsf.Grain) {}, 1<<32 - 1 - 10 - 78 - 8 + 1, gsf.ErrTooLarge},
		"no size":    {9, func(*gsf.Grain) {}, -1, gsf.ErrTooLarge},
		"components": {9, func(g *gsf.Grain) { g.Kind = gsf.KindVideo; g.Video.Components = make([]gsf.Component, 1<<16) }, 0, gsf.ErrTooLarge},
		"offsets":    {9, func(g *gsf.Grain) { g.Kind = gsf.KindCodedVideo; g.CodedVideo.UnitOffsets = make([]uint32, 1<<16) }, 0, gsf.ErrTooLarge},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := wantGrain()
			test.change(&g)
			dst, err := gsf.AppendGrainHeader([]byte("before"), test.major, &g, test.size)
			require.ErrorIs(t, err, test.err)
			require.Equal(t, "before", string(dst))
		})
	}
	largest := wantGrain()
	_, err := gsf.AppendGrainHeader(nil, 9, &largest, 1<<32-1-10-78-8)
	require.NoError(t, err)
}

func TestWriterRefusesUndeclared(t *testing.T) {
	t.Parallel()
	w, err := gsf.NewWriter(io.Discard, newHeader())
	require.NoError(t, err)
	_, err = w.WriteGrain(&gsf.Grain{LocalID: 3})
	require.ErrorIs(t, err, gsf.ErrUndeclared)
	_, err = w.WriteGrain(&gsf.Grain{LocalID: 2, Labels: make([]gsf.TimeLabel, 1<<16)})
	require.ErrorIs(t, err, gsf.ErrTooLarge)
	_, err = w.WriteGrain(&gsf.Grain{LocalID: 2})
	require.NoError(t, err, "a grain that was refused leaves nothing behind")
	require.Equal(t, int64(gsf.HeaderSize(newHeader())+10+78+8), w.Offset())
}

// failingWriter fails from the given number of bytes on.
type failingWriter struct{ left int }

var errFull = errors.New("disk full")

func (f *failingWriter) Write(b []byte) (int, error) {
	if len(b) > f.left {
		return f.left, errFull
	}
	f.left -= len(b)
	return len(b), nil
}

func TestOutputErrorStays(t *testing.T) {
	t.Parallel()
	w, err := gsf.NewWriter(&failingWriter{1000}, newHeader())
	require.NoError(t, err)
	g := wantGrain()
	g.Data = make([]byte, 100_000)
	_, err = w.WriteGrain(&g)
	require.ErrorIs(t, err, errFull)
	_, err = w.WriteGrain(&g)
	require.ErrorIs(t, err, errFull)
	require.ErrorIs(t, w.Flush(), errFull)
	require.ErrorIs(t, w.Close(), errFull)
}

func TestPatchErrors(t *testing.T) {
	t.Parallel()
	for _, out := range []io.Writer{brokenSeeker{}, brokenAt{}} {
		w, err := gsf.NewWriter(out, newHeader())
		require.NoError(t, err)
		require.ErrorIs(t, w.Close(), errFull)
	}
}

// brokenSeeker and brokenAt take bytes but cannot go back.
type (
	brokenSeeker struct{}
	brokenAt     struct{}
)

func (brokenSeeker) Write(b []byte) (int, error) { return len(b), nil }

func (brokenSeeker) Seek(_ int64, whence int) (int64, error) {
	if whence == io.SeekCurrent {
		return 0, nil
	}
	return 0, errFull
}

func (brokenAt) Write(b []byte) (int, error)        { return len(b), nil }
func (brokenAt) WriteAt([]byte, int64) (int, error) { return 0, errFull }

func TestLongNamesAreCut(t *testing.T) {
	t.Parallel()
	g := wantGrain()
	g.Labels = []gsf.TimeLabel{{Name: "a name longer than 16 bytes"}}
	b, err := gsf.AppendGrainHeader(nil, 9, &g, 0)
	require.NoError(t, err)
	var got gsf.Grain
	require.NoError(t, gsf.DecodeGrain(b, 9, &got))
	require.Equal(t, "a name longer th", got.Labels[0].Name)
}
