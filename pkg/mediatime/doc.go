// Package mediatime is the arithmetic of media time: TAI instants and half-open
// ranges in nanoseconds, exact rational rates, and SMPTE timecode.
//
// Everything in Grainmesh that says "when" uses [Time], nanoseconds of
// International Atomic Time since 1970-01-01T00:00:00 TAI, in an int64. That
// covers +-292 years; TAMS allows 48 bits of seconds, and what lies beyond is
// refused by name ([ErrOutOfRange]) and never wrapped.
//
// Rates are exact fractions. Grain n of a constant-rate Flow starts at
//
//	origin + floor(n * 1e9 * den / num)
//
// and is never found by adding rounded durations, which overlaps by 1 ns at a
// third of all boundaries at 24 and 29.97 frames per second.
package mediatime
