package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// writeJSON writes a message as JSON, as the APIs do.
func writeJSON(out io.Writer, m proto.Message) error {
	data, err := protojson.MarshalOptions{Multiline: true, EmitUnpopulated: false}.Marshal(m)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err = fmt.Fprintln(out, string(data))
	return err
}

// show writes a message as JSON if asked to, else as show does for people.
func show(cmd *cli.Command, m proto.Message, people func(io.Writer) error) error {
	out := cmd.Root().Writer
	if cmd.Bool("json") {
		return writeJSON(out, m)
	}
	return people(out)
}

// showPlain is show for what is no message: a value as JSON, or a line for people.
func showPlain(cmd *cli.Command, value any, people string) error {
	out := cmd.Root().Writer
	if cmd.Bool("json") {
		return json.NewEncoder(out).Encode(value)
	}
	_, err := fmt.Fprintln(out, people)
	return err
}

// newTable starts a table with the given columns.
func newTable(out io.Writer, columns ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(out)
	t.SetStyle(table.StyleLight)
	t.Style().Options.DrawBorder = false
	t.Style().Options.SeparateColumns = false
	t.AppendHeader(columns)
	return t
}

func bytesText(n int64) string { return humanize.IBytes(uint64(max(n, 0))) }

func timeText(unixNanos int64) string {
	if unixNanos == 0 {
		return ""
	}
	return time.Unix(0, unixNanos).Local().Format("2006-01-02 15:04:05")
}
