package origin

import (
	"encoding/binary"
	"math"
)

// reduce returns samples with no more bits than FLAC is given: those of 16 and 24
// bits as they are, integers of 32 bits without their lowest eight, floating point
// rounded to 24 bits and clipped at full scale.
func (r *rawAudio) reduce(stored []byte) []byte {
	switch {
	case r.bytes <= 3:
		return stored
	case !r.float:
		out := make([]byte, 0, len(stored)/4*3)
		for ; len(stored) >= 4; stored = stored[4:] {
			out = append(out, stored[1:4]...)
		}
		return out
	default:
		return r.reduceFloat(stored)
	}
}

func (r *rawAudio) reduceFloat(stored []byte) []byte {
	out := make([]byte, 0, len(stored)/r.bytes*3)
	for ; len(stored) >= r.bytes; stored = stored[r.bytes:] {
		var v float64
		if r.bytes == 8 {
			v = math.Float64frombits(binary.LittleEndian.Uint64(stored))
		} else {
			v = float64(math.Float32frombits(binary.LittleEndian.Uint32(stored)))
		}
		out = appendInt24(out, v)
	}
	return out
}

// appendInt24 appends a sample of -1 to 1 as 24 bits. What is not a number is
// silence.
func appendInt24(dst []byte, v float64) []byte {
	const full = 1 << 23
	if math.IsNaN(v) {
		v = 0
	}
	n := int32(math.RoundToEven(math.Max(-full, math.Min(full-1, v*full))))
	return append(dst, byte(n), byte(n>>8), byte(n>>16))
}
