package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/pcm"
)

// header is what the chunks before (and after) the samples say.
type header struct {
	pcm.Layout
	dataStart, dataSize int64
	// timeReference counts samples since midnight (bext); -1 without one.
	timeReference int64
	created       time.Time // bext origination; zero without one
	description   string
	warnings      []string
}

// Chunk ids.
const (
	idRIFF = "RIFF"
	idRF64 = "RF64"
	idBW64 = "BW64"
	idWAVE = "WAVE"
	idDS64 = "ds64"
	idFmt  = "fmt "
	idData = "data"
	idBext = "bext"
)

const (
	riffHeader  = 12
	chunkHeader = 8
	// unknown32 as a size means "see ds64", or "never patched" in a streamed file.
	unknown32 = math.MaxUint32
	// maxChunks bounds the chunks that are walked through.
	maxChunks = 1024
	// maxMeta bounds what is read of one descriptive chunk.
	maxMeta = 64 << 10
)

// Format tags of WAVEFORMATEX.
const (
	tagPCM        = 1
	tagFloat      = 3
	tagExtensible = 0xfffe
)

// What follows the format tag in the GUID of an extensible sub-format: Microsoft's
// KSDATAFORMAT_SUBTYPE_*, and the B format of ambisonics, whose samples are the same.
var (
	ksDataFormat = [14]byte{0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71}
	ambisonic    = [14]byte{0, 0, 0x21, 0x07, 0xd3, 0x11, 0x86, 0x44, 0xc8, 0xc1, 0xca, 0, 0, 0}
)

// parser walks over the chunks of a file.
type parser struct {
	in        formats.Input
	h         header
	big       bool  // RF64 or BW64: sizes in 64 bits come from ds64
	unpatched bool  // the size of the file in its header is 0
	ds64Data  int64 // size of data by ds64; -1 without one
	haveFmt   bool
	haveData  bool
}

// readHeader reads everything but the samples.
func readHeader(in formats.Input) (*header, error) {
	p := &parser{in: in, h: header{timeReference: -1}, ds64Data: -1}
	if in.Size() == 0 {
		return nil, fault.New(fault.EmptyFile, "the file is empty: it has no bytes")
	}
	riff := make([]byte, riffHeader)
	if err := readAt(in, riff, 0); err != nil {
		return nil, err
	}
	if !sniff(riff) {
		return nil, fault.Newf(fault.MalformedFile, "it starts with %q, want RIFF, RF64 or BW64 and WAVE", printable(riff))
	}
	p.big = string(riff[:4]) != idRIFF
	p.unpatched = binary.LittleEndian.Uint32(riff[4:]) == 0
	if err := p.walk(); err != nil {
		return nil, err
	}
	switch {
	case !p.haveFmt:
		return nil, fault.New(fault.MalformedFile, `the WAV has no chunk "fmt "`)
	case !p.haveData:
		return nil, fault.New(fault.TruncatedFile, `the WAV has no chunk "data": it is truncated or was not finished`)
	}
	return &p.h, nil
}

func sniff(head []byte) bool {
	if len(head) < riffHeader || string(head[8:12]) != idWAVE {
		return false
	}
	switch string(head[:4]) {
	case idRIFF, idRF64, idBW64:
		return true
	}
	return false
}

// walk goes from chunk to chunk. What follows the samples and is no chunk, such as
// padding, is left alone.
func (p *parser) walk() error {
	at := int64(riffHeader)
	head := make([]byte, chunkHeader)
	for range maxChunks {
		if at+chunkHeader > p.in.Size() {
			return nil
		}
		if err := readAt(p.in, head, at); err != nil {
			return err
		}
		id, size := string(head[:4]), int64(binary.LittleEndian.Uint32(head[4:]))
		if p.haveData && !isID(id) {
			return nil
		}
		at += chunkHeader
		size, err := p.chunk(id, at, size)
		if err != nil {
			return err
		}
		at += size + size&1 // chunks are padded to even sizes
	}
	if p.haveFmt && p.haveData {
		return nil
	}
	return fault.Newf(fault.MalformedFile, "the WAV has more than %d chunks before its samples", maxChunks)
}

