package pcm_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/pkg/pcm"
)

func TestConversionLosesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := pcm.Layout{
			Bytes:    rapid.SampledFrom([]int{1, 2, 3, 4, 8}).Draw(t, "bytes"),
			Channels: rapid.IntRange(1, 8).Draw(t, "channels"), BigEndian: rapid.Bool().Draw(t, "big"),
		}
		l.Unsigned = l.Bytes == 1 && rapid.Bool().Draw(t, "unsigned")
		frames := rapid.IntRange(0, 20).Draw(t, "frames")
		src := rapid.SliceOfN(rapid.Byte(), frames*l.FrameBytes(), frames*l.FrameBytes()).Draw(t, "samples")
		stored := l.Append(nil, src)
		require.Len(t, stored, frames*l.StoredFrameBytes())
		require.Equal(t, append([]byte{}, src...), append([]byte{}, l.Restore(nil, stored)...))
	})
}

func TestValues(t *testing.T) {
	t.Parallel()
	require.Equal(t, []byte{0, 0, 0, 0x7f, 0, 0x80}, pcm.Layout{Bytes: 1, Channels: 1, Unsigned: true}.Append(nil, []byte{128, 255, 0}))
	require.Equal(t, []byte{3, 2, 1}, pcm.Layout{Bytes: 3, Channels: 1, BigEndian: true}.Append(nil, []byte{1, 2, 3}))
}

func TestGrainsTileTheSamples(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Int64Range(1, 400_000).Draw(t, "rate")
		sample := rapid.Int64Range(-1<<40, 1<<40).Draw(t, "sample")
		n := pcm.GrainOf(sample, rate)
		require.LessOrEqual(t, pcm.Boundary(n, rate), sample)
		require.Greater(t, pcm.Boundary(n+1, rate), sample)
	})
}
