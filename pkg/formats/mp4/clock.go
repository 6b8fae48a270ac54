package mp4

import (
	"math/bits"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// clock turns a track's ticks into times of the movie.
type clock struct {
	Timescale int64
	// MediaTime is the tick at which the edit list starts.
	MediaTime int64
	// Gap is the empty edit before that.
	Gap mediatime.Time
	// Step is the ticks from one grain to the next where they are all the same.
	Step int64
	// Rate is the rate that jittery time stamps fit, and First the tick of the
	// grain that is displayed first.
	Rate  mediatime.Rate
	First int64
}

// constant says that all grains have the same length.
func (c *clock) constant() bool { return c.Step > 0 || !c.Rate.IsZero() }

// at returns the time of the grain with these ticks, which is displayed at place
// index of its track.
func (c *clock) at(ticks, index int64) mediatime.Time {
	if c.Rate.IsZero() {
		return c.Gap + mediatime.Rescale(ticks-c.MediaTime, c.Timescale)
	}
	lead := c.First - c.MediaTime
	whole := mulDivRound(lead, c.Rate.Num, c.Timescale*c.Rate.Den)
	if abs(mulDivRound(whole, c.Timescale*c.Rate.Den, c.Rate.Num)-lead) <= 1 {
		return c.Gap + c.Rate.Offset(whole+index)
	}
	return c.Gap + mediatime.Rescale(lead, c.Timescale) + c.Rate.Offset(index)
}

// grainRate returns the rate of the grains, zero where it varies.
func (c *clock) grainRate() mediatime.Rate {
	if c.Step > 0 {
		return mediatime.NewRate(c.Timescale, c.Step)
	}
	return c.Rate
}

// knownRates are those that jittery time stamps are tried against.
func knownRates() []mediatime.Rate {
	ntsc := func(n int64) mediatime.Rate { return mediatime.NewRate(n*1000, 1001) }
	whole := func(n int64) mediatime.Rate { return mediatime.NewRate(n, 1) }
	return []mediatime.Rate{
		whole(25), ntsc(30), ntsc(24), whole(24), whole(30), whole(50), ntsc(60), whole(60),
		whole(48), whole(100), ntsc(120), whole(120), ntsc(48), whole(15), mediatime.NewRate(25, 2), ntsc(15), whole(12),
	}
}

// fit follows the hypothesis that time stamps are those of a rate, rounded to
// ticks: that they stand, in any order, on each place of a run of places.
type fit struct {
	rate      mediatime.Rate
	tolerance int64 // in ticks
	failed    bool
	jitter    bool // some time stamp is off by a tick
	lowest    int64
	highest   int64
	sum       uint64 // of places, modulo 2^64
	squares   uint64
}

func (f *fit) add(ticks, timescale int64) {
	if f.failed {
		return
	}
	n := mulDivRound(ticks, f.rate.Num, timescale*f.rate.Den)
	off := abs(mulDivRound(n, timescale*f.rate.Den, f.rate.Num) - ticks)
	if off > f.tolerance {
		f.failed = true
		return
	}
	f.jitter = f.jitter || off != 0
	f.lowest, f.highest = min(f.lowest, n), max(f.highest, n)
	f.sum += uint64(n)
	f.squares += uint64(n) * uint64(n)
}

// holds says whether count time stamps took each place once.
func (f *fit) holds(count int64) bool {
	if f.failed || f.highest-f.lowest+1 != count {
		return false
	}
	var sum, squares uint64
	for n := f.lowest; n <= f.highest; n++ {
		sum += uint64(n)
		squares += uint64(n) * uint64(n)
	}
	return sum == f.sum && squares == f.squares
}

// mulDivRound returns a*b/c rounded to the nearest, for b, c > 0, by way of 128
// bits. It saturates.
func mulDivRound(a, b, c int64) int64 {
	const most = 1 << 62
	hi, lo := bits.Mul64(uint64(abs(a)), uint64(b))
	lo, carry := bits.Add64(lo, uint64(c)/2, 0)
	if hi += carry; hi >= uint64(c) {
		return most
	}
	quo, _ := bits.Div64(hi, lo, uint64(c))
	if quo > most {
		return most
	}
	if a < 0 {
		return -int64(quo)
	}
	return int64(quo)
}

func abs(a int64) int64 {
	if a < 0 {
		return -a
	}
	return a
}