// isID says whether the four bytes could name a chunk.
func isID(id string) bool {
	for _, c := range []byte(id) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

// chunk takes one chunk whose body starts at a place, and returns its true size. Of
// two of a kind the first counts.
func (p *parser) chunk(id string, at, size int64) (int64, error) {
	switch id {
	case idDS64:
		body, err := p.body(id, at, size, 24)
		if err != nil {
			return 0, err
		}
		dataSize := binary.LittleEndian.Uint64(body[8:])
		if dataSize > math.MaxInt64 {
			return 0, fault.Newf(fault.MalformedFile, "ds64 gives the samples a size of %d bytes, which overflows", dataSize)
		}
		p.ds64Data = int64(dataSize)
	case idFmt:
		if p.haveFmt {
			p.h.warnings = append(p.h.warnings, `a second chunk "fmt " is left out`)
			return size, nil
		}
		body, err := p.body(id, at, size, 16)
		if err != nil {
			return 0, err
		}
		p.haveFmt = true
		return size, p.format(body)
	case idBext:
		body, err := p.body(id, at, size, bextFixed)
		if err != nil {
			return 0, err
		}
		p.bext(body)
	case idData:
		if p.haveData {
			p.h.warnings = append(p.h.warnings, fmt.Sprintf(`a second chunk "data" of %d bytes is left out`, size))
			return size, nil
		}
		return p.data(at, size)
	}
	return size, nil
}

// body reads up to maxMeta of a chunk that must have at least so many bytes.
func (p *parser) body(id string, at, size, least int64) ([]byte, error) {
	if size < least {
		return nil, fault.Newf(fault.MalformedFile, "chunk %q has %d bytes, want at least %d", id, size, least)
	}
	if at+size > p.in.Size() {
		return nil, fault.Newf(fault.TruncatedFile, "chunk %q at byte %d claims %d bytes, and the file ends after %d", id, at, size, p.in.Size()-at)
	}
	body := make([]byte, min(size, maxMeta))
	return body, readAt(p.in, body, at)
}

func (p *parser) format(b []byte) error {
	tag := binary.LittleEndian.Uint16(b)
	bits := int(binary.LittleEndian.Uint16(b[14:]))
	align := int64(binary.LittleEndian.Uint16(b[12:]))
	l := pcm.Layout{
		Channels: int(binary.LittleEndian.Uint16(b[2:])), SampleRate: int(binary.LittleEndian.Uint32(b[4:])),
		Bytes: (bits + 7) / 8, ValidBits: bits,
	}
	if tag == tagExtensible {
		if len(b) < 40 {
			return fault.Newf(fault.MalformedFile, `chunk "fmt " is extensible and has %d bytes, want 40`, len(b))
		}
		if valid := int(binary.LittleEndian.Uint16(b[18:])); valid > 0 {
			l.ValidBits = valid
		}
		if tail := [14]byte(b[26:]); tail != ksDataFormat && tail != ambisonic {
			return fault.Newf(fault.UnsupportedFile, "the WAV holds audio of the sub-format % x, want PCM or floating point", b[24:40])
		}
		tag = binary.LittleEndian.Uint16(b[24:]) // the first part of the sub-format's GUID
	}
	switch tag {
	case tagPCM:
		l.Unsigned = l.Bytes == 1
	case tagFloat:
		l.Float = true
	default:
		return fault.Newf(fault.UnsupportedFile, "the WAV holds audio of format tag 0x%04x, want PCM (1) or floating point (3)", tag)
	}
	if err := l.Validate(); err != nil {
		return fault.Newf(fault.MalformedFile, `chunk "fmt ": %w`, err)
	}
	if align != l.FrameBytes() {
		return fault.Newf(fault.MalformedFile, `chunk "fmt " gives blocks of %d bytes, and %d channels of %d bytes are %d`, align, l.Channels, l.Bytes, l.FrameBytes())
	}
	p.h.Layout = l
	return nil
}

// data finds how many bytes of samples there are. A header that claims more than
// the file has lies, and to believe the file instead would lose the end unseen.
func (p *parser) data(at, size int64) (int64, error) {
	rest := p.in.Size() - at
	switch {
	case p.big && size == unknown32:
		if p.ds64Data < 0 {
			return 0, fault.New(fault.MalformedFile, "the size of the samples stands in ds64, and the file has no ds64")
		}
		size = p.ds64Data
	case size == unknown32, size == 0 && p.unpatched && rest > 0:
		p.h.warnings = append(p.h.warnings, "the header gives no size for the samples, as of a stream: everything up to the end of the file is taken")
		size = rest
	}
	if size > rest {
		return 0, fault.Newf(fault.TruncatedFile, "the header claims %d bytes of samples from byte %d on, and the file has %d there: it is truncated, or its header lies", size, at, rest)
	}
	p.haveData, p.h.dataStart, p.h.dataSize = true, at, size
	return size, nil
}

// Layout of bext, EBU Tech 3285.
const (
	bextDescription = 256
	bextDate        = 256 + 32 + 32
	bextTime        = bextDate + 10
	bextReference   = bextTime + 8
	bextFixed       = bextReference + 8
)

func (p *parser) bext(b []byte) {
	p.h.description = text(b[:bextDescription])
	p.h.timeReference = int64(binary.LittleEndian.Uint64(b[bextReference:]))
	if p.h.timeReference < 0 {
		p.h.timeReference = -1
		p.h.warnings = append(p.h.warnings, "the time reference in bext overflows and is left out")
	}
	stamp := text(b[bextDate:bextTime]) + " " + text(b[bextTime:bextReference])
	for _, separators := range []string{"2006-01-02 15:04:05", "2006_01_02 15_04_05", "2006-01-02 15-04-05", "2006:01:02 15:04:05"} {
		if created, err := time.Parse(separators, stamp); err == nil {
			p.h.created = created
		}
	}
}

func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return strings.TrimSpace(strings.ToValidUTF8(string(b), ""))
}

func printable(b []byte) string { return strings.ToValidUTF8(string(b[:4]), "?") }

// readAt fills b from a place, or says that the file is too short.
func readAt(in formats.Input, b []byte, at int64) error {
	n, err := in.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) || err == nil {
		return fault.Newf(fault.TruncatedFile, "it ends at byte %d, inside a header", in.Size())
	}
	return err
}
