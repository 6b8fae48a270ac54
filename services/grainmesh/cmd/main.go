// Command grainmesh is the command line, and every service in one process.
package main

import (
	"os"

	"github.com/grainmesh/grainmesh/services/grainmesh/cli"
)

func main() { os.Exit(cli.Main(os.Args)) }
