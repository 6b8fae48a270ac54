package formattest

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/grainmesh/grainmesh/pkg/formats"
)

// Input is a file that counts what is read of it. It is safe for use by several
// goroutines.
type Input struct {
	src        io.ReaderAt
	size       int64
	start, end int64 // what may be read
	read       atomic.Int64
	strayed    atomic.Bool
}

var _ formats.Input = (*Input)(nil)

// NewInput makes an input of bytes in memory.
func NewInput(b []byte) *Input { return NewInputAt(bytes.NewReader(b), int64(len(b))) }

// NewInputAt makes an input of the first size bytes of src, such as those of a
// file that is mostly a hole.
func NewInputAt(src io.ReaderAt, size int64) *Input {
	return &Input{src: src, size: size, end: size}
}

// Within returns the same file, of which only [start, end) may be read, with a
// count of its own. It is what a reader of a chunk is given.
func (in *Input) Within(start, end int64) *Input {
	return &Input{src: in.src, size: in.size, start: start, end: end}
}

// Size implements formats.Input.
func (in *Input) Size() int64 { return in.size }

// ReadAt implements formats.Input.
func (in *Input) ReadAt(p []byte, off int64) (int, error) {
	if off < in.start || off+int64(len(p)) > in.end {
		in.strayed.Store(true)
	}
	if off >= in.size {
		return 0, io.EOF
	}
	short := off+int64(len(p)) > in.size
	n, err := in.src.ReadAt(p[:min(int64(len(p)), in.size-off)], off)
	in.read.Add(int64(n))
	switch {
	case err != nil && err != io.EOF:
		return n, fmt.Errorf("read at %d: %w", off, err)
	case short:
		return n, io.EOF
	default:
		return n, nil
	}
}

// BytesRead returns how many bytes were read; those that were read twice count
// twice.
func (in *Input) BytesRead() int64 { return in.read.Load() }

// Strayed says whether anything was asked for outside of what may be read.
func (in *Input) Strayed() bool { return in.strayed.Load() }
