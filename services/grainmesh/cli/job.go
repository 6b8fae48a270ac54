package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// withClient is an action on one id over the API.
func withClient(do func(ctx context.Context, cmd *cli.Command, c *client, id string) error) cli.ActionFunc {
	return func(ctx context.Context, cmd *cli.Command) error {
		c, err := connect(cmd)
		if err != nil {
			return err
		}
		return do(ctx, cmd, c, cmd.Args().First())
	}
}

func jobCommand() *cli.Command {
	return &cli.Command{
		Name: "job", Usage: "list, watch and steer jobs",
		Commands: []*cli.Command{
			{Name: "list", Usage: "list jobs, newest first", Action: listJobs, Flags: []cli.Flag{
				&cli.StringSliceFlag{Name: "state", Usage: "only jobs of this state, such as reading or failed"},
				&cli.StringFlag{Name: "text", Usage: "only jobs with this in label, URL or id"},
				limitFlag(50),
			}},
			{Name: "show", Usage: "show one job", ArgsUsage: "ID", Action: withClient(showJob)},
			{Name: "watch", Usage: "watch a job until it ends", ArgsUsage: "ID", Action: withClient(watchJob)},
			{Name: "submit", Usage: "submit a job and return at once", ArgsUsage: "FILE|URL", Flags: specFlags(), Action: submitJob},
			{Name: "cancel", Usage: "cancel a job", ArgsUsage: "ID", Action: withClient(func(ctx context.Context, cmd *cli.Command, c *client, id string) error {
				response, err := c.jobs.CancelJob(ctx, &jobv1.CancelJobRequest{Id: id})
				return showIf(cmd, response.GetJob(), err)
			})},
			{Name: "retry", Usage: "start a failed or cancelled job anew", ArgsUsage: "ID", Action: withClient(func(ctx context.Context, cmd *cli.Command, c *client, id string) error {
				response, err := c.jobs.RetryJob(ctx, &jobv1.RetryJobRequest{Id: id})
				return showIf(cmd, response.GetJob(), err)
			})},
			{Name: "chunks", Usage: "list the chunks of a job", ArgsUsage: "ID", Action: withClient(listChunks)},
			{Name: "trace", Usage: "show the path of a job through all services, with times", ArgsUsage: "ID", Action: withClient(traceJob)},
		},
	}
}

func showIf(cmd *cli.Command, job *jobv1.Job, err error) error {
	if err != nil {
		return err
	}
	return show(cmd, job, func(out io.Writer) error { return describeJob(out, job) })
}

func submitJob(ctx context.Context, cmd *cli.Command) error {
	c, err := connect(cmd)
	if err != nil {
		return err
	}
	job, err := submit(ctx, cmd, c)
	return showIf(cmd, job, err)
}

func showJob(ctx context.Context, cmd *cli.Command, c *client, id string) error {
	response, err := c.jobs.GetJob(ctx, &jobv1.GetJobRequest{Id: id})
	return showIf(cmd, response.GetJob(), err)
}

func watchJob(ctx context.Context, cmd *cli.Command, c *client, id string) error {
	job, err := watch(ctx, cmd, c, id)
	if job != nil && (err == nil || !cmd.Bool("json")) {
		err = errors.Join(err, show(cmd, job, func(out io.Writer) error { return describeJob(out, job) }))
	}
	return err
}

func stateText(s jobv1.JobState) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "JOB_STATE_"))
}

// describeJob writes what people want to know of a job.
func describeJob(out io.Writer, j *jobv1.Job) error {
	fmt.Fprintf(out, "job       %s\nstate     %s\n", j.GetId(), stateText(j.GetState()))
	fmt.Fprintf(out, "label     %s\nurl       %s\n", j.GetSpec().GetLabel(), j.GetSpec().GetUrl())
	if j.GetChunksTotal() > 0 {
		fmt.Fprintf(out, "chunks    %d of %d, %s of %s\n", j.GetChunksDone(), j.GetChunksTotal(), bytesText(j.GetBytesDone()), bytesText(j.GetBytesTotal()))
	}
	if j.GetFlowId() != "" {
		fmt.Fprintf(out, "flow      %s\n", j.GetFlowId())
	}
	for _, track := range j.GetAnalysis().GetTracks() {
		if track.GetSkipped() != "" {
			fmt.Fprintf(out, "skipped   track %d: %s\n", track.GetNumber(), track.GetSkipped())
		}
	}
	if f := j.GetFailure(); f != nil {
		fmt.Fprintf(out, "failure   %s (%s, fault: %s, a retry can help: %t)\n", f.GetMessage(), f.GetCode(), f.GetFault(), f.GetRetryable())
	}
	if j.GetFinishedUnixNs() > 0 {
		fmt.Fprintf(out, "took      %s\n", time.Duration(j.GetFinishedUnixNs()-j.GetCreatedUnixNs()).Round(time.Millisecond))
	}
	return nil
}

