package cli

import (
	"context"
	"io"
	mimes "mime"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/fault"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// specFlags say how to ingest; see jobv1.IngestSpec.
func specFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "mime", Usage: "MIME type; found out if not given"},
		&cli.StringFlag{Name: "label", Usage: "what to call it; the file's name if not given"},
		&cli.IntSliceFlag{Name: "track", Usage: "number of a track to take; all that can be if not given"},
		&cli.StringFlag{Name: "range", Usage: "part of the file's own time line to take, such as [2:0_12:0)"},
		&cli.StringFlag{Name: "origin", Usage: "where its time zero goes: zero, timecode, timecode:YYYY-MM-DD, creation, or a TAI time such as 1700000000:0"},
		&cli.StringFlag{Name: "on-failure", Usage: "what becomes of its Flows if it fails: discard or keep", Value: "discard"},
		&cli.StringSliceFlag{Name: "flow-id", Usage: "TRACK=UUID: the Flow that a track becomes"},
		&cli.StringSliceFlag{Name: "source-id", Usage: "TRACK=UUID: the Source that a track's Flow belongs to"},
		&cli.StringSliceFlag{Name: "tag", Usage: "NAME=VALUE for all its Flows"},
		&cli.BoolFlag{Name: "strict", Usage: "fail if any track cannot be taken"},
		&cli.BoolFlag{Name: "new-ids", Usage: "give new ids to Flows that a GSF file names"},
		&cli.StringFlag{Name: "key", Usage: "idempotency key: the same key makes the job once"},
		&cli.IntFlag{Name: "priority", Usage: "higher goes first within the tenant"},
	}
}

func ingestCommand() *cli.Command {
	return &cli.Command{
		Name: "ingest", Usage: "ingest a file or URL, and watch until it is done",
		ArgsUsage: "FILE|URL", Flags: append(specFlags(), &cli.BoolFlag{Name: "no-watch", Usage: "do not wait for the end"}),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			c, err := connect(cmd)
			if err != nil {
				return err
			}
			job, err := submit(ctx, cmd, c)
			if err != nil {
				return err
			}
			if !cmd.Bool("no-watch") {
				if job, err = watch(ctx, cmd, c, job.GetId()); err != nil {
					return err
				}
			}
			return show(cmd, job, func(out io.Writer) error { return describeJob(out, job) })
		},
	}
}

// submit makes the job of the command's one argument; a local file is uploaded
// first.
func submit(ctx context.Context, cmd *cli.Command, c *client) (*jobv1.Job, error) {
	spec, err := specOf(cmd)
	if err != nil {
		return nil, err
	}
	if err := c.checkMIME(ctx, spec.GetMimeType()); err != nil {
		return nil, err
	}
	if spec.Url, err = c.sourceURL(ctx, cmd, cmd.Args().First()); err != nil {
		return nil, err
	}
	if spec.GetLabel() == "" {
		spec.Label = nameOf(cmd.Args().First())
	}
	response, err := c.jobs.CreateJob(ctx, &jobv1.CreateJobRequest{
		Spec: spec, IdempotencyKey: cmd.String("key"), Priority: int32(cmd.Int("priority")),
	})
	return response.GetJob(), err
}

// checkMIME asks whether a MIME type can be ingested, before a long file is uploaded
// for nothing.
func (c *client) checkMIME(ctx context.Context, mime string) error {
	kind, _, err := mimes.ParseMediaType(mime)
	if mime == "" || err != nil {
		return nil //nolint:nilerr // none is given, or it is for the mesh to say what is wrong with it
	}
	response, err := c.jobs.ListFormats(ctx, &jobv1.ListFormatsRequest{})
	if err != nil {
		return err
	}
	var known []string
	for _, format := range response.GetFormats() {
		known = append(known, format.GetMimeTypes()...)
	}
	if !slices.Contains(known, kind) {
		return fault.Newf(fault.UnknownMIMEType, "--mime is %q, want one of %s", mime, strings.Join(known, ", "))
	}
	return nil
}

