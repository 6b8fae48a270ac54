package gsf

import (
	"fmt"
	"io"
)

// grain reads the grai block of a size at the present offset.
func (r *Reader) grain(g *Grain, size uint32) error {
	start := r.off
	if err := r.checkBlock(tagGrai, start, size); err != nil {
		return err
	}
	if size < graiFixed+blockHeader {
		err := fmt.Errorf("%w: %d bytes do not hold a grain", ErrBlockSize, size)
		return &Error{Offset: start + sizeField, Block: tagGrai.String(), Start: start, Err: err}
	}
	end := start + int64(size)
	if err := r.grainHeader(g, start, end); err != nil {
		return err
	}
	g.Pos = Position{Offset: start, Size: int64(size)}
	g.Data = g.Data[:0]
	for found := false; r.off < end; {
		hasData, err := r.grainChild(g, end, found)
		if err != nil {
			return err
		}
		found = found || hasData
	}
	r.noteGrain(g)
	return nil
}

// grainHeader reads the local id and the gbhd block, which must come first.
func (r *Reader) grainHeader(g *Grain, start, end int64) error {
	b, err := r.peekBlock(tagGrai, start, 0, graiFixed+blockHeader)
	if err != nil {
		return err
	}
	g.LocalID = u16(b, blockHeader)
	first, size := tag(u32(b, graiFixed)), u32(b, graiFixed+sizeField)
	at := start + graiFixed
	if first != tagGbhd {
		return &Error{Offset: at, Block: tagGrai.String(), Start: start, Err: fmt.Errorf("%w: %q where gbhd must be", ErrOrder, first)}
	}
	if err := checkSize(first, at, size, end-at); err != nil {
		return err
	}
	b, err = r.peekBlock(first, at, int64(size), graiFixed+int64(size))
	if err != nil {
		return err
	}
	gbhd := block{tag: first, start: at, body: b[graiFixed+blockHeader:]}
	if err := parseGbhd(gbhd, r.header.Major, g); err != nil {
		return err
	}
	return r.discard(tagGrai, start, graiFixed+int64(size))
}

// grainChild reads a block after gbhd and says whether it was the essence. The
// search never leaves the grain.
func (r *Reader) grainChild(g *Grain, end int64, found bool) (isData bool, err error) {
	start := r.off
	if end-start < blockHeader {
		err := fmt.Errorf("%w: %d spare bytes in a grain", ErrBlockSize, end-start)
		return false, &Error{Offset: start, Block: tagGrai.String(), Start: g.Pos.Offset, Err: err}
	}
	b, err := r.peekBlock(tagGrai, start, 0, blockHeader)
	if err != nil {
		return false, err
	}
	t, size := tag(u32(b, 0)), u32(b, sizeField)
	if err := checkSize(t, start, size, end-start); err != nil {
		return false, err
	}
	switch {
	case t == tagGbhd || (t == tagGrdt && found):
		return false, &Error{Offset: start, Block: t.String(), Start: start, Err: fmt.Errorf("%w in a grain", ErrDuplicate)}
	case t != tagGrdt:
		return false, r.discard(t, start, int64(size))
	}
	if err := r.discard(t, start, blockHeader); err != nil {
		return false, err
	}
	g.Pos.DataOffset, g.Pos.DataSize = r.off, int64(size)-blockHeader
	return true, r.essence(g, start)
}

// essence reads or passes over the payload of the grdt block that starts at an
// offset.
func (r *Reader) essence(g *Grain, start int64) error {
	n := g.Pos.DataSize
	if r.opts.SkipData {
		return r.discard(tagGrdt, start, n)
	}
	if n > r.opts.MaxGrain {
		err := fmt.Errorf("essence of %d bytes, limit %d: %w", n, r.opts.MaxGrain, ErrTooLarge)
		return &Error{Offset: start + sizeField, Block: tagGrdt.String(), Start: start, Err: err}
	}
	data, err := r.in.essence(g.Data, n)
	if err != nil {
		return r.ioError(err)
	}
	g.Data = data
	r.off += int64(len(data))
	if int64(len(data)) < n {
		return r.truncated(tagGrdt.String(), start, r.off)
	}
	return nil
}

// noteGrain counts a grain and warns of what is odd about it.
func (r *Reader) noteGrain(g *Grain) {
	if s := r.counts.add(g.LocalID); !s.declared {
		s.declared = true // once is enough
		r.warn(WarnUndeclared, g.Pos.Offset, g.LocalID)
	}
	if g.FarSync != (WireTime{}) {
		r.warnOnce(WarnFarSync, g.Pos.Offset, g.LocalID)
	}
	if r.terminated {
		r.warnOnce(WarnAfterTerminator, g.Pos.Offset, g.LocalID)
	}
}

// DecodeGrain decodes the grai block at the start of b, as it was fetched by its
// Position, from a file of a major version. g.Data aliases b and offsets count
// from its start. It returns ErrVersion, io.EOF for a terminator, or an Error.
func DecodeGrain(b []byte, major uint16, g *Grain) error {
	r, err := NewBytesReader(b, Options{Header: &Header{Major: major}})
	if err != nil {
		return err
	}
	if len(b) >= blockHeader && tag(u32(b, 0)) != tagGrai {
		return &Error{Err: fmt.Errorf("%w: %q where grai must be", ErrOrder, tag(u32(b, 0)))}
	}
	if len(b) < blockHeader {
		return r.truncated("", 0, int64(len(b)))
	}
	if u32(b, sizeField) == 0 {
		return io.EOF
	}
	return r.grain(g, u32(b, sizeField))
}
