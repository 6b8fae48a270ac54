package mediatime_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

func drawRate(t *rapid.T) mediatime.Rate {
	usual := rapid.SampledFrom([]mediatime.Rate{
		{Num: 25, Den: 1}, {Num: 24000, Den: 1001}, {Num: 30000, Den: 1001}, {Num: 60000, Den: 1001}, {Num: 48000, Den: 1},
		{Num: 44100, Den: 1024}, {Num: 1, Den: 3600}, {Num: 768000, Den: 1},
	})
	other := rapid.Custom(func(t *rapid.T) mediatime.Rate {
		return mediatime.NewRate(rapid.Int64Range(1, 1_000_000_000).Draw(t, "num"), rapid.Int64Range(1, 1_000_000).Draw(t, "den"))
	})
	return rapid.OneOf(usual, other).Draw(t, "rate")
}

// exact is floor(n * 1e9 * den / num) without overflow.
func exact(n int64, r mediatime.Rate) int64 {
	p := new(big.Int).Mul(big.NewInt(n), new(big.Int).Mul(big.NewInt(1e9), big.NewInt(r.Den)))
	p.Div(p, big.NewInt(r.Num)) // rounds down for a positive divisor
	if !p.IsInt64() {
		return 0
	}
	return p.Int64()
}

// Media rule 1: grain n starts at floor(n * 1e9 * den / num), and ends where the
// next one starts, however far from the origin.
func TestGrainsDoNotAccumulate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		n := rapid.Int64Range(-1_000_000_000, 1_000_000_000).Draw(t, "n")
		want := exact(n, r)
		if want == 0 && n != 0 || want < int64(mediatime.Min)/2 || want > int64(mediatime.Max)/2 {
			return // beyond the time line
		}
		require.EqualValues(t, want, r.Offset(n))
		require.Equal(t, r.Offset(n+1), r.Offset(n)+r.Duration(n))
	})
}

// Index is the grain that covers an instant: Offset(n) <= t < Offset(n+1).
func TestIndexInvertsOffset(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := drawRate(t)
		at := mediatime.Time(rapid.Int64Range(int64(mediatime.Min)/4, int64(mediatime.Max)/4).Draw(t, "at"))
		n := r.Index(at)
		require.LessOrEqual(t, r.Offset(n), at)
		require.Greater(t, r.Offset(n+1), at)
		start := r.Offset(n)
		require.LessOrEqual(t, r.Index(start), n)
		require.Equal(t, start, r.Offset(r.Index(start)))
	})
}

// At the ends of the time line everything stops, and nothing goes round for ever.
func TestRatesSaturate(t *testing.T) {
	t.Parallel()
	for _, r := range []mediatime.Rate{{Num: 25, Den: 1}, {Num: 48000, Den: 1}, {Num: 1, Den: math.MaxInt64 / 1_000_000_000}, {Num: math.MaxInt64, Den: 1}} {
		require.LessOrEqual(t, r.Offset(math.MaxInt64), mediatime.Max)
		require.GreaterOrEqual(t, r.Offset(math.MinInt64+1), mediatime.Min)
		require.LessOrEqual(t, r.Offset(r.Index(mediatime.Max)), mediatime.Max)
		require.GreaterOrEqual(t, r.Index(mediatime.Max), r.Index(0))
		require.LessOrEqual(t, r.Index(mediatime.Min), r.Index(0))
	}
	require.Equal(t, mediatime.Max, mediatime.Rate{Num: 1, Den: 1}.Offset(math.MaxInt64))
	require.Equal(t, mediatime.Min, mediatime.Rate{Num: 1, Den: 1}.Offset(math.MinInt64+1))
}

func TestTicksInvertRescale(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		scale := rapid.OneOf(rapid.SampledFrom([]int64{600, 1000, 12800, 44100, 48000, 90000, 30000, 10_000_000}), rapid.Int64Range(1, 499_999_999)).Draw(t, "scale")
		n := rapid.Int64Range(-1_000_000_000, 1_000_000_000).Draw(t, "n")
		require.Equal(t, n, mediatime.Ticks(mediatime.Rescale(n, scale), scale))
	})
	require.Zero(t, mediatime.Rescale(5, 0))
	require.Zero(t, mediatime.Ticks(5, -1))
}

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]mediatime.Rate{
		"25": {Num: 25, Den: 1}, "30000/1001": {Num: 30000, Den: 1001}, "50/2": {Num: 25, Den: 1},
	} {
		got, err := mediatime.ParseRate(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
		again, err := mediatime.ParseRate(got.String())
		require.NoError(t, err)
		require.Equal(t, got, again)
	}
	for _, text := range []string{"", "0", "25/0", "-25", "25/-1", "a", "1/2/3", "99999999999999999999"} {
		_, err := mediatime.ParseRate(text)
		require.ErrorIs(t, err, mediatime.ErrRate, text)
	}
	require.True(t, mediatime.NewRate(0, 1).IsZero())
	require.Zero(t, mediatime.Rate{}.Float())
	require.EqualValues(t, 1920*1001, mediatime.LCM(1920, 1001))
}
