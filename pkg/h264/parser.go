package h264

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// ErrNoParameterSet says that a slice names a parameter set that has not been seen.
var ErrNoParameterSet = errors.New("parameter set is missing")

// ErrNoPicture says that an access unit holds no slice.
var ErrNoPicture = errors.New("no coded picture in the sample")

// Parser reads pictures in decoding order. The zero Parser is ready; it is not
// safe for concurrent use.
type Parser struct {
	sps  [32]*SPS
	pps  [256]*PPS
	sets []set // in the order in which they were first seen
	poc  pocState
}

// set is a parameter set as it stands in the stream.
type set struct {
	kind UnitType
	id   uint8
	unit []byte
}

// maxSetSize is what an avcC record can hold.
const maxSetSize = 0xffff

// AddSet takes a sequence or picture parameter set, from the bitstream or from
// a container's header; other units are ignored.
func (p *Parser) AddSet(unit []byte) error {
	if len(unit) > maxSetSize {
		return fmt.Errorf("parameter set of %d bytes: %w", len(unit), ErrSyntax)
	}
	switch TypeOf(unit) {
	case UnitSPS:
		s, err := ParseSPS(unit)
		if err != nil {
			return err
		}
		p.sps[s.ID] = s
		p.keep(set{UnitSPS, s.ID, unit})
	case UnitPPS:
		s, err := ParsePPS(unit)
		if err != nil {
			return err
		}
		p.pps[s.ID] = s
		p.keep(set{UnitPPS, s.ID, unit})
	case UnitSPSExt:
		r := newBitReader(unit[1:])
		p.keep(set{UnitSPSExt, uint8(r.ue()), unit})
	}
	return nil
}

// keep remembers the latest bytes of a set.
func (p *Parser) keep(s set) {
	for i, old := range p.sets {
		if old.kind == s.kind && old.id == s.id {
			if !bytes.Equal(old.unit, s.unit) {
				p.sets = slices.Clone(p.sets)
				p.sets[i].unit = bytes.Clone(s.unit)
			}
			return
		}
	}
	s.unit = bytes.Clone(s.unit)
	p.sets = append(slices.Clip(p.sets), s)
}

// Sets returns the parameter sets in force, in the order in which a decoder
// wants them. Put before a random access point that is not Complete, they make
// it decodable by itself.
func (p *Parser) Sets() [][]byte {
	out := make([][]byte, 0, len(p.sets))
	for _, kind := range [...]UnitType{UnitSPS, UnitSPSExt, UnitPPS} {
		for _, s := range p.sets {
			if s.kind == kind {
				out = append(out, s.unit)
			}
		}
	}
	return out
}

// AddSets takes the parameter sets of a decoder configuration.
func (p *Parser) AddSets(c *Config) error {
	for _, unit := range c.Sets() {
		if err := p.AddSet(unit); err != nil {
			return err
		}
	}
	return nil
}

// SPS returns the sequence parameter set of the lowest number, or nil.
func (p *Parser) SPS() *SPS {
	for _, s := range p.sps {
		if s != nil {
			return s
		}
	}
	return nil
}

// AVCC reads the facts of a sample whose units are preceded by lengths. It
// returns ErrFraming, ErrNoPicture, ErrNoParameterSet or a syntax error.
func (p *Parser) AVCC(sample []byte, lengthSize int) (Picture, error) {
	a := access{parser: p}
	if err := EachAVCC(sample, lengthSize, a.add); err != nil {
		return Picture{}, err
	}
	return a.picture()
}

// AnnexB reads the facts of an access unit with start codes; errors as AVCC.
func (p *Parser) AnnexB(data []byte) (Picture, error) {
	a := access{parser: p}
	if err := EachAnnexB(data, a.add); err != nil {
		return Picture{}, err
	}
	return a.picture()
}

// errEnough ends a walk once the first slice has been read.
var errEnough = errors.New("enough")

// PeekAVCC reads what the first bytes of a sample tell, up to its first slice:
// all of Picture, except that Intra rests on the first slice, that a second
// field is not seen, and that POC is that of a lone picture. It returns
// ErrNoPicture when the prefix ends before the first slice.
func (p *Parser) PeekAVCC(prefix []byte, lengthSize int) (Picture, error) {
	lone := *p
	a := access{parser: &lone, peek: true}
	whole, cut := closePrefix(prefix, lengthSize)
	err := EachAVCC(whole, lengthSize, a.add)
	switch {
	case err == nil, errors.Is(err, errEnough):
		return a.picture()
	case cut:
		// The rest of the sample may well make sense of it.
		return Picture{}, ErrNoPicture
	}
	return Picture{}, err
}

// closePrefix returns the prefix of a sample with the length of its last unit
// made to fit, so that it reads as a whole sample, and whether that was needed.
func closePrefix(prefix []byte, lengthSize int) ([]byte, bool) {
	for at := 0; at < len(prefix); {
		if len(prefix)-at < lengthSize {
			return prefix[:at], true
		}
		size := uint64(0)
		for _, b := range prefix[at : at+lengthSize] {
			size = size<<8 | uint64(b)
		}
		begin := at + lengthSize
		rest := uint64(len(prefix) - begin)
		if size <= rest {
			at = begin + int(size)
			continue
		}
		fixed := append([]byte(nil), prefix...)
		for i := range lengthSize {
			fixed[begin-1-i] = byte(rest >> (8 * i))
		}
		return fixed, true
	}
	return prefix, false
}
