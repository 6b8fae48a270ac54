package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

// leave writes what a mesh wrote of itself.
func leave(t *testing.T, dir string, state runState) {
	t.Helper()
	data, err := json.Marshal(state)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, stateFile), data, 0o600))
}

// What a killed mesh wrote names a process that may be another's by now; the folder is
// held by a mesh that has just begun.
func TestProcessOfAnotherIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := embed.LockDir(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, lock.Release()) }()
	other := exec.CommandContext(t.Context(), "cat")
	stdin, err := other.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, other.Start())

	leave(t, dir, runState{PID: other.Process.Pid, Start: startOf(other.Process.Pid)})
	_, err = readState(dir)
	require.NoError(t, err, "it is that process")

	leave(t, dir, runState{PID: other.Process.Pid, Start: "1"})
	_, err = readState(dir)
	require.ErrorIs(t, err, errNotRunning)
	var out, errOut bytes.Buffer
	require.Zero(t, run(t.Context(), []string{"grainmesh", "--data", dir, "down"}, &out, &errOut))
	require.Contains(t, errOut.String(), "No mesh is running here")
	require.NoError(t, stdin.Close())
	require.NoError(t, other.Wait(), "it ended by itself")
	require.Empty(t, startOf(other.Process.Pid))
}

// TestStateOfAnEarlierMeshIsCleared has a mesh that takes its folder and comes no
// further.
func TestStateOfAnEarlierMeshIsCleared(t *testing.T) {
	t.Setenv("GRAINMESH_DATABASE_URL", "")
	t.Setenv("GRAINMESH_S3_URL", "http://key:secret@127.0.0.1:1") // a process can embed one, and another test has it
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres"), []byte("in the way"), 0o600))
	leave(t, dir, runState{PID: os.Getpid()})
	up := func() string {
		var out, errOut bytes.Buffer
		require.NotZero(t, run(context.Background(), []string{"grainmesh", "--data", dir, "up", "--foreground", "--listen", "127.0.0.1:0"}, &out, &errOut))
		return errOut.String()
	}

	lock, err := embed.LockDir(dir)
	require.NoError(t, err)
	require.Contains(t, up(), "in use")
	require.FileExists(t, filepath.Join(dir, stateFile), "it is the other's who has the folder")

	require.NoError(t, lock.Release())
	require.Contains(t, up(), "start the embedded Postgres")
	require.NoFileExists(t, filepath.Join(dir, stateFile))
}
