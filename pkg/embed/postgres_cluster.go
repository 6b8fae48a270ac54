package embed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/proc"
)

// ErrNoPostgres is returned when no Postgres server is installed.
var ErrNoPostgres = errors.New("no postgres server is installed (initdb and postgres are needed)")

const (
	clusterName  = "cluster"
	passwordName = "password"
)

// FindPostgres returns the folder with the newest installed initdb and
// postgres: where pg_config says, /usr/lib/postgresql/*/bin, or PATH.
func FindPostgres(ctx context.Context) (string, error) {
	var dirs []string
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	debian, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", fmt.Errorf("find postgres: %w", err)
	}
	slices.Reverse(debian) // newest first, while versions have two digits
	dirs = append(dirs, debian...)
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	for _, dir := range dirs {
		if executable(filepath.Join(dir, "initdb")) && executable(filepath.Join(dir, "postgres")) {
			return dir, nil
		}
	}
	return "", ErrNoPostgres
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// cluster is a folder of Postgres' data and who may run it.
type cluster struct {
	bin      string // folder of the programs
	data     string // folder of the data
	password string // of the superuser
	as       account
}

// findCluster tells where a folder's cluster is and who runs it.
func findCluster(ctx context.Context, cfg PostgresConfig) (cluster, error) {
	bin := cfg.BinDir
	if bin == "" {
		found, err := FindPostgres(ctx)
		if err != nil {
			return cluster{}, err
		}
		bin = found
	}
	home, as, err := chooseAccount(ctx, cfg)
	if err != nil {
		return cluster{}, err
	}
	return cluster{bin: bin, data: filepath.Join(home, clusterName), as: as}, nil
}

// openCluster makes the folder ready for a server: nobody runs in it, and it
// holds a whole cluster.
func openCluster(ctx context.Context, cfg PostgresConfig) (cluster, error) {
	c, err := findCluster(ctx, cfg)
	if err != nil {
		return c, err
	}
	if c.password, err = secretIn(filepath.Join(cfg.Dir, passwordName)); err != nil {
		return c, err
	}
	ended, err := endLeftovers(ctx, c.data)
	if err != nil {
		return c, err
	}
	if ended > 0 {
		logger(cfg.Logger).Warn("ended what a crash left of postgres", "processes", ended, "folder", c.data)
	}
	if _, err := os.Stat(c.data); err == nil {
		return c, removeStalePID(c.data)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	return c, c.initialise(ctx, cfg)
}

// initialise makes the cluster beside its place and moves it there when it is
// whole, so that a crash leaves no half of one.
func (c cluster) initialise(ctx context.Context, cfg PostgresConfig) error {
	home := filepath.Dir(c.data)
	old, err := filepath.Glob(filepath.Join(home, clusterName+".new*"))
	if err != nil {
		return err
	}
	for _, dir := range old {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove half a cluster: %w", err)
		}
	}
	fresh, err := os.MkdirTemp(home, clusterName+".new")
	if err != nil {
		return err
	}
	err = c.initdb(ctx, cfg, fresh)
	if err == nil {
		err = os.Rename(filepath.Join(fresh, clusterName), c.data)
	}
	return errors.Join(err, os.RemoveAll(fresh))
}

// initdb fills the folder fresh, which is ours, with the cluster in a folder
// of its own.
func (c cluster) initdb(ctx context.Context, cfg PostgresConfig, fresh string) error {
	password := filepath.Join(fresh, passwordName)
	if err := os.WriteFile(password, []byte(c.password), 0o600); err != nil {
		return err
	}
	for _, path := range []string{fresh, password} {
		if err := c.as.own(path); err != nil {
			return err
		}
	}
	args := []string{
		"--pgdata=" + filepath.Join(fresh, clusterName), "--username=" + postgresName, "--pwfile=" + password,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions",
	}
	if cfg.Volatile {
		args = append(args, "--no-sync")
	}
	if _, err := proc.Run(ctx, c.spec("initdb", args)); err != nil {
		return fmt.Errorf("initdb: %w", err)
	}
	return nil
}

// removeStalePID removes the file in which Postgres looks for a running
// server. Nobody runs in the folder, we have its lock and have looked; but the
// number in the file may be some other process by now, and Postgres would
// refuse to start.
func removeStalePID(data string) error {
	err := os.Remove(filepath.Join(data, "postmaster.pid"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove stale process id: %w", err)
	}
	return nil
}
