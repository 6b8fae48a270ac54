package media

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Entry is a grain and where its bytes stand in its object.
type Entry struct {
	Grain
	Offset int64 // from the start of the object
	Size   int64
}

// Index lists the grains of one object in decode order. It is kept as one packed
// blob beside the object's row, so that a single grain is one ranged read.
type Index []Entry

// ErrIndex says that bytes are not a packed index.
var ErrIndex = errors.New("not a grain index")

const (
	indexVersion = 1
	// minEntrySize is the least that one entry takes, which bounds what a claimed
	// count may make us allocate.
	minEntrySize = 5
)

// Bits of the packed flags.
const (
	flagLeading = 1 << (iota + 2) // the two lowest hold RandomAccess
	flagDisposable
	flagReordered // PTS differs from Order; a temporal offset follows
	flagAudio     // samples follow
	flagTrimmed   // priming and remainder follow
	flagRare      // recovery frames, injected units, config follow
	flagTicks     // ticks differ from what the last entry leads to expect
)

// Pack writes the index: a version, a count, then for each entry its flags and
// differences from the entry before, all as varints. A plain grain takes some
// seven bytes.
func (x Index) Pack() []byte {
	b := make([]byte, 0, 16+len(x)*10)
	b = append(b, indexVersion)
	b = binary.AppendUvarint(b, uint64(len(x)))
	var p predictor
	for i := range x {
		b = p.append(b, &x[i])
	}
	return b
}

// predictor holds what the next entry is expected to be, on both sides.
type predictor struct {
	order, duration mediatime.Time
	offset, size    int64
	ticks, step     int64
	samples         uint32
}

func (p *predictor) append(b []byte, e *Entry) []byte {
	flags := uint64(e.Access)
	set := func(on bool, bit uint64) {
		if on {
			flags |= bit
		}
	}
	set(e.Leading, flagLeading)
	set(e.Disposable, flagDisposable)
	set(e.PTS != e.Order || e.TemporalOffset != 0, flagReordered)
	set(e.Samples != 0, flagAudio)
	set(e.Priming != 0 || e.Remainder != 0, flagTrimmed)
	set(e.RecoveryFrames != 0 || e.Injected != 0 || e.Config != 0, flagRare)
	set(e.Ticks != p.ticks, flagTicks)

	b = binary.AppendUvarint(b, flags)
	b = binary.AppendVarint(b, int64(e.Order-p.order))
	b = binary.AppendVarint(b, int64(e.Duration-p.duration))
	b = binary.AppendVarint(b, e.Offset-p.offset)
	b = binary.AppendVarint(b, e.Size-p.size)
	if flags&flagReordered != 0 {
		b = binary.AppendVarint(b, int64(e.PTS-e.Order))
		b = binary.AppendVarint(b, int64(e.TemporalOffset))
	}
	if flags&flagAudio != 0 {
		b = binary.AppendVarint(b, int64(e.Samples)-int64(p.samples))
	}
	if flags&flagTrimmed != 0 {
		b = binary.AppendUvarint(b, uint64(e.Priming))
		b = binary.AppendUvarint(b, uint64(e.Remainder))
	}
	if flags&flagRare != 0 {
		b = binary.AppendUvarint(b, uint64(e.RecoveryFrames))
		b = append(b, e.Injected)
		b = binary.AppendUvarint(b, uint64(e.Config))
	}
	if flags&flagTicks != 0 {
		b = binary.AppendVarint(b, e.Ticks-p.ticks)
	}
	p.advance(e)
	return b
}

// advance sets what the entry after e is expected to be.
func (p *predictor) advance(e *Entry) {
	p.order = e.Order + e.Duration
	p.duration = e.Duration
	p.offset = e.Offset + e.Size
	p.size = e.Size
	p.samples = e.Samples
	// Ticks mostly go on by the same step as last time.
	previous := p.ticks - p.step
	p.step = e.Ticks - previous
	p.ticks = e.Ticks + p.step
}

// UnpackIndex reads what Pack wrote. It returns ErrIndex for anything else.
func UnpackIndex(b []byte) (Index, error) {
	if len(b) == 0 {
		return nil, nil
	}
	if b[0] != indexVersion {
		return nil, fmt.Errorf("version %d, want %d: %w", b[0], indexVersion, ErrIndex)
	}
	r := varints{b: b[1:]}
	count := r.unsigned()
	if count > uint64(len(r.b)/minEntrySize) {
		return nil, fmt.Errorf("%d entries in %d bytes: %w", count, len(r.b), ErrIndex)
	}
	index := make(Index, count)
	var p predictor
	for i := range index {
		p.read(&r, &index[i])
	}
	if r.bad || len(r.b) != 0 {
		return nil, fmt.Errorf("%d entries do not fill %d bytes: %w", count, len(b), ErrIndex)
	}
	return index, nil
}

func (p *predictor) read(r *varints, e *Entry) {
	flags := r.unsigned()
	e.Access = RandomAccess(flags & 3)
	e.Leading = flags&flagLeading != 0
	e.Disposable = flags&flagDisposable != 0
	e.Order = p.order + mediatime.Time(r.signed())
	e.Duration = p.duration + mediatime.Time(r.signed())
	e.Offset = p.offset + r.signed()
	e.Size = p.size + r.signed()
	e.PTS = e.Order
	if flags&flagReordered != 0 {
		e.PTS += mediatime.Time(r.signed())
		e.TemporalOffset = int32(r.signed())
	}
	if flags&flagAudio != 0 {
		e.Samples = uint32(int64(p.samples) + r.signed())
	}
	if flags&flagTrimmed != 0 {
		e.Priming = uint32(r.unsigned())
		e.Remainder = uint32(r.unsigned())
	}
	if flags&flagRare != 0 {
		e.RecoveryFrames = uint16(r.unsigned())
		e.Injected = r.octet()
		e.Config = uint16(r.unsigned())
	}
	e.Ticks = p.ticks
	if flags&flagTicks != 0 {
		e.Ticks += r.signed()
	}
	p.advance(e)
}

// varints reads numbers until one does not fit, which sets bad.
type varints struct {
	b   []byte
	bad bool
}

func (r *varints) unsigned() uint64 {
	v, n := binary.Uvarint(r.b)
	return v * r.skip(n)
}

func (r *varints) signed() int64 {
	v, n := binary.Varint(r.b)
	return v * int64(r.skip(n))
}

func (r *varints) octet() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

// skip moves past n bytes and returns 1, or marks the input bad and returns 0.
func (r *varints) skip(n int) uint64 {
	if n <= 0 || r.bad {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return 1
}
