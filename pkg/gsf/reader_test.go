package gsf_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
)

func TestConcatenation(t *testing.T) {
	t.Parallel()
	first := cat(fileStart(7, 0), head(segm(1, 1)), plain(7), terminator())
	second := cat(fileStart(9, 0), head(segm(2, -1)), grai(2, gbhd(9, event()), grdt("{}")), terminator())
	file := cat(first, second, second)
	r, err := gsf.NewReader(bytes.NewReader(file), gsf.Options{})
	require.NoError(t, err)
	var g gsf.Grain
	for _, want := range []uint16{7, 9, 9} {
		require.NoError(t, r.Next(&g))
		require.Equal(t, want, r.Header().Major)
		require.NotNil(t, r.Header().Segment(g.LocalID))
	}
	require.ErrorIs(t, r.Next(&g), io.EOF)
	require.ErrorIs(t, r.Next(&g), io.EOF, "stays at the end")
	require.Equal(t, int64(len(file)), r.Offset())
	require.Empty(t, r.Warnings())
	require.Equal(t, file, reencode(t, file))
}

func TestConcatenationWithoutTerminator(t *testing.T) {
	t.Parallel()
	first := cat(fileStart(9, 0), head(segm(1, 5)), plain(9))
	r, grains, err := read(t, cat(first, opening(8), plain(8), terminator()))
	require.NoError(t, err)
	require.Len(t, grains, 2)
	at := int64(len(first))
	require.Equal(t, []gsf.Warning{{gsf.WarnNoTerminator, at, 0}, {gsf.WarnCount, at, 1}}, r.Warnings())
}

func TestWarningsAreBounded(t *testing.T) {
	t.Parallel()
	r, _, err := read(t, bytes.Repeat(opening(9), 1000))
	require.NoError(t, err)
	require.Len(t, r.Warnings(), 100)
}

func TestStreamReusesMemory(t *testing.T) {
	t.Parallel()
	large := string(bytes.Repeat([]byte("0123456789"), 300_000))
	file := cat(opening(9),
		grai(1, gbhd(9, labels(), audio()), grdt(large)),
		grai(1, gbhd(9, labels(), audio()), grdt("small")),
		grai(1, gbhd(9, labels(), audio()), grdt(large)), terminator())
	r, err := gsf.NewReader(bytes.NewReader(file), gsf.Options{})
	require.NoError(t, err)
	var g gsf.Grain
	require.NoError(t, r.Next(&g))
	require.Equal(t, large, string(g.Data))
	begin, names := &g.Data[0], &g.Labels[0]
	require.NoError(t, r.Next(&g))
	require.Equal(t, "small", string(g.Data))
	require.NoError(t, r.Next(&g))
	require.Equal(t, large, string(g.Data))
	require.Same(t, begin, &g.Data[0])
	require.Same(t, names, &g.Labels[0])
}

func TestMemoryIsAliased(t *testing.T) {
	t.Parallel()
	file := cat(opening(9), plain(9), plain(9), terminator())
	g := one(t, cat(file[:77+len(plain(9))], terminator()))
	require.Equal(t, len(g.Data), cap(g.Data), "appending must not write into the next block")

	r, err := gsf.NewBytesReader(file, gsf.Options{})
	require.NoError(t, err)
	require.NoError(t, r.Next(g))
	require.Same(t, &file[g.Pos.DataOffset], &g.Data[0])
}

//nolint:paralleltest // AllocsPerRun counts those of all goroutines
func TestMemoryIsNotAllocated(t *testing.T) {
	grain := grai(1, gbhd(9, labels(), video(comp())), grdt("abcd"))
	r, err := gsf.NewBytesReader(cat(opening(9), bytes.Repeat(grain, 200)), gsf.Options{})
	require.NoError(t, err)
	var g gsf.Grain
	require.NoError(t, r.Next(&g))
	require.Zero(t, testing.AllocsPerRun(100, func() { _ = r.Next(&g) }))
	header := make([]byte, 0, gsf.GrainOverhead(9, &g))
	require.Zero(t, testing.AllocsPerRun(100, func() { _, _ = gsf.AppendGrainHeader(header, 9, &g, 4) }))
}

// countingReader counts what is read through it.
type countingReader struct {
	src   io.ReaderAt
	bytes int
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.src.ReadAt(p, off)
	c.bytes += n
	return n, err
}

