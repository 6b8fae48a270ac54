package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/all"
	analyserv1 "github.com/grainmesh/grainmesh/rpc/analyser/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

func (c *client) probe(ctx context.Context, cmd *cli.Command) error {
	response, err := c.analyser.Probe(ctx, &analyserv1.ProbeRequest{Url: cmd.Args().First(), MimeType: cmd.String("mime")})
	if err != nil {
		return err
	}
	return showAnalysis(cmd, response.GetAnalysis())
}

// localFile is a file of this machine as formats read it.
type localFile struct {
	*os.File
	size int64
}

// Size implements formats.Input.
func (f localFile) Size() int64 { return f.size }

// probeLocal looks into a local file in this process: no mesh is needed for it.
func probeLocal(ctx context.Context, cmd *cli.Command) error {
	path := cmd.Args().First()
	file, err := os.Open(path)
	if err != nil {
		return usage("%w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("size of %s: %w", path, err)
	}
	if info.Size() == 0 {
		return fault.Newf(fault.EmptyFile, "%s is empty", path)
	}
	in := localFile{file, info.Size()}
	format, err := chooseFormat(in, cmd.String("mime"))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	analysis, err := format.Probe(ctx, in)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	analysis.Format, analysis.MIMEType = format.Name(), format.MIMETypes()[0]
	return showAnalysis(cmd, analysis.Proto())
}

func chooseFormat(in localFile, mimeType string) (formats.Format, error) {
	registry, err := all.Registry()
	if err != nil {
		return nil, err
	}
	if mimeType != "" {
		return registry.ByMIMEType(mimeType)
	}
	head := make([]byte, min(formats.SniffSize, in.size))
	if _, err := in.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the first bytes: %w", err)
	}
	if format := registry.Sniff(head); format != nil {
		return format, nil
	}
	return nil, fault.New(fault.UnsupportedFile, "its first bytes are of no format that can be ingested")
}

func showAnalysis(cmd *cli.Command, a *mediav1.Analysis) error {
	return show(cmd, a, func(out io.Writer) error {
		fmt.Fprintf(out, "%s, %s\n", a.GetMimeType(), bytesText(a.GetSize()))
		t := newTable(out, "TRACK", "WHAT", "TIME", "BYTES", "GRAINS", "NOTE")
		for _, track := range a.GetTracks() {
			t.AppendRow([]any{track.GetNumber(), essence(track.GetFlow()), track.GetTimerange(), bytesText(track.GetBytes()), track.GetGrains(), track.GetSkipped()})
		}
		t.Render()
		for _, warning := range a.GetWarnings() {
			fmt.Fprintln(out, "note:", warning)
		}
		return nil
	})
}

// essence describes a Flow in a few words.
func essence(f *mediav1.Flow) string {
	switch {
	case f.GetVideo() != nil:
		v := f.GetVideo()
		return fmt.Sprintf("%s %dx%d %s/s", f.GetCodec(), v.GetWidth(), v.GetHeight(), rateText(f.GetGrainRate()))
	case f.GetAudio() != nil:
		a := f.GetAudio()
		text := fmt.Sprintf("%s %d Hz, %d ch", f.GetCodec(), a.GetSampleRate(), a.GetChannels())
		if a.GetBitDepth() > 0 { // coded audio has none
			text += fmt.Sprintf(", %d bit", a.GetBitDepth())
		}
		return text
	case len(f.GetCollection()) > 0:
		return fmt.Sprintf("%d members", len(f.GetCollection()))
	case f.GetFormat() != "":
		return f.GetFormat()
	default:
		return "-"
	}
}

func rateText(r *mediav1.Rate) string {
	switch {
	case r == nil:
		return "variable"
	case r.GetDenominator() == 1:
		return strconv.FormatInt(r.GetNumerator(), 10)
	default:
		return fmt.Sprintf("%d/%d", r.GetNumerator(), r.GetDenominator())
	}
}
