package mediatime

import (
	"errors"
	"fmt"
)

// Timecode is a SMPTE ST 12-1 address of a frame: frames since midnight at a
// nominal frame rate, counted with or without dropped numbers.
type Timecode struct {
	Frames int64 // frames since midnight
	Rate   Rate  // exact rate, such as 30000/1001
	Drop   bool  // drop-frame counting (29.97 and 59.94 only)
}

// ErrTimecode says that a text is not a timecode of the wanted rate.
var ErrTimecode = errors.New("not a timecode")

// nominal returns the whole number of frames that a timecode second counts.
func (tc Timecode) nominal() int64 {
	if tc.Rate.IsZero() {
		return 1
	}
	return (tc.Rate.Num + tc.Rate.Den - 1) / tc.Rate.Den
}

// dropped returns how many numbers are left out in each minute but the tenth.
func (tc Timecode) dropped() int64 { return tc.nominal() / 15 }

// String writes HH:MM:SS:FF, with a semicolon before the frames when numbers
// are dropped. It wraps at midnight.
func (tc Timecode) String() string {
	n, fps := tc.Frames, tc.nominal()
	if tc.Drop {
		n = tc.withDropped(n)
	}
	day := fps * 86400
	n = (n%day + day) % day
	separator := ':'
	if tc.Drop {
		separator = ';'
	}
	return fmt.Sprintf("%02d:%02d:%02d%c%02d", n/(fps*3600), n/(fps*60)%60, n/fps%60, separator, n%fps)
}

// withDropped returns the label number of frame n: SMPTE ST 12-1 leaves out the
// first labels of every minute that is not a tenth one.
func (tc Timecode) withDropped(n int64) int64 {
	drop := tc.dropped()
	perMinute := tc.nominal()*60 - drop
	perTen := tc.nominal()*600 - 9*drop
	tens, rest := n/perTen, n%perTen
	label := n + tens*9*drop
	if rest >= drop {
		label += (rest - drop) / perMinute * drop
	}
	return label
}

// ParseTimecode reads HH:MM:SS:FF; a semicolon or a dot before the frames means
// drop-frame counting.
func ParseTimecode(s string, rate Rate) (Timecode, error) {
	var h, m, sec, f int64
	var separator rune
	if n, err := fmt.Sscanf(s, "%02d:%02d:%02d%c%02d", &h, &m, &sec, &separator, &f); err != nil || n != 5 {
		return Timecode{}, fmt.Errorf("timecode %q, want HH:MM:SS:FF: %w", s, ErrTimecode)
	}
	tc := Timecode{Rate: rate, Drop: separator == ';' || separator == '.'}
	fps := tc.nominal()
	if h > 23 || m > 59 || sec > 59 || f >= fps || h < 0 || m < 0 || sec < 0 || f < 0 {
		return Timecode{}, fmt.Errorf("timecode %q at %s frames per second: %w", s, rate, ErrTimecode)
	}
	minutes := h*60 + m
	tc.Frames = (minutes*60+sec)*fps + f
	if tc.Drop {
		if m%10 != 0 && sec == 0 && f < tc.dropped() {
			return Timecode{}, fmt.Errorf("timecode %q names a dropped frame: %w", s, ErrTimecode)
		}
		tc.Frames -= tc.dropped() * (minutes - minutes/10)
	}
	return tc, nil
}

// Offset returns how long after midnight the frame starts, by its exact rate.
func (tc Timecode) Offset() Time { return tc.Rate.Offset(tc.Frames) }
