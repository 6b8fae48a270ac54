package mp4

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
)

// extent is a stretch of bytes of the file, [from, to).
type extent struct{ from, to int64 }

const (
	// gapBytes is how many bytes that nobody wants may be read to save a read.
	gapBytes = 16 << 10
	// windowBytes is how much is read at once.
	windowBytes = 4 << 20
	// maxSample bounds what one sample may make us allocate.
	maxSample = 512 << 20
)

// fetcher reads the bytes that a chunk needs, each once where tracks are read in
// the order of the file.
type fetcher struct {
	in      formats.Input
	extents []extent // sorted, apart from one another
	window  []byte
	at      int64 // offset of the window
}

func newFetcher(in formats.Input, wanted []extent) *fetcher {
	slices.SortFunc(wanted, func(a, b extent) int { return cmp.Compare(a.from, b.from) })
	f := &fetcher{in: in}
	for _, e := range wanted {
		if n := len(f.extents); n > 0 && e.from <= f.extents[n-1].to+gapBytes {
			f.extents[n-1].to = max(f.extents[n-1].to, e.to)
			continue
		}
		f.extents = append(f.extents, e)
	}
	return f
}

// get returns size bytes at offset, valid until the next call.
func (f *fetcher) get(offset, size int64) ([]byte, error) {
	if size < 0 || offset < 0 || size > maxSample {
		return nil, fault.Newf(fault.UnsupportedFile, "a sample of %d bytes at byte %d; at most %d are read", size, offset, maxSample)
	}
	if offset < f.at || offset+size > f.at+int64(len(f.window)) {
		if err := f.load(offset, size); err != nil {
			return nil, err
		}
	}
	return f.window[offset-f.at:][:size], nil
}

func (f *fetcher) load(offset, size int64) error {
	if offset+size > f.in.Size() {
		return fault.Newf(fault.TruncatedFile, "the file ends at byte %d, inside a sample that runs from %d to %d", f.in.Size(), offset, offset+size)
	}
	end := offset + size
	i, found := slices.BinarySearchFunc(f.extents, offset, func(e extent, at int64) int { return cmp.Compare(e.from, at) })
	if !found {
		i--
	}
	if i >= 0 && i < len(f.extents) {
		end = max(end, min(f.extents[i].to, offset+windowBytes, f.in.Size()))
	}
	// What the old window already has of it is not read again.
	keep := 0
	if have := f.at + int64(len(f.window)); offset >= f.at && offset < have {
		keep = copy(f.window, f.window[offset-f.at:])
	}
	f.window = slices.Grow(f.window[:keep], int(end-offset)-keep)[:end-offset]
	f.at = offset
	n, err := f.in.ReadAt(f.window[keep:], offset+int64(keep))
	if n < len(f.window)-keep {
		f.window = f.window[:keep+n]
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("reading bytes %d to %d: %w", offset, end, err)
	}
	return nil
}
