package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v3"

	portalv1 "github.com/grainmesh/grainmesh/rpc/portal/v1"
)

func tokenCommand() *cli.Command {
	return &cli.Command{
		Name: "token", Usage: "print a token of the local mesh, good for an hour",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			tokens, err := localTokens(cmd.String("data"), cmd.String("tenant"))
			if err != nil {
				return err
			}
			token, err := tokens(ctx)
			if err != nil {
				return err
			}
			return showPlain(cmd, map[string]string{"token": token}, token)
		},
	}
}

func loginLinkCommand() *cli.Command {
	return &cli.Command{
		Name: "login-link", Usage: "print a link that logs you in to the portal, once",
		Flags: []cli.Flag{&cli.StringFlag{Name: "next", Usage: "path of the page to open, such as /jobs"}},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			c, err := connect(cmd)
			if err != nil {
				return err
			}
			response, err := c.portal.CreateLoginLink(ctx, &portalv1.CreateLoginLinkRequest{Next: cmd.String("next")})
			if err != nil {
				return err
			}
			return show(cmd, response, func(out io.Writer) error {
				_, err := fmt.Fprintln(out, response.GetUrl())
				return err
			})
		},
	}
}
