package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/urfave/cli/v3"
)

func envCommand() *cli.Command {
	return &cli.Command{
		Name: "env", Usage: "print the settings with which a service joins the local mesh from a process of its own",
		Description: `They hold secrets. In a shell: eval "$(grainmesh env)"; grainmesh serve reader`,
		Action: func(_ context.Context, cmd *cli.Command) error {
			state, err := readState(cmd.String("data"))
			if err != nil {
				return err
			}
			out := cmd.Root().Writer
			if cmd.Bool("json") {
				return json.NewEncoder(out).Encode(state.Env)
			}
			for _, name := range slices.Sorted(maps.Keys(state.Env)) {
				if _, err := fmt.Fprintf(out, "export %s=%s\n", name, quoted(state.Env[name])); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
