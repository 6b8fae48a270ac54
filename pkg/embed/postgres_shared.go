package embed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/grainmesh/grainmesh/pkg/proc"
)

// SharedPostgres returns the URL of a cluster that several processes use one
// after the other and at once. The first starts it, and it goes on when that
// process ends, until [StopSharedPostgres]. For tests: every test binary
// starting a cluster of its own would cost more than its tests.
func SharedPostgres(ctx context.Context, cfg PostgresConfig) (string, error) {
	url, err := sharedPostgres(ctx, cfg)
	if err != nil {
		return "", fmt.Errorf("share postgres: %w", err)
	}
	return url, nil
}

func sharedPostgres(ctx context.Context, cfg PostgresConfig) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, postgresStartTimeout)
	defer cancel()
	unlock, err := sharedLock(ctx, cfg.Dir)
	if err != nil {
		return "", err
	}
	defer unlock()
	if cfg.Dir, err = realPath(cfg.Dir); err != nil {
		return "", err
	}
	if url, ok := runningPostgres(ctx, cfg.Dir); ok {
		return url, nil
	}
	p := &Postgres{}
	if p.cluster, err = openCluster(ctx, cfg); err != nil {
		return "", err
	}
	p.password = p.cluster.password
	if p.port, err = freePort(); err != nil {
		return "", err
	}
	if err := p.cluster.detach(ctx, cfg, p.port); err != nil {
		return "", err
	}
	if err := p.makeDatabase(ctx); err != nil {
		return "", err
	}
	return p.URL(), writeAtomically(filepath.Join(cfg.Dir, "url"), p.URL())
}

// runningPostgres returns the URL of the shared cluster if it answers.
func runningPostgres(ctx context.Context, dir string) (string, bool) {
	b, err := os.ReadFile(filepath.Join(dir, "url"))
	if err != nil {
		return "", false
	}
	conn, err := pgx.Connect(ctx, string(b))
	if err != nil {
		return "", false
	}
	return string(b), conn.Close(ctx) == nil
}

// detach starts the server as a session of its own, by Postgres' pg_ctl.
func (c cluster) detach(ctx context.Context, cfg PostgresConfig, port int) error {
	log := filepath.Join(filepath.Dir(c.data), "log") // where the account can reach it
	if err := os.WriteFile(log, nil, 0o600); err != nil {
		return err
	}
	if err := c.as.own(log); err != nil {
		return err
	}
	options := strings.Join(c.arguments(cfg, port)[2:], " ") // pg_ctl names the folder itself
	spec := c.spec("pg_ctl", []string{"start", "-w", "-s", "-D", c.data, "-l", log, "-o", options})
	spec.StopLeaderOnly = false
	if _, err := proc.Run(ctx, spec); err != nil {
		text, _ := os.ReadFile(log) // only to say more
		return fmt.Errorf("pg_ctl: %w; log: %s", err, text)
	}
	return nil
}

// StopSharedPostgres ends the cluster that [SharedPostgres] started in dir, if
// there is one, and whoever uses it loses it.
func StopSharedPostgres(ctx context.Context, dir string) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := stopSharedPostgres(ctx, dir); err != nil {
		return fmt.Errorf("stop shared postgres: %w", err)
	}
	return nil
}

func stopSharedPostgres(ctx context.Context, dir string) error {
	unlock, err := sharedLock(ctx, dir)
	if err != nil {
		return err
	}
	defer unlock()
	if dir, err = realPath(dir); err != nil {
		return err
	}
	c, err := findCluster(ctx, PostgresConfig{Dir: dir})
	if err != nil {
		return err
	}
	if len(workingIn(c.data)) == 0 {
		return nil
	}
	spec := c.spec("pg_ctl", []string{"stop", "-w", "-s", "-m", "fast", "-D", c.data})
	_, stopErr := proc.Run(ctx, spec)
	if _, err := endLeftovers(ctx, c.data); err != nil {
		return errors.Join(stopErr, err)
	}
	return nil
}

// sharedLock waits until it is our turn to start or stop the shared cluster.
func sharedLock(ctx context.Context, dir string) (func(), error) {
	if dir == "" {
		return nil, errors.New("no folder given")
	}
	lock, err := awaitDir(ctx, dir)
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Release() }, nil // closing the file cannot fail to unlock
}
