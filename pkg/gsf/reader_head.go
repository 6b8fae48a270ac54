package gsf

import "fmt"

// nextHeader ends the present stream where another one is appended to it.
func (r *Reader) nextHeader() error {
	r.finish()
	return r.readHeader()
}

// readHeader reads signature, version and head block, and starts a new stream.
func (r *Reader) readHeader() error {
	start := r.off
	b, err := r.in.peek(fileHeader)
	if err != nil {
		return r.ioError(err)
	}
	if err := checkSignature(b, start); err != nil {
		return err
	}
	h := &Header{Major: u16(b, 8), Minor: u16(b, 10)}
	if err := supported(h.Major); err != nil {
		return &Error{Offset: start + 8, Start: start, Err: err}
	}
	if err := r.discard(tagSSBB, start, fileHeader); err != nil {
		return err
	}
	if err := r.readHead(h); err != nil {
		return err
	}
	r.begin(h)
	r.part = false
	return nil
}

func checkSignature(b []byte, start int64) error {
	const signature = "SSBBgrsg"
	n := min(len(b), len(signature))
	if string(b[:n]) != signature[:n] {
		return &Error{Offset: start, Start: start, Err: ErrNotGSF}
	}
	if len(b) < fileHeader {
		return &Error{Offset: start + int64(len(b)), Start: start, Err: fmt.Errorf("file header: %w", ErrTruncated)}
	}
	return nil
}

// readHead passes over unknown blocks up to the head block and parses that.
func (r *Reader) readHead(h *Header) error {
	for {
		b, err := r.in.peek(blockHeader)
		if err != nil {
			return r.ioError(err)
		}
		if len(b) < blockHeader {
			return r.truncated("", r.off, r.off+int64(len(b)))
		}
		start, t, size := r.off, tag(u32(b, 0)), u32(b, sizeField)
		if t == tagGrai || t == tagSSBB {
			return &Error{Offset: start, Block: t.String(), Start: start, Err: fmt.Errorf("%w: want head first", ErrOrder)}
		}
		if err := r.checkBlock(t, start, size); err != nil {
			return err
		}
		if t == tagHead {
			return r.parseHead(h, start, size)
		}
		if err := r.discard(t, start, int64(size)); err != nil {
			return err
		}
	}
}

func (r *Reader) parseHead(h *Header, start int64, size uint32) error {
	b, err := r.peekBlock(tagHead, start, int64(size), int64(size))
	if err != nil {
		return err
	}
	if err := parseHead(block{tag: tagHead, start: start, body: b[blockHeader:]}, h); err != nil {
		return err
	}
	return r.discard(tagHead, start, int64(size))
}

// peekBlock gives n bytes from the present offset on, all of which must be there:
// a header that is parsed at once. It checks size, that of the header alone,
// against the limit.
func (r *Reader) peekBlock(t tag, start, size, n int64) ([]byte, error) {
	if size > r.opts.MaxHeader {
		err := fmt.Errorf("header of %d bytes, limit %d: %w", size, r.opts.MaxHeader, ErrTooLarge)
		return nil, &Error{Offset: start + sizeField, Block: t.String(), Start: start, Err: err}
	}
	b, err := r.in.peek(int(n))
	if err != nil {
		return nil, r.ioError(err)
	}
	if int64(len(b)) < n {
		return nil, r.truncated(t.String(), start, r.off+int64(len(b)))
	}
	return b, nil
}

// begin starts a stream with its header.
func (r *Reader) begin(h *Header) {
	r.header = h
	r.counts.reset(h)
	r.terminated = false
	clear(r.warned)
}

// finish checks what can be said of a stream at its end.
func (r *Reader) finish() {
	if r.part {
		return
	}
	if !r.terminated {
		r.warn(WarnNoTerminator, r.off, 0)
	}
	for i := range r.header.Segments {
		s := &r.header.Segments[i]
		if s.Count >= 0 && s.Count != r.counts.of(s.LocalID) {
			r.warn(WarnCount, r.off, s.LocalID)
		}
	}
}
