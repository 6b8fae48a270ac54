package h264

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrConfig says that an avcC record is malformed.
var ErrConfig = errors.New("AVC decoder configuration is malformed")

// Config is an AVCDecoderConfigurationRecord, the payload of an avcC box
// (ISO/IEC 14496-15, 5.3.3.1). The sets alias the bytes they were read from.
type Config struct {
	Profile, Constraints, Level uint8
	LengthSize                  int // bytes of a unit's length: 1, 2 or 4
	SPS, PPS, SPSExt            [][]byte
	ChromaFormat                uint8 // the last three only with high profiles
	BitDepthLuma                uint8
	BitDepthChroma              uint8
}

// ParseConfig reads the payload of an avcC box. Bytes after the last known
// field are allowed; writers often leave out the fields of the high profiles.
func ParseConfig(b []byte) (*Config, error) {
	if len(b) < 7 || b[0] != 1 {
		return nil, fmt.Errorf("record of %d bytes: %w", len(b), ErrConfig)
	}
	c := &Config{
		Profile: b[1], Constraints: b[2], Level: b[3], LengthSize: int(b[4]&3) + 1,
		ChromaFormat: 1, BitDepthLuma: 8, BitDepthChroma: 8,
	}
	if c.LengthSize == 3 {
		return nil, fmt.Errorf("3 bytes: %w: %w", ErrLengthSize, ErrConfig)
	}
	var rest []byte
	var err error
	if c.SPS, rest, err = readSets(b[6:], int(b[5]&31)); err != nil {
		return nil, err
	}
	if len(rest) == 0 {
		return nil, fmt.Errorf("no count of picture parameter sets: %w", ErrConfig)
	}
	if c.PPS, rest, err = readSets(rest[1:], int(rest[0])); err != nil {
		return nil, err
	}
	if !hasChromaFields(c.Profile) || len(rest) < 4 {
		return c, nil
	}
	c.ChromaFormat = rest[0] & 3
	c.BitDepthLuma, c.BitDepthChroma = rest[1]&7+8, rest[2]&7+8
	if ext, _, err := readSets(rest[4:], int(rest[3])); err == nil {
		c.SPSExt = ext
	}
	return c, nil
}

func readSets(b []byte, count int) (sets [][]byte, rest []byte, err error) {
	for range count {
		if len(b) < 2 {
			return nil, nil, fmt.Errorf("cut before a parameter set: %w", ErrConfig)
		}
		size := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; size > len(b) {
			return nil, nil, fmt.Errorf("parameter set of %d bytes, %d left: %w", size, len(b), ErrConfig)
		}
		sets, b = append(sets, b[:size:size]), b[size:]
	}
	return sets, b, nil
}

// Sets returns the parameter sets in the order in which a decoder wants them.
func (c *Config) Sets() [][]byte {
	out := make([][]byte, 0, len(c.SPS)+len(c.SPSExt)+len(c.PPS))
	out = append(append(out, c.SPS...), c.SPSExt...)
	return append(out, c.PPS...)
}

// NewConfig makes the configuration of a stream from its parameter sets.
func NewConfig(sps, pps [][]byte, lengthSize int) (*Config, error) {
	if len(sps) == 0 || len(sps) > 31 || len(pps) > 255 {
		return nil, fmt.Errorf("%d sequence and %d picture parameter sets: %w", len(sps), len(pps), ErrConfig)
	}
	for _, set := range append(append([][]byte(nil), sps...), pps...) {
		if len(set) > 0xffff {
			return nil, fmt.Errorf("parameter set of %d bytes: %w", len(set), ErrConfig)
		}
	}
	s, err := ParseSPS(sps[0])
	if err != nil {
		return nil, err
	}
	return &Config{
		Profile: s.Profile, Constraints: s.Constraints, Level: s.Level,
		LengthSize: lengthSize, SPS: sps, PPS: pps,
		ChromaFormat: s.ChromaFormat, BitDepthLuma: s.BitDepth, BitDepthChroma: s.BitDepth,
	}, nil
}

// Bytes writes the payload of an avcC box.
func (c *Config) Bytes() []byte {
	b := []byte{1, c.Profile, c.Constraints, c.Level, 0xfc | byte(c.LengthSize-1), 0xe0 | byte(len(c.SPS))}
	b = appendSets(b, c.SPS)
	b = appendSets(append(b, byte(len(c.PPS))), c.PPS)
	if hasChromaFields(c.Profile) {
		b = append(b, 0xfc|c.ChromaFormat, 0xf8|(c.BitDepthLuma-8), 0xf8|(c.BitDepthChroma-8), byte(len(c.SPSExt)))
		b = appendSets(b, c.SPSExt)
	}
	return b
}

func appendSets(b []byte, sets [][]byte) []byte {
	for _, set := range sets {
		b = binary.BigEndian.AppendUint16(b, uint16(len(set)))
		b = append(b, set...)
	}
	return b
}
