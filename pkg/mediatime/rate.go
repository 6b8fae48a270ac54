package mediatime

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Rate is an exact number of grains (frames, audio frames, samples) per second.
// The zero Rate means "no constant rate".
type Rate struct {
	Num int64 `json:"numerator"`
	Den int64 `json:"denominator"`
}

// NewRate returns num/den in lowest terms. A zero or negative part gives the
// zero Rate, which is what GSF and MP4 mean by it.
func NewRate(num, den int64) Rate {
	if num <= 0 || den <= 0 {
		return Rate{}
	}
	g := gcd(num, den)
	return Rate{num / g, den / g}
}

// IsZero says that there is no constant rate.
func (r Rate) IsZero() bool { return r.Num <= 0 || r.Den <= 0 }

// String writes "25" or "30000/1001".
func (r Rate) String() string {
	if r.Den == 1 {
		return strconv.FormatInt(r.Num, 10)
	}
	return fmt.Sprintf("%d/%d", r.Num, r.Den)
}

// ErrRate says that a text is not a rate.
var ErrRate = errors.New("not a rate")

// ParseRate reads what String writes.
func ParseRate(s string) (Rate, error) {
	numText, denText, hasDen := strings.Cut(s, "/")
	if !hasDen {
		denText = "1"
	}
	num, err1 := strconv.ParseInt(numText, 10, 64)
	den, err2 := strconv.ParseInt(denText, 10, 64)
	rate := NewRate(num, den)
	if err := errors.Join(err1, err2); err != nil || rate.IsZero() {
		return Rate{}, fmt.Errorf("rate %q, want 25 or 30000/1001: %w", s, ErrRate)
	}
	return rate, nil
}

// Float returns grains per second, for people.
func (r Rate) Float() float64 {
	if r.IsZero() {
		return 0
	}
	return float64(r.Num) / float64(r.Den)
}

// Offset returns floor(n * 1e9 * den / num): how long after its origin grain n
// of a Flow of this rate starts. It saturates at Min and Max.
func (r Rate) Offset(n int64) Time {
	return Time(mulDivFloor(n, int64(Second)*r.Den, r.Num))
}

// Duration returns the length of grain n, Offset(n+1) - Offset(n).
func (r Rate) Duration(n int64) Time { return r.Offset(n+1) - r.Offset(n) }

// Index returns the number of the grain that covers the instant t after the
// origin: the greatest n with Offset(n) <= t.
func (r Rate) Index(t Time) int64 {
	// floor(n*c) <= t is the same as n*c < t+1.
	n, exact := mulDiv(int64(t)+1, r.Num, int64(Second)*r.Den)
	if exact {
		return n - 1
	}
	return n
}

// Rescale converts a count of ticks at one time scale (ticks per second) to
// nanoseconds, rounding down.
func Rescale(ticks, timescale int64) Time {
	if timescale <= 0 {
		return 0
	}
	return Time(mulDivFloor(ticks, int64(Second), timescale))
}

// Ticks converts a length in nanoseconds to ticks at a time scale, rounding to
// the nearest tick, so that Ticks(Rescale(n, s), s) == n for every scale below
// half a gigahertz.
func Ticks(t Time, timescale int64) int64 {
	if timescale <= 0 {
		return 0
	}
	floor := mulDivFloor(int64(t), timescale, int64(Second))
	// The next tick is nearer when more than half of one is left over.
	if t-Rescale(floor, timescale) > Rescale(floor+1, timescale)-t {
		return floor + 1
	}
	return floor
}

// mulDivFloor returns floor(a*b/c) by way of 128 bits, for b, c > 0. It
// saturates at Min and Max.
func mulDivFloor(a, b, c int64) int64 {
	quo, _ := mulDiv(a, b, c)
	return quo
}

// mulDiv is mulDivFloor that also says whether the result is exact.
func mulDiv(a, b, c int64) (floor int64, exact bool) {
	negative := a < 0
	magnitude := uint64(a)
	if negative {
		magnitude = -magnitude
	}
	quo, rem := uint64(math.MaxUint64), uint64(1)
	if hi, lo := bits.Mul64(magnitude, uint64(b)); hi < uint64(c) {
		quo, rem = bits.Div64(hi, lo, uint64(c))
	}
	switch {
	case quo > uint64(Max) && negative:
		return int64(Min), false
	case quo > uint64(Max):
		return int64(Max), false
	case !negative:
		return int64(quo), rem == 0
	case rem != 0:
		return -int64(quo) - 1, false
	default:
		return -int64(quo), true
	}
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// LCM returns the least common multiple of two positive numbers.
func LCM(a, b int64) int64 { return a / gcd(a, b) * b }
