// Command meshtest-stop ends the Postgres cluster that test binaries share.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := meshtest.StopShared(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "meshtest-stop:", err)
		os.Exit(1)
	}
}
