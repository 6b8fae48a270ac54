package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/google/uuid"
	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

func windowCommand() *cli.Command {
	return &cli.Command{
		Name: "window", Usage: "take a window of time out of a Flow", ArgsUsage: "FLOW TIMERANGE",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: "file to write; - for standard output", Required: true},
			&cli.StringFlag{Name: "format", Usage: "mp4, mov, wav, gsf or raw; by the file's name if not given"},
			&cli.StringFlag{Name: "trim", Usage: "exact, or rap to start at the random access point before"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			flow, timerange := cmd.Args().Get(0), cmd.Args().Get(1)
			if _, err := mediatime.ParseRange(timerange); err != nil {
				return usage("%w", err)
			}
			c, err := connect(cmd)
			if err != nil {
				return err
			}
			return c.window(ctx, cmd, flow, timerange)
		},
	}
}

// window downloads a window into a file, which appears only when it is whole.
func (c *client) window(ctx context.Context, cmd *cli.Command, flow, timerange string) error {
	path := cmd.String("output")
	format := cmd.String("format")
	if format == "" {
		format = strings.TrimPrefix(filepath.Ext(path), ".")
	}
	if format == "" {
		return usage("--format is not given, and the name %q does not tell it", path)
	}
	if _, err := uuid.Parse(flow); err != nil {
		return usage("FLOW is %q, want a UUID", flow)
	}
	query := url.Values{"timerange": {timerange}, "format": {format}}
	if trim := cmd.String("trim"); trim != "" {
		query.Set("trim", trim)
	}
	to, err := newSink(cmd.Root().Writer, path)
	if err != nil {
		return err
	}
	defer to.discard()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+"/tams/v8.2/flows/"+url.PathEscape(flow)+"/window?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	// A long window takes longer than a call may.
	streaming := &http.Client{Transport: c.http.Transport}
	response, err := streaming.Do(req)
	if err != nil {
		return fault.Newf(fault.Unavailable, "the mesh at %s: %w", c.base, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return restError(response)
	}
	n, err := io.Copy(to, response.Body)
	if _, ours := errors.AsType[*fs.PathError](err); ours {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err != nil {
		return fault.Newf(fault.Unavailable, "the window broke off after %d bytes: %w", n, err)
	}
	if err := to.keep(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	taken := taken{Flow: flow, Timerange: response.Header.Get("X-Media-Timerange"), Bytes: n, Output: path}
	if cmd.Bool("json") && path != "-" {
		return json.NewEncoder(cmd.Root().Writer).Encode(taken)
	}
	_, err = fmt.Fprintf(cmd.Root().ErrWriter, "%s of %s, %s\n", taken.Timerange, flow, bytesText(n))
	return err
}

// taken says what a window became.
type taken struct {
	Flow      string `json:"flow"`
	Timerange string `json:"timerange"`
	Bytes     int64  `json:"bytes"`
	Output    string `json:"output"`
}

// sink is where a window goes: nothing is seen of it until it is kept.
type sink struct {
	io.Writer
	keep    func() error
	discard func()
}

// newSink makes the sink of a path; what stands there stays until then.
func newSink(out io.Writer, path string) (*sink, error) {
	if path == "-" {
		return &sink{out, func() error { return nil }, func() {}}, nil
	}
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o644))
	if temporary, ok := errors.AsType[*fs.PathError](err); ok {
		err = temporary.Err // its name says nothing to anybody
	}
	if err != nil {
		return nil, usage("write %s: %w", path, err)
	}
	return &sink{file, file.CloseAtomicallyReplace, func() { _ = file.Cleanup() }}, nil
}

// restError reads the error body of a REST answer.
func restError(response *http.Response) error {
	var body struct {
		Code    fault.Code `json:"code"`
		Message string     `json:"message"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<16)).Decode(&body); err != nil || body.Code == "" {
		return fault.Newf(fault.Unavailable, "the mesh answered %s", response.Status)
	}
	return fault.New(body.Code, body.Message)
}
