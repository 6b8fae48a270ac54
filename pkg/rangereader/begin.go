package rangereader

import (
	"io"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// sniffSize is how many bytes tell a web page.
const sniffSize = 512

// begin makes the first request and learns from it what the file is.
func (r *Reader) begin() error {
	if s := r.opts.Span; s.Start < 0 || s.End != 0 && s.End <= s.Start {
		return fault.Newf(fault.InvalidArgument, "read %s: bytes %d to %d are no part of a file", r.remote.name, s.Start, s.End)
	}
	retry := r.remote.newRetry()
	for {
		err := r.tryBegin()
		if err == nil {
			return nil
		}
		if err := retry.after(r.ctx, err, false); err != nil {
			return err
		}
	}
}

// tryBegin is one try of begin.
func (r *Reader) tryBegin() error {
	s := r.opts.Settings
	start, end := r.opts.Span.Start, r.opts.Span.Start+s.FirstBytes
	if r.opts.Span.End > 0 {
		end = min(end, r.opts.Span.End)
	}
	a, err := r.remote.ask(r.ctx, start, end, r.version)
	if err != nil {
		return err
	}
	if !a.partial {
		defer func() { _ = a.body.Close() }()
		return r.takeWhole(a)
	}
	r.pin(a)
	if r.cache, err = newCache(newLayout(s.BlockSize, r.Size(), r.opts.Span), s.blocks()); err != nil {
		_ = a.body.Close()
		return err
	}
	_, blocks := r.cache.claim(start, min(end, r.Size()))
	if err := r.fetchBlocks(blocks, a); err != nil {
		return err
	}
	if start == 0 && isWebPage(r.contentType, blocks[0].data[:min(sniffSize, len(blocks[0].data))]) {
		return r.webPage()
	}
	return nil
}

// pin notes what the file is. An answer may know less than was expected.
func (r *Reader) pin(a *answer) {
	r.version.size, r.contentType = a.version.size, a.contentType
	if a.version.etag != "" {
		r.version.etag = a.version.etag
	}
	if a.version.modified != "" {
		r.version.modified = a.version.modified
	}
}

// takeWhole reads a file that came as a whole, if it is small.
func (r *Reader) takeWhole(a *answer) error {
	limit := r.opts.Settings.WholeBytes
	if a.end > limit {
		return r.refuseWhole(a)
	}
	data, err := io.ReadAll(io.LimitReader(a.body, limit+1))
	switch {
	case err != nil:
		return err
	case a.end >= 0 && int64(len(data)) < a.end:
		return &temporary{err: fault.Newf(fault.SourceUnreachable, "%s ended its answer at byte %d of %d", r.remote.name, len(data), a.end)}
	case isWebPage(a.contentType, data[:min(sniffSize, len(data))]):
		r.contentType = a.contentType
		return r.webPage()
	case int64(len(data)) > limit:
		return r.refuseWhole(a)
	case len(data) == 0:
		return fault.Newf(fault.EmptyFile, "%s is empty: it has no bytes", r.remote.name)
	}
	a.version.size = int64(len(data))
	if how := r.version.changed(a.version); how != "" {
		return fault.Newf(fault.SourceChanged, "%s changed: %s", r.remote.name, how)
	}
	r.pin(a)
	r.whole = data
	return nil
}

// refuseWhole is the fault of a large file from a server without ranges, unless its
// first bytes are those of a page.
func (r *Reader) refuseWhole(a *answer) error {
	head := make([]byte, sniffSize)
	if n, _ := io.ReadFull(a.body, head); isWebPage(a.contentType, head[:n]) {
		r.contentType = a.contentType
		return r.webPage()
	}
	return fault.Newf(fault.SourceNoRanges,
		"%s answers HTTP 200 with the whole file to a request for a part of it; a server without ranges can be read up to %d bytes",
		r.remote.name, r.opts.Settings.WholeBytes)
}

func (r *Reader) webPage() error {
	return fault.Newf(fault.SourceNotMedia, "%s answers with a web page (%s) in place of a media file; is it a page to log in?", r.remote.name, r.contentType)
}
