package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/mattn/go-isatty"
	"github.com/schollz/progressbar/v3"
	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/fault"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// watchEvery is how often a watched job is asked for: progress moves more than
// twice a second.
const watchEvery = 150 * time.Millisecond

// Pauses between attempts at a mesh that cannot be reached.
const (
	firstPause = 250 * time.Millisecond
	maxPause   = 10 * time.Second
)

// watch waits for the end of a job, with a progress bar on a terminal. It returns
// the job as it ended, and errJobFailed unless it completed. A mesh that cannot be
// reached for a while does not end it.
func watch(ctx context.Context, cmd *cli.Command, c *client, id string) (*jobv1.Job, error) {
	bar := newBar(cmd.Root().ErrWriter, !cmd.Bool("json"))
	defer bar.finish()
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		job, err := c.jobNow(ctx, id, bar)
		if err != nil {
			return nil, err
		}
		bar.job(job)
		switch job.GetState() {
		case jobv1.JobState_JOB_STATE_COMPLETED:
			return job, nil
		case jobv1.JobState_JOB_STATE_FAILED, jobv1.JobState_JOB_STATE_CANCELLED:
			return job, &jobError{job}
		default:
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-ticker.C:
		}
	}
}

// jobNow asks for a job until the mesh answers, and says so when it does not.
func (c *client) jobNow(ctx context.Context, id string, bar *bar) (*jobv1.Job, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = firstPause, maxPause
	ask := func() (*jobv1.GetJobResponse, error) {
		response, err := c.jobs.GetJob(ctx, &jobv1.GetJobRequest{Id: id})
		if err != nil && !fault.Is(err, fault.Unavailable) {
			err = backoff.Permanent(err)
		}
		return response, err
	}
	tell := func(err error, _ time.Duration) { bar.note(fmt.Sprintf("no answer, trying on: %s", err)) }
	response, err := backoff.Retry(ctx, ask, backoff.WithBackOff(pauses), backoff.WithMaxElapsedTime(0), backoff.WithNotify(tell))
	return response.GetJob(), err
}

// bar is a progress bar; on what is no terminal it writes a line a state.
type bar struct {
	out   io.Writer
	bar   *progressbar.ProgressBar // nil where there is no terminal
	quiet bool
	last  string
}

func newBar(out io.Writer, wanted bool) *bar {
	b := &bar{out: out, quiet: !wanted}
	if file, ok := out.(*os.File); ok && wanted && isatty.IsTerminal(file.Fd()) {
		b.bar = progressbar.NewOptions64(1, progressbar.OptionSetWriter(out), progressbar.OptionShowBytes(true),
			progressbar.OptionSetWidth(30), progressbar.OptionThrottle(50*time.Millisecond))
	}
	return b
}

// job shows how far a job is. All of it is there only when it has completed, not with
// its last byte read.
func (b *bar) job(j *jobv1.Job) {
	total := max(j.GetBytesTotal(), 1)
	done := min(j.GetBytesDone(), total-1)
	if j.GetState() == jobv1.JobState_JOB_STATE_COMPLETED {
		done = total
	}
	b.step(stateText(j.GetState()), done, total)
}

// step shows how far something is.
func (b *bar) step(what string, done, total int64) {
	if b.bar != nil {
		b.last = ""
		b.bar.ChangeMax64(max(total, done, 1))
		_ = b.bar.Set64(done)
		b.bar.Describe(fmt.Sprintf("%-10s", what)) // which draws: after the number
		return
	}
	if !b.quiet && what != b.last {
		fmt.Fprintln(b.out, what)
		b.last = what
	}
}

// note says what is wrong, once until something moves again.
func (b *bar) note(text string) {
	if text == b.last {
		return
	}
	if b.bar != nil {
		_ = b.bar.Clear()
	}
	fmt.Fprintln(b.out, text)
	b.last = text
}

func (b *bar) finish() {
	switch {
	case b.bar == nil:
	case b.bar.IsFinished():
		fmt.Fprintln(b.out)
	default:
		_ = b.bar.Clear()
	}
}
