package gsf

import (
	"errors"
	"io"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Format is GSF as a format of ingest.
type Format struct{}

var _ formats.Format = Format{}

// Name implements formats.Format.
func (Format) Name() string { return "gsf" }

// MIMETypes implements formats.Format.
func (Format) MIMETypes() []string { return []string{gsf.MediaType} }

// Extensions implements formats.Format.
func (Format) Extensions() []string { return []string{gsf.FileSuffix} }

// signature is what every file starts with.
const signature = "SSBBgrsg"

// Sniff implements formats.Format.
func (Format) Sniff(head []byte) bool { return strings.HasPrefix(string(head), signature) }

// toFault gives what the codec finds wrong with a file its code. The message has
// the byte offset. Errors of reading stay as they are.
func toFault(err error) error {
	var found *gsf.Error
	switch {
	case err == nil || errors.Is(err, io.EOF) || !errors.As(err, &found):
		return err
	case errors.Is(err, gsf.ErrTruncated):
		return fault.Newf(fault.TruncatedFile, "the file is cut off: %w", err)
	case errors.Is(err, gsf.ErrVersion), errors.Is(err, gsf.ErrTooLarge):
		return fault.Wrap(fault.UnsupportedFile, err)
	case errors.Is(err, mediatime.ErrOutOfRange):
		return fault.Wrap(fault.TimeOutOfRange, err)
	default:
		return fault.Wrap(fault.MalformedFile, err)
	}
}
