package gsf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/google/uuid"
)

// GrainKey is what the grains of a segment start with; a Grain has both.
type GrainKey struct {
	LocalID uint16
	FlowID  uuid.UUID
}

// Sizes in bytes, and how far ResyncAt reads at once.
const (
	resyncHead   = graiFixed + blockHeader + 2*uuidSize // up to and with the Flow id
	resyncWindow = 1 << 20
)

// Resync finds the first grain that starts within b, a part of a file: a grai
// block with a local id, a gbhd block and a Flow id that belong together by keys.
// It is verified by the block after it; when that lies beyond b, by the blocks
// inside the grain that do not. It gives the offset within b, and false if b has
// no grain's start or too little of its header to tell.
func Resync(b []byte, keys []GrainKey) (int, bool) {
	for from := 0; ; {
		i, size, ok := nextCandidate(b, from, keys)
		if !ok {
			return 0, false
		}
		end := i + size
		switch {
		case end+blockHeader <= len(b):
			ok = plausibleNext(b[end:])
		default:
			ok = plausibleInside(b[i:], size)
		}
		if ok {
			return i, true
		}
		from = i + 1
	}
}

// ResyncAt finds the first grain that starts at or after an offset in a file of
// size bytes, verified by the block after it or the end of the file. It gives
// false if there is none, and otherwise what src returned.
func ResyncAt(src io.ReaderAt, from, size int64, keys []GrainKey) (int64, bool, error) {
	var window []byte
	for from+resyncHead <= size {
		window = resize(window, int(min(resyncWindow, size-from)))
		b := window
		if err := readAt(src, b, from); err != nil {
			return 0, false, err
		}
		for at := 0; ; {
			i, grain, ok := nextCandidate(b, at, keys)
			if !ok {
				break
			}
			ok, err := verifyAt(src, from+int64(i)+int64(grain), size)
			if err != nil || ok {
				return from + int64(i), ok, err
			}
			at = i + 1
		}
		// A candidate that was cut off by the window starts within its last bytes.
		from += max(int64(len(b))-resyncHead+1, 1)
	}
	return 0, false, nil
}

func readAt(src io.ReaderAt, b []byte, off int64) error {
	n, err := src.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return &Error{Offset: off + int64(n), Err: ErrTruncated}
	}
	return fmt.Errorf("gsf: read at byte %d: %w", off, err)
}

// verifyAt says whether a grain may end at an offset.
func verifyAt(src io.ReaderAt, end, size int64) (bool, error) {
	if end == size {
		return true, nil
	}
	if end+blockHeader > size {
		return false, nil
	}
	var b [blockHeader]byte
	if err := readAt(src, b[:], end); err != nil {
		return false, err
	}
	return plausibleNext(b[:]), nil
}

// nextCandidate gives the first place from a byte on that looks like the start of
// a grain, and the size that it claims.
func nextCandidate(b []byte, from int, keys []GrainKey) (at, size int, ok bool) {
	for {
		i := bytes.Index(b[from:], []byte("grai"))
		if i < 0 || from+i+resyncHead > len(b) {
			return 0, 0, false
		}
		at = from + i
		if size, ok = candidate(b[at:], keys); ok {
			return at, size, true
		}
		from = at + 1
	}
}

func candidate(b []byte, keys []GrainKey) (size int, ok bool) {
	size = int(u32(b, sizeField))
	header := int(u32(b, graiFixed+sizeField))
	if tag(u32(b, graiFixed)) != tagGbhd || header < gbhdFixed(Major9) || header > size-graiFixed {
		return 0, false
	}
	key := GrainKey{LocalID: u16(b, blockHeader), FlowID: uuid.UUID(b[resyncHead-uuidSize : resyncHead])}
	return size, slices.Contains(keys, key)
}

// plausibleNext says whether a block that may follow a grain starts with b.
func plausibleNext(b []byte) bool {
	switch t, size := tag(u32(b, 0)), u32(b, sizeField); t {
	case tagGrai:
		return size == 0 || size >= blockHeader
	case tagSSBB:
		return tag(size) == tagGrsg
	default:
		return t.printable() && size >= blockHeader
	}
}

// plausibleInside says whether the blocks in a grain of a size, of which b may
// have the first part only, fill it exactly as far as b goes; the header of the
// one after gbhd must be there, if there is one.
func plausibleInside(b []byte, size int) bool {
	at := graiFixed + int(u32(b, graiFixed+sizeField))
	checked := false
	for at < size && at+blockHeader <= len(b) {
		t, n := tag(u32(b, at)), int(u32(b, at+sizeField))
		if !t.printable() || n < blockHeader || n > size-at {
			return false
		}
		if t == tagGrdt && at+n != size {
			return false
		}
		checked = true
		at += n
	}
	return checked || at == size
}
