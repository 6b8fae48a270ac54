package embed_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

func TestLockDir(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "folder")
	lock, err := embed.LockDir(dir)
	require.NoError(t, err)
	_, err = embed.LockDir(dir)
	require.ErrorIs(t, err, embed.ErrInUse)
	require.ErrorContains(t, err, dir)
	require.ErrorContains(t, err, strconv.Itoa(os.Getpid()))
	require.NoError(t, lock.Release())
	lock, err = embed.LockDir(dir)
	require.NoError(t, err)
	require.NoError(t, lock.Release())
}
