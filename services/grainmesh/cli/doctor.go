package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

// finding is one thing that doctor looked at.
type finding struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	absent bool   // it need not be there
}

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "check what a local mesh needs, and how a running one is",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			findings := append(needs(ctx), running(ctx, cmd)...)
			if err := showFindings(cmd, findings); err != nil {
				return err
			}
			if slices.ContainsFunc(findings, func(f finding) bool { return !f.OK }) {
				return errNotWell
			}
			return nil
		},
	}
}

// needs checks the programs that the embedded neighbours are started from.
func needs(ctx context.Context) []finding {
	findings := []finding{program(ctx, "ffmpeg", "-version"), program(ctx, "ffprobe", "-version")}
	postgres := finding{What: "postgres", OK: true}
	if dir, err := embed.FindPostgres(ctx); err != nil {
		postgres.OK, postgres.Detail = false, err.Error()
	} else {
		postgres.Detail = dir
	}
	redis := program(ctx, "redis-server", "--version")
	if !redis.OK {
		redis.OK, redis.Detail = true, "not installed: an imitation is used"
	}
	return append(findings, postgres, redis)
}

func program(ctx context.Context, name, versionFlag string) finding {
	out, err := exec.CommandContext(ctx, name, versionFlag).Output()
	if err != nil {
		return finding{What: name, Detail: err.Error()}
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return finding{What: name, OK: true, Detail: first}
}

// running asks the mesh how its services' neighbours are.
func running(ctx context.Context, cmd *cli.Command) []finding {
	c, err := connect(cmd)
	if err != nil {
		absent := errors.Is(err, errNotRunning)
		return []finding{{What: "mesh", OK: absent, Detail: err.Error(), absent: absent}}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.operator+"/readyz", nil)
	if err != nil {
		return []finding{{What: "mesh", Detail: err.Error()}}
	}
	response, err := c.http.Do(req)
	if err != nil {
		return []finding{{What: "mesh", Detail: err.Error()}}
	}
	defer func() { _ = response.Body.Close() }()
	var report map[string]string
	if err := json.NewDecoder(response.Body).Decode(&report); err != nil {
		return []finding{{What: "mesh", Detail: fmt.Sprintf("%s answered %s", c.operator, response.Status)}}
	}
	var findings []finding
	for what, state := range report {
		// The mesh does its work without what is only degraded.
		findings = append(findings, finding{What: what, OK: state == "ready" || strings.HasPrefix(state, "degraded"), Detail: state})
	}
	slices.SortFunc(findings, func(a, b finding) int { return strings.Compare(a.What, b.What) })
	return findings
}

func showFindings(cmd *cli.Command, findings []finding) error {
	out := cmd.Root().Writer
	if cmd.Bool("json") {
		return json.NewEncoder(out).Encode(findings)
	}
	return writeFindings(out, findings)
}

func writeFindings(out io.Writer, findings []finding) error {
	t := newTable(out, "", "WHAT", "DETAIL")
	for _, f := range findings {
		sign := "ok"
		switch {
		case !f.OK:
			sign = "FAULT"
		case f.absent:
			sign = "-"
		}
		t.AppendRow([]any{sign, f.What, f.Detail})
	}
	t.Render()
	return nil
}

func statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "say what runs, where, and how it is",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.String("api") == "" {
				state, err := readState(cmd.String("data"))
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.Root().ErrWriter, "%s, process %d, since %s\n", state.PublicURL, state.PID, state.Started.Format("2006-01-02 15:04:05"))
			}
			return showFindings(cmd, running(ctx, cmd))
		},
	}
}
