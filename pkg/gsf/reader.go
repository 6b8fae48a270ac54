package gsf

import (
	"cmp"
	"errors"
	"fmt"
	"io"
)

// Options sets the limits of a Reader. The zero Options is right for whole files.
type Options struct {
	// MaxHeader bounds the size in bytes of a head block and of a grain's header,
	// 16 MiB if 0.
	MaxHeader int64
	// MaxGrain bounds the size in bytes of a grain's essence, 1 GiB if 0. It does
	// not apply where essence is not copied.
	MaxGrain int64
	// Size is the length of the input in bytes if it is known, else 0. A block
	// that claims to reach beyond it is then refused before it is read.
	Size int64
	// SkipData leaves Grain.Data empty; Grain.Pos says where the essence is.
	SkipData bool
	// Header, if not nil, is that of the file of which the input is a part: the
	// input then starts with a block, not with a header of its own, and does not
	// need to have a terminator.
	Header *Header
	// Base is the offset in bytes of the input's start within its file. Offsets
	// in positions, errors and warnings include it.
	Base int64
}

const (
	defaultMaxHeader = 16 << 20
	defaultMaxGrain  = 1 << 30
	maxWarnings      = 100
)

// Reader decodes the grains of a stream one after the other. It is not safe for
// use by several goroutines.
type Reader struct {
	in     input
	opts   Options
	end    int64 // offset of the input's end, -1 if not known
	off    int64 // offset of the next byte of in
	header *Header
	err    error // what Next returns from now on

	counts     counter
	part       bool // of a file: what is missing at the end is not a fault
	terminated bool
	warnings   []Warning
	warned     map[WarningCode]bool // kinds that are reported once a stream
}

// NewReader reads the header of a stream, and gives a Reader of its grains. It
// returns an Error, or what src returned.
func NewReader(src io.Reader, opts Options) (*Reader, error) {
	end := int64(-1)
	if opts.Size > 0 {
		end = opts.Base + opts.Size
	}
	return start(newStream(src, end >= 0), end, opts)
}

// NewBytesReader gives a Reader of a stream in memory, whose grains alias b.
func NewBytesReader(b []byte, opts Options) (*Reader, error) {
	opts.MaxGrain = maxBlock
	return start(&memory{rest: b}, opts.Base+int64(len(b)), opts)
}

// NewIndexReader gives a Reader of a file of size bytes that reads the headers
// only: Grain.Data stays empty, and Grain.Pos says where the essence is. The size
// must be true, since what is passed over is not looked at.
func NewIndexReader(src io.ReaderAt, size int64, opts Options) (*Reader, error) {
	opts.SkipData = true
	return start(newSectionStream(src, size), opts.Base+size, opts)
}

func start(in input, end int64, opts Options) (*Reader, error) {
	r := newReader(in, end, opts)
	if opts.Header == nil {
		if err := r.readHeader(); err != nil {
			return nil, err
		}
		return r, nil
	}
	if err := supported(opts.Header.Major); err != nil {
		return nil, fmt.Errorf("gsf: header in options: %w", err)
	}
	r.begin(opts.Header)
	r.part = true
	return r, nil
}

func newReader(in input, end int64, opts Options) *Reader {
	opts.MaxHeader = cmp.Or(opts.MaxHeader, defaultMaxHeader)
	opts.MaxGrain = cmp.Or(opts.MaxGrain, defaultMaxGrain)
	return &Reader{in: in, opts: opts, end: end, off: opts.Base}
}

// Header gives the header of the grain that Next gave last, or of the stream
// before the first. Where files are concatenated it changes on the way, and after
// the end it is the last one's. Each is a Header of its own and stays as it is;
// it must not be changed before the end.
func (r *Reader) Header() *Header { return r.header }

// Offset gives the offset in bytes of the block that is read next.
func (r *Reader) Offset() int64 { return r.off }

// Warnings gives the oddities met so far, the first hundred of them.
func (r *Reader) Warnings() []Warning { return r.warnings }

