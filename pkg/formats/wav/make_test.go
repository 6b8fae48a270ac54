package wav_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/grainmesh/grainmesh/pkg/formats/formattest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// The functions here put files together byte by byte, without the writer, so that a
// fault common to reader and writer shows.

func le16(v int) []byte   { return binary.LittleEndian.AppendUint16(nil, uint16(v)) }
func le32(v int64) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }
func le64(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// chunk is a chunk of RIFF, padded.
func chunk(id string, parts ...[]byte) []byte {
	body := cat(parts...)
	return cat([]byte(id), le32(int64(len(body))), body, make([]byte, len(body)&1))
}

// claims is a chunk whose header gives a size of its own.
func claims(id string, size int64, body []byte) []byte { return cat([]byte(id), le32(size), body) }

func riff(chunks ...[]byte) []byte { return form("RIFF", -1, chunks...) }

// form is a file; a size of -1 is the true one.
func form(id string, size int64, chunks ...[]byte) []byte {
	body := cat(chunks...)
	if size < 0 {
		size = int64(len(body) + 4)
	}
	return cat([]byte(id), le32(size), []byte("WAVE"), body)
}

// essence is how the samples of a made file are stored.
type essence struct {
	tag      int // 1 PCM, 3 floating point
	rate     int
	channels int
	bits     int // in the file
	valid    int // bits that count; the file is extensible if it is set
	frames   int
}

func (e essence) bytes() int { return (e.bits + 7) / 8 }

func (e essence) fmt() []byte {
	tag, extra := e.tag, []byte(nil)
	if e.valid != 0 {
		guid := []byte{0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71}
		extra = cat(le16(22), le16(e.valid), le32(0), le16(e.tag), guid)
		tag = 0xfffe
	}
	align := e.bytes() * e.channels
	return chunk("fmt ", le16(tag), le16(e.channels), le32(int64(e.rate)), le32(int64(e.rate*align)), le16(align), le16(e.bits), extra)
}

// samples are as random as they are the same each time.
func (e essence) samples() []byte {
	source := rand.NewChaCha8([32]byte{byte(e.rate), byte(e.channels), byte(e.bits)})
	b := make([]byte, e.frames*e.channels*e.bytes())
	_, _ = source.Read(b)
	return b
}

// stored are the samples as the store keeps them.
func (e essence) stored() []byte {
	in := e.samples()
	if e.bytes() > 1 {
		return in
	}
	out := make([]byte, 2*len(in))
	for i, b := range in {
		binary.LittleEndian.PutUint16(out[2*i:], uint16((int(b)-128)*256))
	}
	return out
}

func (e essence) data() []byte { return chunk("data", e.samples()) }

// track is what is to be found in a file of this essence.
func (e essence) track() formattest.Track {
	perGrain := 1024
	if e.rate%25 == 0 {
		perGrain = e.rate / 25
	}
	return formattest.Track{
		Number: 1, Grains: int64((e.frames + perGrain - 1) / perGrain), Payload: e.stored(),
		Range: mediatime.NewRange(0, mediatime.Time(int64(e.frames)*1e9/int64(e.rate))),
	}
}

// file is a test of a file of this essence that holds the given bytes.
func (e essence) file(name string, b []byte, warnings ...string) formattest.File {
	return formattest.File{
		Name: name, Make: func(testing.TB) []byte { return b },
		Tracks: []formattest.Track{e.track()}, Warnings: warnings,
	}
}

// plain is the usual file of an essence.
func (e essence) plain(name string) formattest.File { return e.file(name, riff(e.fmt(), e.data())) }

func cd(frames int) essence {
	return essence{tag: 1, rate: 44100, channels: 2, bits: 16, frames: frames}
}

// bext is a chunk of EBU Tech 3285.
func bext(description, date, clock string, reference int64) []byte {
	text := func(s string, n int) []byte { return append([]byte(s), make([]byte, n-len(s))...) }
	return chunk("bext", text(description, 256), text("", 32), text("", 32), text(date, 10), text(clock, 8), le64(reference), make([]byte, 256))
}

// ds64 gives sizes in 64 bits.
func ds64(data, frames int64) []byte {
	return chunk("ds64", le64(data+1000), le64(data), le64(frames), le32(0))
}

// hole is a file that starts with some bytes and is zero from there on.
type hole []byte

func (h hole) ReadAt(p []byte, off int64) (int, error) {
	clear(p)
	if off < int64(len(h)) {
		copy(p, h[off:])
	}
	return len(p), nil
}
