package embed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/grainmesh/grainmesh/pkg/proc"
)

const (
	// postgresName is the superuser and the database of an embedded cluster.
	postgresName = "grainmesh"

	postgresStartTimeout   = 60 * time.Second
	postgresStopGrace      = 20 * time.Second
	postgresPortAttempts   = 5
	postgresPoll           = 10 * time.Millisecond
	postgresMaxConnections = 300
	postgresTailBytes      = 16 << 10

	sqlStateInvalidPassword = "28P01"
	sqlStateNoDatabase      = "3D000"
)

// PostgresConfig describes an embedded Postgres cluster.
type PostgresConfig struct {
	// Dir keeps the cluster and its password. Required.
	Dir string
	// Port on 127.0.0.1; 0 takes a free one at each start.
	Port int
	// BinDir holds initdb and postgres; empty searches for them ([FindPostgres]).
	BinDir string
	// MaxConnections is how many clients may connect; 0 means 300.
	MaxConnections int
	// Volatile gives up durability for speed: after a crash of the machine the
	// cluster may be broken. For tests.
	Volatile bool
	// Logger gets a line for what had to be cleared at the start; nil drops it.
	Logger *slog.Logger

	noNamespace bool // as if user namespaces were forbidden
}

// Postgres is a running embedded Postgres cluster.
type Postgres struct {
	lock     *Lock
	stopOnce sync.Once
	stopErr  error
	cluster  cluster
	port     int
	password string
	child    *proc.Process
}

// StartPostgres starts the cluster in a folder, which it makes at the first
// start, and returns when the cluster answers and has its database. A Postgres
// that a crash left running in the folder is ended first. ctx bounds the start
// alone.
func StartPostgres(ctx context.Context, cfg PostgresConfig) (*Postgres, error) {
	if cfg.Dir == "" {
		return nil, errors.New("start postgres: no folder given")
	}
	lock, err := LockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("start postgres: %w", err)
	}
	p := &Postgres{lock: lock}
	if err := p.start(ctx, cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("start postgres: %w", err), lock.Release())
	}
	return p, nil
}

func (p *Postgres) start(ctx context.Context, cfg PostgresConfig) error {
	ctx, cancel := context.WithTimeout(ctx, postgresStartTimeout)
	defer cancel()
	dir, err := realPath(cfg.Dir)
	if err != nil {
		return err
	}
	cfg.Dir = dir
	if p.cluster, err = openCluster(ctx, cfg); err != nil {
		return err
	}
	p.password = p.cluster.password
	if err := p.startAtAnyPort(ctx, cfg); err != nil {
		return err
	}
	if err := p.makeDatabase(ctx); err != nil {
		return errors.Join(err, p.end(ctx))
	}
	return nil
}

// startAtAnyPort tries several ports, since a free one may be taken in between.
func (p *Postgres) startAtAnyPort(ctx context.Context, cfg PostgresConfig) error {
	var err error
	for range postgresPortAttempts {
		if p.port = cfg.Port; p.port == 0 {
			if p.port, err = freePort(); err != nil {
				return err
			}
		}
		err = p.startServer(ctx, cfg)
		if err == nil || cfg.Port != 0 || !strings.Contains(err.Error(), "Address already in use") {
			return err
		}
	}
	return err
}

func (p *Postgres) startServer(ctx context.Context, cfg PostgresConfig) error {
	child, err := proc.Start(context.WithoutCancel(ctx), p.cluster.spec("postgres", p.cluster.arguments(cfg, p.port)))
	if err != nil {
		return err
	}
	p.child = child
	if err := p.await(ctx); err != nil {
		return errors.Join(err, p.end(ctx))
	}
	return nil
}

