package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	portalv1 "github.com/grainmesh/grainmesh/rpc/portal/v1"
)

// firstIngest ingests --file, or a sample into a mesh that has nothing yet, and says
// where to see it.
func firstIngest(ctx context.Context, cmd *cli.Command) error {
	c, err := connect(cmd)
	if err != nil {
		return err
	}
	path := cmd.String("file")
	if path == "" {
		have, err := c.newest(ctx)
		if err != nil {
			return err
		}
		if have != nil {
			return c.present(ctx, cmd, "Found", have)
		}
		if path, err = makeSample(ctx, cmd.String("data")); err != nil {
			return err
		}
	}
	url, err := c.sourceURL(ctx, cmd, path)
	if err != nil {
		return err
	}
	created, err := c.jobs.CreateJob(ctx, &jobv1.CreateJobRequest{Spec: &jobv1.IngestSpec{Url: url, Label: filepath.Base(path)}})
	if err != nil {
		return err
	}
	job, err := watch(ctx, cmd, c, created.GetJob().GetId())
	if err != nil {
		return err
	}
	return c.present(ctx, cmd, "Ingested", job)
}

// newest is the last job that completed, nil if none has.
func (c *client) newest(ctx context.Context) (*jobv1.Job, error) {
	listed, err := c.jobs.ListJobs(ctx, &jobv1.ListJobsRequest{States: []jobv1.JobState{jobv1.JobState_JOB_STATE_COMPLETED}, PageSize: 1})
	if err != nil || len(listed.GetJobs()) == 0 {
		return nil, err
	}
	got, err := c.jobs.GetJob(ctx, &jobv1.GetJobRequest{Id: listed.GetJobs()[0].GetId()})
	return got.GetJob(), err
}

// present shows what a completed job brought and what to do next: the page, a window,
// the log.
func (c *client) present(ctx context.Context, cmd *cli.Command, verb string, job *jobv1.Job) error {
	if cmd.Bool("json") {
		return writeJSON(cmd.Root().Writer, job)
	}
	link, err := c.portal.CreateLoginLink(ctx, &portalv1.CreateLoginLinkRequest{Next: "/flows/" + job.GetFlowId()})
	if err != nil {
		return err
	}
	format, within := "wav", mediatime.Range{}
	for _, t := range job.GetAnalysis().GetTracks() {
		if t.GetFlow().GetVideo() != nil {
			format = "mp4"
		}
		if r, err := mediatime.ParseRange(t.GetTimerange()); err == nil && t.GetSkipped() == "" {
			within = within.Union(r)
		}
	}
	_, err = fmt.Fprintf(cmd.Root().Writer, `
%s %s: flow %s
  Watch it     %s
  Take a part  %s window %s '%s' -o part.%s
  Log          %s
`, verb, cmp.Or(job.GetSpec().GetLabel(), nameOf(job.GetSpec().GetUrl())), job.GetFlowId(), link.GetUrl(), commandLine(cmd), job.GetFlowId(), part(within), format, filepath.Join(cmd.String("data"), logFile))
	return err
}

// part is what the film shows from one second to two, or as much as there is of its
// start.
func part(whole mediatime.Range) mediatime.Range {
	second := mediatime.NewRange(whole.Start+mediatime.Second, whole.Start+2*mediatime.Second)
	if whole.Covers(second) {
		return second
	}
	return whole.Intersect(mediatime.NewRange(whole.Start, whole.Start+mediatime.Second))
}

// commandLine is how to call this program again for the same mesh, for a shell.
func commandLine(cmd *cli.Command) string {
	line := quoted(os.Args[0])
	if cmd.Root().IsSet("data") {
		line += " --data " + quoted(cmd.String("data"))
	}
	return line
}

// quoted quotes an argument for a shell, if it needs that.
func quoted(argument string) string {
	if strings.ContainsFunc(argument, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("/._-+,:@", r)
	}) {
		return "'" + strings.ReplaceAll(argument, "'", `'\''`) + "'"
	}
	return argument
}

// makeSample makes, once, 20 s of 1080p25 H.264 with burnt-in timecode and stereo
// AAC.
func makeSample(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "sample.mp4")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	half := path + ".part.mp4"
	ffmpeg := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-y",
		"-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25:duration=20",
		"-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=20",
		"-vf", `drawtext=timecode='10\:00\:00\:00':rate=25:fontsize=96:fontcolor=white:box=1:boxcolor=black@0.6:x=(w-tw)/2:y=h-160`,
		"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "50", "-b:v", "6M",
		"-c:a", "aac", "-ac", "2", "-b:a", "128k", "-timecode", "10:00:00:00", "-movflags", "+faststart", half)
	if out, err := ffmpeg.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make a sample with ffmpeg: %w: %s", err, out)
	}
	if err := os.Rename(half, path); err != nil {
		return "", fmt.Errorf("keep the sample: %w", err)
	}
	return path, nil
}
