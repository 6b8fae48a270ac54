package embed_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

// parentEnv names the folder in which the test binary, run again, starts
// servers and hangs until it is killed.
const parentEnv = "EMBED_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentEnv); dir != "" {
		if err := beParent(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m,
		// fasthttp never ends these two.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
}

func beParent(dir string) error {
	ctx := context.Background()
	if _, err := embed.StartPostgres(ctx, embed.PostgresConfig{Dir: filepath.Join(dir, "postgres"), Volatile: true}); err != nil {
		return err
	}
	redis, err := embed.StartRedis(ctx, embed.RedisConfig{})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "ready.tmp"), []byte(redis.URL()), 0o600); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, "ready.tmp"), filepath.Join(dir, "ready")); err != nil {
		return err
	}
	select {}
}

// startParent runs the test binary as the parent of a Postgres and a Redis,
// and returns the URL of the Redis.
func startParent(t *testing.T, dir string) (*exec.Cmd, string) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	parent := exec.Command(exe)
	parent.Env = append(os.Environ(), parentEnv+"="+dir)
	parent.Stderr = os.Stderr
	require.NoError(t, parent.Start())
	var url []byte
	require.Eventually(t, func() bool {
		url, err = os.ReadFile(filepath.Join(dir, "ready"))
		return err == nil
	}, 60*time.Second, 10*time.Millisecond, "the parent did not start its servers")
	return parent, string(url)
}

// postgresIn lists the Postgres processes that work in a cluster's folder.
func postgresIn(t *testing.T, dir string) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	require.NoError(t, err)
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		cwd, err := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd"))
		if err == nil && strings.HasPrefix(cwd, dir) && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

func stop(t *testing.T, server interface{ Stop(context.Context) error }) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	require.NoError(t, server.Stop(ctx))
}
