package mediatime

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Time is an instant, in nanoseconds of TAI since 1970-01-01T00:00:00 TAI, or a
// length of time in nanoseconds where the name says so.
type Time int64

// Lengths of time.
const (
	Nanosecond  Time = 1
	Microsecond Time = 1_000
	Millisecond Time = 1_000_000
	Second      Time = 1_000_000_000
)

// Bounds of what a finite Time can hold. The two outermost int64 values stand
// for an open start and an open end of a [Range].
const (
	openStart Time = math.MinInt64
	openEnd   Time = math.MaxInt64
	Min       Time = openStart + 1
	Max       Time = openEnd - 1
)

// ErrOutOfRange says that a time lies beyond the +-292 years that fit an int64
// of nanoseconds.
var ErrOutOfRange = errors.New("time is outside +-292 years around 1970-01-01 TAI")

// ErrSyntax says that a text is not a timestamp or time range as TAMS writes them.
var ErrSyntax = errors.New("not a TAMS time")

// FromSeconds returns seconds plus nanos (of the same sign) as a Time, or
// ErrOutOfRange.
func FromSeconds(seconds, nanos int64) (Time, error) {
	const limit = math.MaxInt64 / int64(Second)
	if seconds > limit || seconds < -limit {
		return 0, fmt.Errorf("%d seconds: %w", seconds, ErrOutOfRange)
	}
	t := seconds * int64(Second)
	sum := t + nanos
	if (nanos > 0 && sum < t) || (nanos < 0 && sum > t) || Time(sum) > Max || Time(sum) < Min {
		return 0, fmt.Errorf("%d seconds and %d ns: %w", seconds, nanos, ErrOutOfRange)
	}
	return Time(sum), nil
}

// plus returns t+d, at most Max and at least Min.
func (t Time) plus(d Time) Time {
	sum := t + d
	switch {
	case d > 0 && (sum < t || sum > Max):
		return Max
	case d < 0 && (sum > t || sum < Min):
		return Min
	default:
		return sum
	}
}

// Seconds returns the time as a float, for people and for charts; never for
// arithmetic.
func (t Time) Seconds() float64 { return float64(t) / float64(Second) }

// String writes the time as TAMS does: "seconds:nanoseconds", with a leading
// minus for negative times.
func (t Time) String() string {
	return string(t.append(make([]byte, 0, 24)))
}

func (t Time) append(b []byte) []byte {
	magnitude := uint64(t)
	if t < 0 {
		b = append(b, '-')
		magnitude = -magnitude
	}
	b = strconv.AppendUint(b, magnitude/uint64(Second), 10)
	b = append(b, ':')
	return strconv.AppendUint(b, magnitude%uint64(Second), 10)
}

// Parse reads a timestamp as TAMS writes it, "-?S:N" without leading zeros
// (bbc/tams, schemas/timestamp.json). It returns ErrSyntax or ErrOutOfRange.
func Parse(s string) (Time, error) {
	text, negative := strings.CutPrefix(s, "-")
	secs, nanos, ok := strings.Cut(text, ":")
	if !ok || !canonical(secs) || !canonical(nanos) || len(nanos) > 9 {
		return 0, fmt.Errorf("timestamp %q, want seconds:nanoseconds such as 12:500000000: %w", s, ErrSyntax)
	}
	n, err := strconv.ParseInt(nanos, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("timestamp %q: %w", s, ErrSyntax)
	}
	sec, err := strconv.ParseInt(secs, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("timestamp %q: %w", s, ErrOutOfRange)
	}
	if negative {
		sec, n = -sec, -n
	}
	t, err := FromSeconds(sec, n)
	if err != nil {
		return 0, fmt.Errorf("timestamp %q: %w", s, ErrOutOfRange)
	}
	return t, nil
}

// canonical says whether s is a decimal number without leading zeros.
func canonical(s string) bool {
	if s == "" || (len(s) > 1 && s[0] == '0') {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