func listJobs(ctx context.Context, cmd *cli.Command) error {
	c, err := connect(cmd)
	if err != nil {
		return err
	}
	request := &jobv1.ListJobsRequest{Text: cmd.String("text")}
	for _, name := range cmd.StringSlice("state") {
		value, ok := jobv1.JobState_value["JOB_STATE_"+strings.ToUpper(name)]
		if !ok || value == 0 {
			return usage("there is no state %q", name)
		}
		request.States = append(request.States, jobv1.JobState(value))
	}
	response := &jobv1.ListJobsResponse{}
	response.Jobs, response.NextPageToken, err = pages(cmd.Int("limit"), func(size int32, token string) ([]*jobv1.Job, string, error) {
		request.PageSize, request.PageToken = size, token
		page, err := c.jobs.ListJobs(ctx, request)
		return page.GetJobs(), page.GetNextPageToken(), err
	})
	if err != nil {
		return err
	}
	return show(cmd, response, func(out io.Writer) error {
		t := newTable(out, "ID", "STATE", "CHUNKS", "LABEL", "CREATED", "FAILURE")
		for _, j := range response.GetJobs() {
			t.AppendRow([]any{
				j.GetId(), stateText(j.GetState()), fmt.Sprintf("%d/%d", j.GetChunksDone(), j.GetChunksTotal()),
				j.GetSpec().GetLabel(), timeText(j.GetCreatedUnixNs()), j.GetFailure().GetCode(),
			})
		}
		t.Render()
		return nil
	})
}

func listChunks(ctx context.Context, cmd *cli.Command, c *client, id string) error {
	all, _, err := pages(0, func(size int32, token string) ([]*jobv1.ChunkProgress, string, error) {
		page, err := c.jobs.ListChunks(ctx, &jobv1.ListChunksRequest{JobId: id, PageSize: size, PageToken: token})
		return page.GetChunks(), page.GetNextPageToken(), err
	})
	response := &jobv1.ListChunksResponse{Chunks: all}
	if err != nil {
		return err
	}
	return show(cmd, response, func(out io.Writer) error {
		t := newTable(out, "CHUNK", "STATE", "ATTEMPTS", "BYTES", "TIME", "FAILURE")
		for _, k := range response.GetChunks() {
			t.AppendRow([]any{
				k.GetNumber(), k.GetState(), k.GetAttempts(),
				bytesText(k.GetBytesDone()) + " of " + bytesText(k.GetBytesTotal()), k.GetTimerange(), k.GetFailure().GetMessage(),
			})
		}
		t.Render()
		return nil
	})
}

func traceJob(ctx context.Context, cmd *cli.Command, c *client, id string) error {
	response, err := c.jobs.TraceJob(ctx, &jobv1.TraceJobRequest{Id: id})
	if err != nil {
		return err
	}
	return show(cmd, response, func(out io.Writer) error {
		fmt.Fprintln(out, "trace", response.GetTraceId())
		t := newTable(out, "AFTER", "SERVICE", "WHAT", "LAYER", "RUN", "EPOCH", "TOOK", "DETAIL")
		for i, s := range response.GetSteps() {
			after := time.Duration(s.GetAtUnixNs() - response.GetSteps()[0].GetAtUnixNs())
			if i == 0 {
				after = 0
			}
			t.AppendRow([]any{
				after.Round(10 * time.Microsecond), s.GetService(), s.GetWhat(), s.GetLayer(), s.GetRun(), s.GetEpoch(),
				time.Duration(s.GetDurationNs()).Round(10 * time.Microsecond), s.GetDetail(),
			})
		}
		t.Render()
		return nil
	})
}
