package gsf

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Rational is a fraction as the file has it, not reduced. It is null, "no
// value", when either part is zero; x/0 is read as 0/1.
type Rational struct {
	Num uint32
	Den uint32
}

// NewRational gives a rate in lowest terms, and null for the zero Rate. It
// returns ErrTooLarge when a part exceeds 32 bits.
func NewRational(r mediatime.Rate) (Rational, error) {
	r = mediatime.NewRate(r.Num, r.Den)
	if r.IsZero() {
		return Rational{0, 1}, nil
	}
	if r.Num > math.MaxUint32 || r.Den > math.MaxUint32 {
		return Rational{}, fmt.Errorf("gsf: rate %v: %w", r, ErrTooLarge)
	}
	return Rational{uint32(r.Num), uint32(r.Den)}, nil
}

// IsNull says that there is no value.
func (r Rational) IsNull() bool { return r.Num == 0 || r.Den == 0 }

// Rate gives the fraction in lowest terms, the zero Rate for null.
func (r Rational) Rate() mediatime.Rate {
	return mediatime.NewRate(int64(r.Num), int64(r.Den))
}

// String gives the fraction as it is, such as "25/1".
func (r Rational) String() string { return fmt.Sprintf("%d/%d", r.Num, r.Den) }

const rationalSize = 8

func parseRational(b []byte, at int) Rational {
	r := Rational{u32(b, at), u32(b, at+4)}
	if r.Den == 0 {
		return Rational{0, 1}
	}
	return r
}

func appendRational(dst []byte, r Rational) []byte {
	if r.Den == 0 {
		r = Rational{0, 1}
	}
	dst = binary.LittleEndian.AppendUint32(dst, r.Num)
	return binary.LittleEndian.AppendUint32(dst, r.Den)
}

// WireTime is a timestamp as the file has it: 48 bits of seconds, 32 of
// nanoseconds, and since major 8 a sign. It reaches far beyond mediatime.Time.
type WireTime struct {
	Negative bool
	Seconds  uint64
	Nanos    uint32
}

// Time converts to nanoseconds, or returns mediatime.ErrOutOfRange.
func (w WireTime) Time() (mediatime.Time, error) {
	seconds, nanos := int64(w.Seconds), int64(w.Nanos)
	if w.Negative {
		seconds, nanos = -seconds, -nanos
	}
	return mediatime.FromSeconds(seconds, nanos)
}

// saturated gives the outermost time on the side of w.
func (w WireTime) saturated() mediatime.Time {
	if w.Negative {
		return mediatime.Min
	}
	return mediatime.Max
}

func wireTime(t mediatime.Time) WireTime {
	magnitude := uint64(t)
	if t < 0 {
		magnitude = -magnitude
	}
	second := uint64(mediatime.Second)
	return WireTime{Negative: t < 0, Seconds: magnitude / second, Nanos: uint32(magnitude % second)}
}

// timeSize is the size of a timestamp: signed since major 8.
func timeSize(major uint16) int {
	if major == Major7 {
		return 10
	}
	return 11
}

func parseTime(b []byte, at int, major uint16) WireTime {
	var w WireTime
	if major != Major7 {
		w.Negative = b[at] == 0
		at++
	}
	w.Seconds, w.Nanos = u48(b, at), u32(b, at+6)
	return w
}

func appendTime(dst []byte, w WireTime, major uint16) ([]byte, error) {
	if major != Major7 {
		sign := byte(1)
		if w.Negative {
			sign = 0
		}
		dst = append(dst, sign)
	} else if w.Negative {
		return dst, ErrNegativeTime
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(w.Seconds))
	dst = binary.LittleEndian.AppendUint16(dst, uint16(w.Seconds>>32))
	return binary.LittleEndian.AppendUint32(dst, w.Nanos), nil
}

const dateSize = 7

// parseDate reads a UTC date-time, all zero being none.
func parseDate(b block, at int) (time.Time, error) {
	d := b.body[at : at+dateSize]
	year := int(int16(u16(d, 0)))
	month, day, hour, minute, second := int(d[2]), int(d[3]), int(d[4]), int(d[5]), int(d[6])
	if year == 0 && month == 0 && day == 0 && hour == 0 && minute == 0 && second == 0 {
		return time.Time{}, nil
	}
	// time.Date carries over what is out of bounds, which only a leap second may.
	midnight := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	if midnight.Day() != day || int(midnight.Month()) != month || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, b.fault(at, fmt.Errorf("%w: %d-%d-%d %d:%d:%d", ErrDate, year, month, day, hour, minute, second))
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC), nil
}

func appendDate(dst []byte, t time.Time) ([]byte, error) {
	if t.IsZero() {
		return append(dst, make([]byte, dateSize)...), nil
	}
	t = t.UTC()
	if y := t.Year(); y < math.MinInt16 || y > math.MaxInt16 {
		return dst, fmt.Errorf("%w: year %d", ErrDate, y)
	}
	dst = binary.LittleEndian.AppendUint16(dst, uint16(int16(t.Year())))
	return append(dst, byte(t.Month()), byte(t.Day()), byte(t.Hour()), byte(t.Minute()), byte(t.Second())), nil
}