func TestIndexDoesNotReadEssence(t *testing.T) {
	t.Parallel()
	frame := string(make([]byte, 1<<20))
	grain := grai(1, gbhd(9, video(comp())), grdt(frame))
	file := cat(opening(9), grain, grain, grain, plain(9), terminator())
	counting := &countingReader{src: bytes.NewReader(file)}
	r, err := gsf.NewIndexReader(counting, int64(len(file)), gsf.Options{})
	require.NoError(t, err)
	got, err := drain(r)
	require.NoError(t, err)
	require.Empty(t, r.Warnings())
	_, want, err := read(t, file)
	require.NoError(t, err)
	require.Len(t, got, 4)
	for i := range want {
		require.Equal(t, want[i].Pos, got[i].Pos)
		require.Equal(t, want[i].Video, got[i].Video)
		require.Empty(t, got[i].Data)
		require.Equal(t, want[i].Data, file[got[i].Pos.DataOffset:][:got[i].Pos.DataSize])
	}
	require.Less(t, counting.bytes, 8<<10)
}

func TestPartOfFile(t *testing.T) {
	t.Parallel()
	file := cat(fileStart(9, 0), head(segm(1, 3)), plain(9), plain(9), plain(9), terminator())
	whole, grains, err := read(t, file)
	require.NoError(t, err)
	from, to := grains[1].Pos.Offset, grains[2].Pos.Offset
	r, err := gsf.NewReader(bytes.NewReader(file[from:to]), gsf.Options{Header: whole.Header(), Base: from})
	require.NoError(t, err)
	part, err := drain(r)
	require.NoError(t, err)
	require.Len(t, part, 1)
	require.Equal(t, grains[1], part[0])
	require.Empty(t, r.Warnings())

	_, err = gsf.NewReader(bytes.NewReader(nil), gsf.Options{Header: &gsf.Header{}})
	require.ErrorIs(t, err, gsf.ErrVersion)
}

func TestLimits(t *testing.T) {
	t.Parallel()
	file := cat(opening(9), plain(9), terminator())
	_, err := gsf.NewBytesReader(file, gsf.Options{MaxHeader: 64})
	require.ErrorIs(t, err, gsf.ErrTooLarge)
	r, err := gsf.NewReader(bytes.NewReader(file), gsf.Options{MaxGrain: 3})
	require.NoError(t, err)
	require.ErrorIs(t, r.Next(new(gsf.Grain)), gsf.ErrTooLarge)

	// A size that is not true costs no more than a bounded amount of memory.
	lie := cat(opening(9), plain(9))
	copy(lie[77+4:], le32(0xfffffff0))
	copy(lie[len(lie)-8:], le32(0xfffffff0-110))
	r, err = gsf.NewReader(bytes.NewReader(lie), gsf.Options{MaxGrain: 1 << 40})
	require.NoError(t, err)
	var g gsf.Grain
	require.ErrorIs(t, r.Next(&g), gsf.ErrTruncated)
	require.LessOrEqual(t, cap(g.Data), 1<<20)
}

func TestInputErrorIsPassedOn(t *testing.T) {
	t.Parallel()
	errDisk := errors.New("disk on fire")
	file := cat(opening(9), plain(9), terminator())
	for cut := range file {
		src := io.MultiReader(bytes.NewReader(file[:cut]), failingReader{errDisk})
		r, err := gsf.NewReader(src, gsf.Options{})
		for g := new(gsf.Grain); err == nil; {
			err = r.Next(g)
		}
		require.ErrorIs(t, err, errDisk, "after %d bytes", cut)
	}
	_, err := gsf.NewReader(failingReader{}, gsf.Options{})
	require.ErrorIs(t, err, io.ErrNoProgress)
}

// failingReader gives no bytes, and an error if there is one.
type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestDecodeGrain(t *testing.T) {
	t.Parallel()
	var g gsf.Grain
	require.ErrorIs(t, gsf.DecodeGrain(terminator(), 9, &g), io.EOF)
	require.ErrorIs(t, gsf.DecodeGrain(nil, 9, &g), gsf.ErrTruncated)
	require.ErrorIs(t, gsf.DecodeGrain(plain(9)[:100], 9, &g), gsf.ErrTruncated)
	require.ErrorIs(t, gsf.DecodeGrain(grdt("abcd"), 9, &g), gsf.ErrOrder)
	require.ErrorIs(t, gsf.DecodeGrain(plain(9), 6, &g), gsf.ErrVersion)
}
