// Command manifests reads what a deployment is described by, refuses what the tools
// would not take or would silently drop, and writes it as JSON.
//
//	manifests compose FILE      a compose project, as docker compose understands it
//	manifests kustomize FOLDER  the objects that kustomize builds
//	manifests objects FILE      the objects of a file
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "manifests:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("arguments %q, want compose FILE, kustomize FOLDER or objects FILE", args)
	}
	var read any
	var err error
	switch args[0] {
	case "compose":
		read, err = compose(args[1])
	case "kustomize":
		read, err = kustomize(args[1])
	case "objects":
		read, err = objects(args[1])
	default:
		err = fmt.Errorf("there is no %q", args[0])
	}
	if err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	return json.NewEncoder(out).Encode(read)
}

// compose reads a project as docker compose does: schema, interpolation, env files,
// references between its parts.
func compose(file string) (any, error) {
	options, err := cli.NewProjectOptions([]string{file},
		cli.WithWorkingDirectory(filepath.Dir(file)), cli.WithOsEnv, cli.WithResolvedPaths(true), cli.WithProfiles([]string{"*"}))
	if err != nil {
		return nil, err
	}
	return options.LoadProject(context.Background())
}
