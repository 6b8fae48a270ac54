package isobmff

import "encoding/binary"

// table is an array of records of big-endian 32-bit words as it stands in a box.
type table struct {
	b     []byte
	width int // words in a record
}

func (t table) len() int { return len(t.b) / (4 * t.width) }

func (t table) at(i, word int) uint32 {
	return binary.BigEndian.Uint32(t.b[4*(i*t.width+word):])
}

// sampleTable is a track's stbl. Its tables alias the moov box.
type sampleTable struct {
	times   table // stts: count, delta
	offsets table // ctts: count, offset
	signed  bool  // offsets are signed
	toChunk table // stsc: first chunk, samples per chunk, description
	chunks  table // stco, or co64 with two words
	sync    table // stss
	allSync bool  // there is no stss
	sizes   sizes
}

// sizes is stsz or stz2.
type sizes struct {
	constant uint32
	count    uint32
	bits     uint // of an entry in b: 4, 8, 16 or 32
	b        []byte
}

func (s *sizes) at(i uint32) uint32 {
	switch s.bits {
	case 4:
		pair := s.b[i/2]
		if i%2 == 0 {
			return uint32(pair >> 4)
		}
		return uint32(pair & 15)
	case 8:
		return uint32(s.b[i])
	case 16:
		return uint32(binary.BigEndian.Uint16(s.b[2*i:]))
	case 32:
		return binary.BigEndian.Uint32(s.b[4*i:])
	}
	return s.constant
}

// readTable reads the count and the records of a full box.
func readTable(name string, payload []byte, width int) (table, error) {
	f := fields{b: payload}
	f.full()
	count := uint64(f.u32())
	size := count * uint64(4*width)
	if f.short || size > uint64(len(f.b)) {
		return table{}, malformed("the box %q lists %d entries in %d bytes", name, count, len(payload))
	}
	return table{f.b[:size:size], width}, nil
}

func readSizes(box Box) (sizes, error) {
	f := fields{b: box.Data}
	f.full()
	s := sizes{bits: 32}
	if box.Type == "stz2" {
		s.bits = uint(f.u32() & 0xff)
		if s.bits != 4 && s.bits != 8 && s.bits != 16 {
			return s, malformed("the box stz2 has fields of %d bits", s.bits)
		}
	} else {
		s.constant = f.u32()
	}
	s.count = f.u32()
	if s.constant != 0 {
		s.bits = 0
	}
	need := (uint64(s.count)*uint64(s.bits) + 7) / 8
	if f.short || need > uint64(len(f.b)) {
		return s, malformed("the box %q lists %d samples in %d bytes", box.Type, s.count, len(box.Data))
	}
	s.b = f.b[:need]
	return s, nil
}

func readSampleTable(stbl []byte) (*sampleTable, error) {
	t := &sampleTable{allSync: true, toChunk: table{width: 3}, times: table{width: 2}, offsets: table{width: 2}, chunks: table{width: 1}, sync: table{width: 1}}
	var err error
	for box := range Children(stbl) {
		switch box.Type {
		case "stts":
			t.times, err = readTable(box.Type, box.Data, 2)
		case "ctts":
			// Version 0 is unsigned by the letter; QuickTime and many others write
			// negative offsets there all the same, and none needs more than 31 bits.
			t.signed = true
			t.offsets, err = readTable(box.Type, box.Data, 2)
		case "stsc":
			t.toChunk, err = readTable(box.Type, box.Data, 3)
		case "stco":
			t.chunks, err = readTable(box.Type, box.Data, 1)
		case "co64":
			t.chunks, err = readTable(box.Type, box.Data, 2)
		case "stss":
			t.allSync = false
			t.sync, err = readTable(box.Type, box.Data, 1)
		case "stsz", "stz2":
			t.sizes, err = readSizes(box)
		}
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *sampleTable) chunkOffset(i int) int64 {
	if t.chunks.width == 2 {
		return int64(uint64(t.chunks.at(i, 0))<<32 | uint64(t.chunks.at(i, 1)))
	}
	return int64(t.chunks.at(i, 0))
}
