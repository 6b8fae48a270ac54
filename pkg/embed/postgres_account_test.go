package embed

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

func owner(t *testing.T, path string) uint32 {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Sys().(*syscall.Stat_t).Uid
}

// openDir is a folder that every user may pass through.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o711))
	return filepath.Join(dir, "mesh")
}

// Root runs it as another user, and everybody else as before.
func TestPostgresWithoutNamespaces(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	for range 2 {
		p, err := StartPostgres(t.Context(), PostgresConfig{Dir: dir, Volatile: true, noNamespace: true})
		require.NoError(t, err)
		conn, err := pgx.Connect(t.Context(), p.URL())
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
		require.NotZero(t, owner(t, filepath.Join(dir, clusterName)))
		require.NoError(t, p.Stop(t.Context()))
		require.Empty(t, workingIn(filepath.Join(dir, clusterName)))
	}
	// The cluster keeps its owner when namespaces are allowed later.
	p, err := StartPostgres(t.Context(), PostgresConfig{Dir: dir, Volatile: true})
	require.NoError(t, err)
	require.NoError(t, p.Stop(t.Context()))
}

func TestHomeOfUnprivileged(t *testing.T) {
	t.Parallel()
	system := filepath.Join(t.TempDir(), "system")
	open := openDir(t)
	home, err := homeOfUnprivileged(open, system)
	require.NoError(t, err)
	require.Equal(t, open, home)

	private := filepath.Join(t.TempDir(), "private")
	require.NoError(t, os.Mkdir(private, 0o700))
	home, err = homeOfUnprivileged(filepath.Join(private, "mesh"), system)
	require.NoError(t, err)
	require.Equal(t, system, filepath.Dir(home))
	again, err := homeOfUnprivileged(filepath.Join(private, "mesh"), system)
	require.NoError(t, err)
	require.Equal(t, home, again)
	other, err := homeOfUnprivileged(filepath.Join(private, "other"), system)
	require.NoError(t, err)
	require.NotEqual(t, home, other)
}

func TestSharedPostgres(t *testing.T) {
	t.Parallel()
	cfg := PostgresConfig{Dir: filepath.Join(t.TempDir(), "shared"), Volatile: true}
	require.NoError(t, StopSharedPostgres(t.Context(), cfg.Dir), "nothing to stop yet")
	t.Cleanup(func() { require.NoError(t, StopSharedPostgres(context.Background(), cfg.Dir)) })

	urls := make(chan string, 3)
	for range cap(urls) {
		go func() {
			url, err := SharedPostgres(context.Background(), cfg)
			if err != nil {
				url = err.Error()
			}
			urls <- url
		}()
	}
	first := <-urls
	conn, err := pgx.Connect(t.Context(), first)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "CREATE TABLE kept ()")
	require.NoError(t, err)
	for range cap(urls) - 1 {
		require.Equal(t, first, <-urls, "all get the same cluster")
	}

	dir, err := realPath(cfg.Dir)
	require.NoError(t, err)
	require.NotEmpty(t, workingIn(filepath.Join(dir, clusterName)))
	require.NoError(t, StopSharedPostgres(t.Context(), cfg.Dir))
	require.Empty(t, workingIn(filepath.Join(dir, clusterName)))

	again, err := SharedPostgres(t.Context(), cfg)
	require.NoError(t, err)
	conn, err = pgx.Connect(t.Context(), again)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), "DROP TABLE kept")
	require.NoError(t, err)
}