// arguments are the settings of the server. They are given at each start
// rather than written to postgresql.conf, so that they are those of this
// version of the program.
func (c cluster) arguments(cfg PostgresConfig, port int) []string {
	settings := []string{
		"listen_addresses=" + loopback,
		"port=" + strconv.Itoa(port),
		"unix_socket_directories=", // folders may be deeper than the 107 bytes of a socket's name
		"max_connections=" + strconv.Itoa(cmp.Or(cfg.MaxConnections, postgresMaxConnections)),
		"shared_buffers=128MB",
		"jit=off", // costs more than it gives in index queries
		"logging_collector=off",
		"log_checkpoints=off",
		"timezone=UTC",
		"log_timezone=UTC",
	}
	if cfg.Volatile {
		settings = append(settings,
			"fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"wal_level=minimal", "max_wal_senders=0", "max_wal_size=4GB")
	}
	args := []string{"-D", c.data}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

// await connects until the server answers, ends, or time is up.
func (p *Postgres) await(ctx context.Context) error {
	tick := time.NewTicker(postgresPoll)
	defer tick.Stop()
	for {
		err := p.query(ctx, "postgres", "SELECT 1")
		if err == nil {
			return nil
		}
		if sqlState(err) == sqlStateInvalidPassword {
			return err
		}
		select {
		case <-p.child.Done():
			return p.child.Wait().Err()
		case <-ctx.Done():
			return fmt.Errorf("no answer (%w): %w; stderr: %s", err, ctx.Err(), p.child.Tail())
		case <-tick.C:
		}
	}
}

// makeDatabase makes the cluster's own database at its first start.
func (p *Postgres) makeDatabase(ctx context.Context) error {
	err := p.query(ctx, postgresName, "SELECT 1")
	if sqlState(err) == sqlStateNoDatabase {
		err = p.query(ctx, "postgres", "CREATE DATABASE "+postgresName)
	}
	if err != nil {
		return fmt.Errorf("make database: %w", err)
	}
	return nil
}

func (p *Postgres) query(ctx context.Context, database, sql string) error {
	conn, err := pgx.Connect(ctx, p.url(database))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

func sqlState(err error) string {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code
	}
	return ""
}

// URL is where clients connect, as superuser and with the password. Its
// database exists and is empty at the first start.
func (p *Postgres) URL() string { return p.url(postgresName) }

func (p *Postgres) url(database string) string { return postgresURL(p.port, p.password, database) }

func postgresURL(port int, password, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(postgresName, password),
		Host:     net.JoinHostPort(loopback, strconv.Itoa(port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Done is closed when the server has ended, asked to or not.
func (p *Postgres) Done() <-chan struct{} { return p.child.Done() }

// Stop ends the server in order (it cuts its clients off) and gives the folder
// back. When that takes longer than ctx allows, everything of it is killed.
func (p *Postgres) Stop(ctx context.Context) error {
	// Once only: after it the folder may be that of another server.
	p.stopOnce.Do(func() {
		if err := errors.Join(p.end(ctx), p.lock.Release()); err != nil {
			p.stopErr = fmt.Errorf("stop postgres: %w", err)
		}
	})
	return p.stopErr
}

// end stops the server, and its backends if they outlived it: each is the
// leader of a session of its own and out of reach of the group.
func (p *Postgres) end(ctx context.Context) error {
	exit := p.child.Stop(ctx)
	_, err := endLeftovers(context.WithoutCancel(ctx), p.cluster.data)
	if !exit.Stopped {
		err = errors.Join(exit.Err(), err)
	}
	return err
}

// spec is how one of Postgres' programs is run.
func (c cluster) spec(program string, args []string) proc.Spec {
	return proc.Spec{
		Path:      filepath.Join(c.bin, program),
		Args:      args,
		Env:       []string{"PATH=" + c.bin + ":/usr/bin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC"},
		Dir:       "/",
		TailBytes: postgresTailBytes,
		// SIGINT is Postgres' fast shutdown, SIGQUIT its immediate one, in
		// which it ends its backends: they would not notice a SIGKILL of their
		// parent before their query is done.
		StopSignal:     syscall.SIGINT,
		StopLeaderOnly: true,
		StopGrace:      postgresStopGrace,
		DeathSignal:    syscall.SIGQUIT,
		Attr:           c.as.apply,
	}
}
