package analyser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
)

// analyse finds out what a file is and what is in it, and how many bytes of it
// that took. Its reads go through watch.
func (s *Service) analyse(ctx context.Context, tenant, url, mimeType string, watch func(formats.Input) formats.Input) (*formats.Analysis, int64, error) {
	file, err := s.deps.Sources.Open(ctx, tenant, url, rangereader.Options{Settings: rangereader.Indexing()})
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = file.Close() }()
	analysis, err := s.probe(ctx, watch(file), mimeType)
	if err != nil {
		return nil, file.Stats().Bytes, fmt.Errorf("%s: %w", file.Name(), err)
	}
	analysis.ETag = file.Version()
	return analysis, file.Stats().Bytes, nil
}

func (s *Service) probe(ctx context.Context, in formats.Input, mimeType string) (*formats.Analysis, error) {
	format, err := s.choose(in, mimeType)
	if err != nil {
		return nil, err
	}
	analysis, err := format.Probe(ctx, in)
	if err != nil {
		return nil, err
	}
	analysis.Format, analysis.MIMEType = format.Name(), format.MIMETypes()[0]
	return analysis, someEssence(analysis)
}

// choose takes the format of the MIME type if the file's first bytes agree, or the
// one that they show if there is no MIME type.
func (s *Service) choose(in formats.Input, mimeType string) (formats.Format, error) {
	head := make([]byte, min(formats.SniffSize, in.Size()))
	if _, err := in.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	found := s.deps.Formats.Sniff(head)
	if mimeType == "" {
		if found == nil {
			return nil, fault.Newf(fault.UnsupportedFile, "its first bytes (% x) are of no format that can be ingested", head[:min(len(head), 12)])
		}
		return found, nil
	}
	wanted, err := s.deps.Formats.ByMIMEType(mimeType)
	if err != nil {
		return nil, err
	}
	if wanted.Sniff(head) {
		return wanted, nil
	}
	if found != nil {
		return nil, fault.Newf(fault.MIMEMismatch, "it was said to be %s, and its first bytes are those of %s", mimeType, found.MIMETypes()[0])
	}
	return nil, fault.Newf(fault.MIMEMismatch, "it was said to be %s, and its first bytes (% x) are not", mimeType, head[:min(len(head), 12)])
}

// someEssence says what was found in a file that has nothing to ingest.
func someEssence(a *formats.Analysis) error {
	found := make([]string, len(a.Tracks))
	for i, t := range a.Tracks {
		if t.Skipped == "" {
			return nil
		}
		found[i] = fmt.Sprintf("track %d (%s)", t.Number, t.Skipped)
	}
	if len(found) == 0 {
		return fault.New(fault.NoEssence, "it has no tracks")
	}
	return fault.Newf(fault.NoEssence, "nothing in it can be ingested; found were %s", strings.Join(found, ", "))
}
