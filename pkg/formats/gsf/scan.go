package gsf

import (
	"context"
	"fmt"
	"io"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
)

// scanner walks over the headers of a file.
type scanner struct {
	ctx    context.Context //nolint:containedctx // lives as long as one call of Probe or Plan
	reader *gsf.Reader
	grain  gsf.Grain
}

// scan begins at the start of a file, where its header is read.
func scan(ctx context.Context, in formats.Input) (*scanner, error) {
	return scanPart(ctx, in, 0, nil)
}

// scanAt begins at the start of a grain.
func scanAt(ctx context.Context, in formats.Input, at int64, h head) (*scanner, error) {
	return scanPart(ctx, in, at, h.header())
}

func scanPart(ctx context.Context, in formats.Input, at int64, h *gsf.Header) (*scanner, error) {
	rest := in.Size() - at
	r, err := gsf.NewIndexReader(io.NewSectionReader(in, at, rest), rest, gsf.Options{Header: h, Base: at})
	if err != nil {
		return nil, toFault(err)
	}
	return &scanner{ctx: ctx, reader: r}, nil
}

// next reads the header of the next grain, or returns io.EOF. The grain is valid
// until the next call.
func (s *scanner) next() (*gsf.Grain, error) {
	if err := s.ctx.Err(); err != nil {
		return nil, fmt.Errorf("at byte %d: %w", s.reader.Offset(), err)
	}
	if err := s.reader.Next(&s.grain); err != nil {
		return nil, toFault(err)
	}
	return &s.grain, nil
}

// metered counts what is read of a file in blocks, as they are fetched from a
// distance.
type metered struct {
	formats.Input
	cost  int64
	block int64 // the last that was fetched
}

// blockBytes is how much a small read fetches.
const blockBytes = 16 << 10

// ReadAt implements io.ReaderAt.
func (m *metered) ReadAt(p []byte, off int64) (int, error) {
	from, to := off/blockBytes, (off+int64(len(p))-1)/blockBytes
	if from == m.block {
		from++
	}
	m.cost += max(to-from+1, 0) * blockBytes
	m.block = to
	return m.Input.ReadAt(p, off)
}