// Next fills g with the next grain. It returns io.EOF at the end of the input, an
// Error where the input is at fault, and otherwise what the input returned. After
// an error g holds nothing of use and all further calls return the same.
func (r *Reader) Next(g *Grain) error {
	if r.err == nil {
		r.err = r.next(g)
	}
	return r.err
}

func (r *Reader) next(g *Grain) error {
	for {
		b, err := r.in.peek(blockHeader)
		if err != nil {
			return r.ioError(err)
		}
		if len(b) < blockHeader {
			return r.atEnd(len(b))
		}
		t, size := tag(u32(b, 0)), u32(b, sizeField)
		switch {
		case t == tagGrai && size == 0:
			err = r.terminator()
		case t == tagGrai && size == blockHeader:
			err = r.shortTerminator()
		case t == tagGrai:
			return r.grain(g, size)
		case t == tagSSBB:
			err = r.nextHeader()
		default:
			err = r.skip(t, size)
		}
		if err != nil {
			return err
		}
	}
}

// atEnd ends the stream in front of n < 8 bytes that are the last of the input.
func (r *Reader) atEnd(n int) error {
	if n > 0 && r.terminated {
		return r.junk(r.off)
	}
	if n > 0 {
		return r.truncated("", r.off, r.off+int64(n))
	}
	r.finish()
	return io.EOF
}

func (r *Reader) terminator() error {
	r.terminated = true
	return r.discard(tagGrai, r.off, blockHeader)
}

// shortTerminator takes a grai of size 8, too small for a grain, as a terminator
// when nothing follows.
func (r *Reader) shortTerminator() error {
	b, err := r.in.peek(blockHeader + 1)
	if err != nil {
		return r.ioError(err)
	}
	if len(b) > blockHeader {
		return checkSize(tagGrai, r.off, blockHeader-1, 0)
	}
	r.warn(WarnShortTerminator, r.off, 0)
	return r.terminator()
}

// skip passes over a block that is unknown at the top level. After the terminator
// it may be no block at all, which ends the stream.
func (r *Reader) skip(t tag, size uint32) error {
	start := r.off
	if r.terminated && !t.printable() {
		return r.junk(start)
	}
	err := r.checkBlock(t, start, size)
	if err == nil {
		err = r.discard(t, start, int64(size))
	}
	var fault *Error
	if r.terminated && errors.As(err, &fault) {
		return r.junk(start)
	}
	return err
}

// junk ends the stream in front of bytes after the terminator that are no block.
func (r *Reader) junk(start int64) error {
	r.warn(WarnJunk, start, 0)
	r.finish()
	return io.EOF
}

// checkBlock checks the size of a block at the top level, as far as the end of
// the input is known.
func (r *Reader) checkBlock(t tag, start int64, size uint32) error {
	if size < blockHeader {
		return checkSize(t, start, size, maxBlock)
	}
	if r.end >= 0 && start+int64(size) > r.end {
		return r.truncated(t.String(), start, r.end)
	}
	return nil
}

// discard consumes n bytes of a block, all of which must be there.
func (r *Reader) discard(t tag, start, n int64) error {
	done, err := r.in.discard(n)
	r.off += done
	if err != nil {
		return r.ioError(err)
	}
	if done < n {
		return r.truncated(t.String(), start, r.off)
	}
	return nil
}

func (r *Reader) truncated(block string, start, end int64) error {
	return &Error{Offset: end, Block: block, Start: start, Err: ErrTruncated}
}

func (r *Reader) ioError(err error) error {
	return fmt.Errorf("gsf: at byte %d: %w", r.off, err)
}

// warn notes an oddity.
func (r *Reader) warn(code WarningCode, offset int64, localID uint16) {
	if len(r.warnings) < maxWarnings {
		r.warnings = append(r.warnings, Warning{Code: code, Offset: offset, LocalID: localID})
	}
}

// warnOnce notes an oddity that may come with every grain of a stream.
func (r *Reader) warnOnce(code WarningCode, offset int64, localID uint16) {
	if r.warned[code] {
		return
	}
	if r.warned == nil {
		r.warned = make(map[WarningCode]bool)
	}
	r.warned[code] = true
	r.warn(code, offset, localID)
}
