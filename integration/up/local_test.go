package up_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/bench"
)

// program is the built binary.
var program string

// TestMain builds the program once.
func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (int, error) {
	dir, err := os.MkdirTemp("", "grainmesh-up-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root, err := bench.Root()
	if err != nil {
		return 0, err
	}
	program = filepath.Join(dir, "grainmesh")
	build := exec.Command("go", "build", "-o", program, "./services/grainmesh/cmd")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("build: %w: %s", err, out)
	}
	return m.Run(), nil
}

// local is a mesh of a user, in a folder of its own.
type local struct{ dir string }

// newLocal names a folder for a mesh, which is stopped with the test.
func newLocal(t *testing.T) *local {
	t.Helper()
	l := &local{filepath.Join(t.TempDir(), "data of a mesh")}
	t.Cleanup(func() { _ = l.command(context.Background(), "down").Run() })
	return l
}

func (l *local) command(ctx context.Context, args ...string) *exec.Cmd {
	return l.prepare(exec.CommandContext(ctx, program, append([]string{"--data", l.dir}, args...)...))
}

// prepare gives a command a working folder and an environment in which nothing of
// ours is set.
func (l *local) prepare(cmd *exec.Cmd) *exec.Cmd {
	cmd.Dir = filepath.Dir(l.dir)
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "GRAINMESH_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	return cmd
}

// result is how a command ended.
type result struct {
	code     int
	out, err string
	took     time.Duration
}

// run runs the program.
func (l *local) run(t *testing.T, args ...string) result {
	t.Helper()
	return finish(t, l.command(t.Context(), args...))
}

// must runs the program, which must succeed.
func (l *local) must(t *testing.T, args ...string) result {
	t.Helper()
	r := l.run(t, args...)
	require.Zero(t, r.code, "%v: %s%s", args, r.out, r.err)
	return r
}

// shell runs a line as a user pastes it.
func (l *local) shell(t *testing.T, line string) {
	t.Helper()
	r := finish(t, l.prepare(exec.CommandContext(t.Context(), "sh", "-c", line)))
	require.Zero(t, r.code, "%s: %s", line, r.err)
}

// file is the path of a file in the user's working folder.
func (l *local) file(name string) string { return filepath.Join(filepath.Dir(l.dir), name) }

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	started := time.Now()
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); !exited {
		require.NoError(t, err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errOut.String(), time.Since(started)}
}
