package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

func flowCommand() *cli.Command {
	return &cli.Command{
		Name: "flow", Usage: "look into the store",
		Commands: []*cli.Command{
			{Name: "list", Usage: "list Flows, newest first", Action: listFlows, Flags: []cli.Flag{
				&cli.StringFlag{Name: "text", Usage: "only Flows with this in label, codec or id"},
				&cli.StringFlag{Name: "format", Usage: "only Flows of this format: video, audio, data or multi"},
				limitFlag(50),
			}},
			{Name: "show", Usage: "show one Flow", ArgsUsage: "ID", Action: withClient(showFlow)},
			{Name: "grains", Usage: "list grains of a Flow", ArgsUsage: "ID", Action: withClient(listGrains), Flags: []cli.Flag{
				&cli.StringFlag{Name: "range", Usage: "time range, such as [2:0_3:0)", Value: "_"},
				limitFlag(100),
			}},
		},
	}
}

func listFlows(ctx context.Context, cmd *cli.Command) error {
	c, err := connect(cmd)
	if err != nil {
		return err
	}
	request := &mediastorev1.ListFlowsRequest{Text: cmd.String("text")}
	if format := cmd.String("format"); format != "" {
		if !slices.Contains([]string{"video", "audio", "data", "multi"}, format) {
			return usage("--format is %q, want video, audio, data or multi", format)
		}
		request.Format = "urn:x-nmos:format:" + format
	}
	response := &mediastorev1.ListFlowsResponse{}
	response.Flows, response.NextPageToken, err = pages(cmd.Int("limit"), func(size int32, token string) ([]*mediav1.Flow, string, error) {
		request.PageSize, request.PageToken = size, token
		page, err := c.flows.ListFlows(ctx, request)
		return page.GetFlows(), page.GetNextPageToken(), err
	})
	if err != nil {
		return err
	}
	return show(cmd, response, func(out io.Writer) error {
		t := newTable(out, "ID", "WHAT", "TIME", "STATUS", "LABEL")
		for _, f := range response.GetFlows() {
			t.AppendRow([]any{f.GetId(), essence(f), f.GetTimerange(), statusText(f.GetStatus()), f.GetLabel()})
		}
		t.Render()
		return nil
	})
}

func statusText(s mediav1.FlowStatus) string {
	switch s {
	case mediav1.FlowStatus_FLOW_STATUS_INGESTING:
		return "ingesting"
	case mediav1.FlowStatus_FLOW_STATUS_CLOSED_COMPLETE:
		return "complete"
	case mediav1.FlowStatus_FLOW_STATUS_AWAITING_CONTENT:
		return "awaiting content"
	case mediav1.FlowStatus_FLOW_STATUS_REPLICATION_IN_PROGRESS:
		return "being replicated"
	default:
		return "-"
	}
}

func showFlow(ctx context.Context, cmd *cli.Command, c *client, id string) error {
	response, err := c.flows.GetFlow(ctx, &mediastorev1.GetFlowRequest{Id: id})
	if err != nil {
		return err
	}
	return show(cmd, response, func(out io.Writer) error {
		f := response.GetFlow()
		fmt.Fprintf(out, "flow      %s\nsource    %s\nwhat      %s\nlabel     %s\n", f.GetId(), f.GetSourceId(), essence(f), f.GetLabel())
		fmt.Fprintf(out, "time      %s\nstatus    %s\n", f.GetTimerange(), statusText(f.GetStatus()))
		fmt.Fprintf(out, "stored    %d grains in %d objects, %s\n", response.GetGrains(), response.GetObjects(), bytesText(response.GetBytes()))
		if f.GetStartTimecode() != "" {
			fmt.Fprintf(out, "timecode  %s\n", f.GetStartTimecode())
		}
		for _, member := range response.GetMembers() {
			fmt.Fprintf(out, "member    %s  %s  %s\n", member.GetId(), essence(member), member.GetTimerange())
		}
		return nil
	})
}

func listGrains(ctx context.Context, cmd *cli.Command, c *client, id string) error {
	if _, err := mediatime.ParseRange(cmd.String("range")); err != nil {
		return usage("--range: %w", err)
	}
	response, request := &mediastorev1.ListGrainsResponse{}, &mediastorev1.ListGrainsRequest{FlowId: id, Timerange: cmd.String("range")}
	var err error
	response.Grains, response.NextPageToken, err = pages(cmd.Int("limit"), func(size int32, token string) ([]*mediastorev1.GrainInfo, string, error) {
		request.PageSize, request.PageToken = size, token
		page, err := c.flows.ListGrains(ctx, request)
		return page.GetGrains(), page.GetNextPageToken(), err
	})
	if err != nil {
		return err
	}
	return show(cmd, response, func(out io.Writer) error {
		t := newTable(out, "TIME", "LENGTH", "SIZE", "ACCESS", "FLAGS", "OBJECT", "OFFSET")
		for _, g := range response.GetGrains() {
			t.AppendRow([]any{
				mediatime.Time(g.GetTimeNs()), time.Duration(g.GetDurationNs()), g.GetSize(), g.GetRandomAccess(), flags(g), g.GetObjectId(), g.GetOffset(),
			})
		}
		t.Render()
		return nil
	})
}

func flags(g *mediastorev1.GrainInfo) string {
	text := ""
	if g.GetLeading() {
		text += "leading "
	}
	if g.GetDisposable() {
		text += "disposable"
	}
	return text
}
