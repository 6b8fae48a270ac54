package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

func keysCommand() *cli.Command {
	return &cli.Command{
		Name: "keys", Usage: "make the keys of a mesh whose services run apart, and the accounts of its NATS",
		ArgsUsage: "FOLDER",
		Description: fmt.Sprintf(`FOLDER then holds
  %s/             every key; it stays with the administrator: grainmesh --data FOLDER token
  %s/NAME/  what the service NAME may have, for its GRAINMESH_KEYS
  %s
                    who may do what on NATS, to be included by the server's configuration
Keys that are there stay.`, mesh.KeysFolder, mesh.IdentitiesFolder, mesh.AccountsFile),
		Action: func(_ context.Context, cmd *cli.Command) error {
			dir, err := filepath.Abs(cmd.Args().First())
			if err != nil {
				return fmt.Errorf("folder of the keys: %w", err)
			}
			return mesh.HandOut(dir)
		},
	}
}
