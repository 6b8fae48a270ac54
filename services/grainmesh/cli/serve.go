package cli

import (
	"context"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name: "serve", Usage: "run some services in this process, with neighbours from GRAINMESH_*",
		ArgsUsage: "NAME...", Description: "Services: " + strings.Join(mesh.Names(), ", "),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() == 0 {
				return usage("name at least one service: %s", strings.Join(mesh.Names(), ", "))
			}
			definitions, err := mesh.Pick(cmd.Args().Slice()...)
			if err != nil {
				return usage("%w", err)
			}
			settings, err := service.LoadSettings()
			if err != nil {
				return usage("%w", err)
			}
			settings.Version = Version
			return service.Run(ctx, service.Options{Settings: settings, Log: telemetry.NewLogger(cmd.Root().ErrWriter, settings.LogLevel)}, definitions...)
		},
	}
}
