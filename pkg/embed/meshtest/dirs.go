package meshtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

// clusterVersion goes up when a cluster made by older code cannot serve newer
// tests.
const clusterVersion = "1"

// home is where the tests of this user keep everything.
func home() string {
	return filepath.Join(os.TempDir(), "grainmesh-test-"+strconv.Itoa(os.Getuid()))
}

func clusterDir() string { return filepath.Join(home(), "postgres-"+clusterVersion) }

// runDir makes a folder for a server of this process.
func runDir() (string, error) {
	if err := os.MkdirAll(home(), 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(home(), fmt.Sprintf("run-%d-", os.Getpid()))
}

// StopShared ends the Postgres cluster that the test binaries share, and
// removes the folders of test binaries that were killed. The cluster's data
// stays, so that its next start is quick.
func StopShared(ctx context.Context) error {
	clusters, err := filepath.Glob(filepath.Join(home(), "postgres-*"))
	if err != nil {
		return err
	}
	for _, dir := range clusters {
		err = errors.Join(err, embed.StopSharedPostgres(ctx, dir))
	}
	runs, globErr := filepath.Glob(filepath.Join(home(), "run-*"))
	err = errors.Join(err, globErr)
	for _, dir := range runs {
		pid, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), "run-"), "-")
		if !running(pid) {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}

// running tells whether a process of this number exists.
func running(pid string) bool {
	_, err := os.Stat(filepath.Join("/proc", pid))
	return err == nil
}
