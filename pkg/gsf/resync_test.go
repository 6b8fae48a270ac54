package gsf_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
)

func keys() []gsf.GrainKey {
	return []gsf.GrainKey{{LocalID: 9, FlowID: id(sourceIDText)}, {LocalID: 1, FlowID: id(flowIDText)}}
}

// starts gives the offsets of the grains of a file.
func starts(t *testing.T, file []byte) []int64 {
	t.Helper()
	_, grains, err := read(t, file)
	require.NoError(t, err)
	var at []int64
	for _, g := range grains {
		at = append(at, g.Pos.Offset)
	}
	return at
}

// nextStart gives the first of the offsets from a byte on, -1 if there is none.
func nextStart(starts []int64, from int) int64 {
	for _, at := range starts {
		if at >= int64(from) {
			return at
		}
	}
	return -1
}

func TestResync(t *testing.T) {
	t.Parallel()
	trap := cat([]byte("grai"), le32(100), le16(1), []byte("gbhd"), le32(78), idBytes(sourceIDText), idBytes(sourceIDText))
	for _, major := range []uint16{7, 8, 9} {
		// The essence holds the tag, a grain of another Flow, and the start of a
		// grain that no block follows.
		essence := cat([]byte("graigrai"), trap, plain(major)[:60], bytes.Repeat([]byte{0xaa}, 200))
		grain := grai(1, gbhd(major, audio()), grdt(string(essence)))
		file := cat(opening(major), grain, grain, blk("fill", make([]byte, 9)), grai(1, gbhd(major)), grain, terminator())
		want := starts(t, file)
		require.Len(t, want, 4)
		for from := range file {
			at, ok := gsf.Resync(file[from:], keys())
			require.Equal(t, nextStart(want, from), foundAt(ok, int64(from+at)), "major %d from %d", major, from)

			exact, ok, err := gsf.ResyncAt(bytes.NewReader(file), int64(from), int64(len(file)), keys())
			require.NoError(t, err)
			require.Equal(t, nextStart(want, from), foundAt(ok, exact))
		}
	}
}

func foundAt(ok bool, at int64) int64 {
	if !ok {
		return -1
	}
	return at
}

func TestResyncWithoutTerminator(t *testing.T) {
	t.Parallel()
	for _, last := range [][]byte{plain(9), grai(1, gbhd(9))} {
		at, ok := gsf.Resync(cat([]byte("zzz"), last), keys())
		require.True(t, ok)
		require.Equal(t, 3, at)
	}
}

func TestResyncInSmallWindow(t *testing.T) {
	t.Parallel()
	grain := grai(1, gbhd(9, audio()), blk("zzzz"), grdt(string(make([]byte, 1000))))
	needed := 10 + 100 + 8 // up to the header of the block after gbhd
	for n := range grain {
		_, ok := gsf.Resync(grain[:n], keys())
		require.Equal(t, n >= needed, ok, "%d bytes", n)
	}
	// A grdt that does not fill its grain betrays a false start.
	bent := bytes.Clone(grain)
	copy(bent[needed+4:], le32(900))
	_, ok := gsf.Resync(bent[:500], keys())
	require.False(t, ok)
}

func TestResyncAcrossWindows(t *testing.T) {
	t.Parallel()
	const window = 1 << 20
	for _, shift := range []int{0, 1, 8, 17, 48, 49, 50, 51, 60} {
		file := cat(make([]byte, window-shift), plain(9), plain(9), terminator())
		at, ok, err := gsf.ResyncAt(bytes.NewReader(file), 0, int64(len(file)), keys())
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, int64(window-shift), at)
	}
}

func TestResyncAtErrors(t *testing.T) {
	t.Parallel()
	_, _, err := gsf.ResyncAt(bytes.NewReader(make([]byte, 100)), 0, 200, keys())
	require.ErrorIs(t, err, gsf.ErrTruncated)
	_, _, err = gsf.ResyncAt(failingReaderAt{}, 0, 200, keys())
	require.ErrorIs(t, err, io.ErrClosedPipe)
	_, ok, err := gsf.ResyncAt(failingReaderAt{}, 190, 200, keys())
	require.NoError(t, err)
	require.False(t, ok, "nothing fits in the last ten bytes")
	file := plain(9)
	_, ok, err = gsf.ResyncAt(bytes.NewReader(file), 0, int64(len(file)-1), keys())
	require.NoError(t, err)
	require.False(t, ok, "reaches beyond the file")
}

type failingReaderAt struct{}

func (failingReaderAt) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }
