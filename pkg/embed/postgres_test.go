package embed_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

func startPostgres(t *testing.T, dir string) *embed.Postgres {
	t.Helper()
	p, err := embed.StartPostgres(t.Context(), embed.PostgresConfig{Dir: dir, Volatile: true})
	require.NoError(t, err)
	return p
}

func query[T any](t *testing.T, url, sql string, args ...any) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	var value T
	err = conn.QueryRow(t.Context(), sql, args...).Scan(&value)
	if !errors.Is(err, pgx.ErrNoRows) {
		require.NoError(t, err)
	}
	return value
}

func TestPostgresKeepsItsData(t *testing.T) {
	t.Parallel()
	// Deeper than the name of a unix socket may be.
	dir := filepath.Join(t.TempDir(), strings.Repeat("deep/", 25))
	p := startPostgres(t, dir)
	query[int](t, p.URL(), "CREATE TABLE flow AS SELECT 42 AS id")
	require.Equal(t, "off", query[string](t, p.URL(), "SHOW jit"))
	require.Equal(t, "300", query[string](t, p.URL(), "SHOW max_connections"))
	require.Equal(t, "off", query[string](t, p.URL(), "SHOW fsync"))

	_, err := embed.StartPostgres(t.Context(), embed.PostgresConfig{Dir: dir})
	require.ErrorIs(t, err, embed.ErrInUse)
	require.ErrorContains(t, err, "process "+strconv.Itoa(os.Getpid()))

	stop(t, p)
	require.Empty(t, postgresIn(t, dir))
	p = startPostgres(t, dir)
	defer stop(t, p)
	require.Equal(t, 42, query[int](t, p.URL(), "SELECT id FROM flow"))
}

func TestPostgresIsDurableByDefault(t *testing.T) {
	t.Parallel()
	p, err := embed.StartPostgres(t.Context(), embed.PostgresConfig{Dir: t.TempDir()})
	require.NoError(t, err)
	defer stop(t, p)
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		require.Equal(t, "on", query[string](t, p.URL(), "SHOW "+setting), setting)
	}
}

func TestPostgresAsksForThePassword(t *testing.T) {
	t.Parallel()
	p := startPostgres(t, t.TempDir())
	defer stop(t, p)
	cfg, err := pgx.ParseConfig(p.URL())
	require.NoError(t, err)
	for _, password := range []string{"", "wrong"} {
		cfg.Password = password
		_, err = pgx.ConnectConfig(t.Context(), cfg)
		require.Error(t, err)
	}
}

func TestPostgresTellsWhyItDoesNotStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stop(t, startPostgres(t, dir))
	require.NoError(t, os.Remove(filepath.Join(dir, "cluster", "global", "pg_control")))
	_, err := embed.StartPostgres(t.Context(), embed.PostgresConfig{Dir: dir})
	require.ErrorContains(t, err, "pg_control")
	require.Empty(t, postgresIn(t, dir))
}

func TestPostgresStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := embed.StartPostgres(ctx, embed.PostgresConfig{Dir: dir})
	require.Error(t, err)
	require.Empty(t, postgresIn(t, dir))
	stop(t, startPostgres(t, dir))
}

func TestPostgresStopCutsClientsOff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startPostgres(t, dir)
	conn, err := pgx.Connect(t.Context(), p.URL())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	asleep := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT pg_sleep(1000)")
		asleep <- err
	}()
	stop(t, p)
	require.Error(t, <-asleep)
	require.Empty(t, postgresIn(t, dir))
}

// A crash of the server alone leaves backends that are busy; the next start
// must end them or it would find the shared memory in use.
func TestPostgresClearsBackendsOfACrash(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startPostgres(t, dir)
	conn, err := pgx.Connect(t.Context(), p.URL())
	require.NoError(t, err)
	defer conn.Close(context.Background())
	busy := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT count(*) FROM generate_series(1, 1000000000000)")
		busy <- err
	}()
	require.Eventually(t, func() bool {
		return query[int](t, p.URL(), "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT count%series%' AND state = 'active' AND pid <> pg_backend_pid()") == 1
	}, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, syscall.Kill(serverPID(t, dir), syscall.SIGKILL))
	<-p.Done()
	require.Error(t, p.Stop(t.Context()), "an end that nobody asked for is told")
	require.Error(t, <-busy)

	p = startPostgres(t, dir)
	stop(t, p)
}

func serverPID(t *testing.T, dir string) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "cluster", "postmaster.pid"))
	require.NoError(t, err)
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	require.NoError(t, err)
	return pid
}

// After a restart of the machine the number in postmaster.pid may be anybody's.
func TestPostgresIgnoresAStaleProcessID(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stop(t, startPostgres(t, dir))
	pid := filepath.Join(dir, "cluster", "postmaster.pid")
	require.NoError(t, os.WriteFile(pid, fmt.Appendf(nil, "%d\n%s\n", os.Getpid(), filepath.Dir(pid)), 0o600))
	stop(t, startPostgres(t, dir))
}

func TestPostgresRemovesHalfACluster(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	half := filepath.Join(dir, "cluster.new123")
	require.NoError(t, os.MkdirAll(filepath.Join(half, "cluster", "base"), 0o700))
	stop(t, startPostgres(t, dir))
	require.NoDirExists(t, half)
}

func TestKillOfTheParentLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	parent, redisURL := startParent(t, dir)
	require.NotEmpty(t, postgresIn(t, dir))
	require.True(t, listens(t, redisURL))
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait() // "signal: killed"

	// The next start does not wait for the old one to be gone.
	p := startPostgres(t, filepath.Join(dir, "postgres"))
	require.Equal(t, 1, query[int](t, p.URL(), "SELECT 1"))
	stop(t, p)
	require.Empty(t, postgresIn(t, dir))
	require.Eventually(t, func() bool { return !listens(t, redisURL) },
		10*time.Second, 10*time.Millisecond, "redis runs on")
}

func TestPostgresDiesWithItsParent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	parent, _ := startParent(t, dir)
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait() // "signal: killed"
	require.Eventually(t, func() bool { return len(postgresIn(t, dir)) == 0 },
		10*time.Second, 10*time.Millisecond, "postgres runs on")
}

func BenchmarkPostgresStart(b *testing.B) {
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			startAndStop(b, b.TempDir())
		}
	})
	b.Run("again", func(b *testing.B) {
		dir := b.TempDir()
		startAndStop(b, dir)
		for b.Loop() {
			startAndStop(b, dir)
		}
	})
}

func startAndStop(b *testing.B, dir string) {
	b.Helper()
	p, err := embed.StartPostgres(b.Context(), embed.PostgresConfig{Dir: dir, Volatile: true})
	require.NoError(b, err)
	require.NoError(b, p.Stop(context.Background()))
}