// nameOf is what a file or URL is called: without the query of a URL, which may hold
// secrets.
func nameOf(argument string) string {
	if u, err := url.Parse(argument); err == nil && isURL(argument) {
		return path.Base(u.Path)
	}
	return filepath.Base(argument)
}

// isURL tells a URL from the name of a local file.
func isURL(argument string) bool { return strings.Contains(argument, "://") }

// sourceURL returns the URL at which the mesh finds the argument.
func (c *client) sourceURL(ctx context.Context, cmd *cli.Command, argument string) (string, error) {
	if isURL(argument) {
		return argument, nil
	}
	return c.upload(ctx, cmd, argument)
}

// specOf reads the flags of specFlags.
func specOf(cmd *cli.Command) (*jobv1.IngestSpec, error) {
	spec := &jobv1.IngestSpec{
		MimeType: cmd.String("mime"), Label: cmd.String("label"), Timerange: cmd.String("range"),
		Strict: cmd.Bool("strict"), NewIds: cmd.Bool("new-ids"),
	}
	for _, number := range cmd.IntSlice("track") {
		spec.Tracks = append(spec.Tracks, int32(number))
	}
	switch cmd.String("on-failure") {
	case "discard":
		spec.OnFailure = jobv1.OnFailure_ON_FAILURE_DISCARD
	case "keep":
		spec.OnFailure = jobv1.OnFailure_ON_FAILURE_KEEP
	default:
		return nil, usage("--on-failure is %q, want discard or keep", cmd.String("on-failure"))
	}
	var err error
	if spec.Origin, err = originOf(cmd.String("origin")); err != nil {
		return nil, err
	}
	if spec.FlowIds, err = byTrack("flow-id", cmd.StringSlice("flow-id")); err != nil {
		return nil, err
	}
	if spec.SourceIds, err = byTrack("source-id", cmd.StringSlice("source-id")); err != nil {
		return nil, err
	}
	spec.Tags, err = tagsOf(cmd.StringSlice("tag"))
	return spec, err
}

func originOf(text string) (*jobv1.Origin, error) {
	kind, date, _ := strings.Cut(text, ":")
	switch {
	case text == "" || text == "zero":
		return nil, nil //nolint:nilnil // the default is no origin at all
	case kind == "timecode":
		return &jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_TIMECODE, Date: date}, nil
	case text == "creation":
		return &jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_CREATION_TIME}, nil
	case strings.Contains(text, ":"):
		return &jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_EXPLICIT, Time: text}, nil
	default:
		return nil, usage("--origin is %q, want zero, timecode, timecode:YYYY-MM-DD, creation, or a TAI time such as 1700000000:0", text)
	}
}

func byTrack(flag string, pairs []string) (map[int32]string, error) {
	out := map[int32]string{}
	for _, pair := range pairs {
		track, id, ok := strings.Cut(pair, "=")
		number, err := strconv.ParseInt(track, 10, 32)
		if !ok || err != nil {
			return nil, usage("--%s is %q, want TRACK=UUID", flag, pair)
		}
		out[int32(number)] = id
	}
	return out, nil
}

func tagsOf(pairs []string) (map[string]*mediav1.TagValues, error) {
	out := map[string]*mediav1.TagValues{}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usage("--tag is %q, want NAME=VALUE", pair)
		}
		if out[name] == nil {
			out[name] = &mediav1.TagValues{}
		}
		out[name].Values = append(out[name].Values, value)
	}
	return out, nil
}

func probeCommand() *cli.Command {
	return &cli.Command{
		Name: "probe", Usage: "say what is in a file or URL, without ingesting it", ArgsUsage: "FILE|URL",
		Flags: []cli.Flag{&cli.StringFlag{Name: "mime", Usage: "MIME type; found out if not given"}},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if !isURL(cmd.Args().First()) {
				return probeLocal(ctx, cmd)
			}
			c, err := connect(cmd)
			if err != nil {
				return err
			}
			return c.probe(ctx, cmd)
		},
	}
}
