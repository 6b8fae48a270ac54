package embed

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/grainmesh/grainmesh/pkg/proc"
)

const (
	redisStartTimeout = 15 * time.Second
	redisPortAttempts = 5
	redisPoll         = 5 * time.Millisecond
	redisAnswer       = time.Second
)

// RedisConfig describes an embedded Redis.
type RedisConfig struct {
	// Port on 127.0.0.1; 0 takes a free one.
	Port int
	// Program is the redis-server to run; empty looks it up in PATH.
	Program string
	// Imitate runs an imitation in this process even when a redis-server is
	// installed.
	Imitate bool
	// Password that clients give; empty makes one.
	Password string
	// MaxMemoryMB is when the least recently used keys go; 0 means 256.
	MaxMemoryMB int
	// Logger gets a notice when the imitation is used; nil drops it.
	Logger *slog.Logger
}

// Redis is a running embedded Redis: a redis-server without persistence, or an
// imitation where none is installed.
type Redis struct {
	port      int
	password  string
	child     *proc.Process
	imitation *imitation
}

// StartRedis starts a Redis and returns when it answers. ctx bounds the start
// alone.
func StartRedis(ctx context.Context, cfg RedisConfig) (*Redis, error) {
	r := &Redis{password: cfg.Password}
	if r.password == "" {
		r.password = rand.Text()
	}
	if cfg.Program == "" && !cfg.Imitate {
		path, err := exec.LookPath("redis-server")
		if err != nil {
			logger(cfg.Logger).Info("no redis-server installed, an imitation serves", "err", err)
		}
		cfg.Program, cfg.Imitate = path, err != nil
	}
	start := r.startChild
	if cfg.Imitate {
		start = r.startImitation
	}
	if err := start(ctx, cfg); err != nil {
		return nil, fmt.Errorf("start redis: %w", err)
	}
	return r, nil
}

// startChild tries several ports, since a free one may be taken in between.
func (r *Redis) startChild(ctx context.Context, cfg RedisConfig) error {
	var err error
	for range redisPortAttempts {
		if r.port = cfg.Port; r.port == 0 {
			if r.port, err = freePort(); err != nil {
				return err
			}
		}
		err = r.runChild(ctx, cfg)
		if err == nil || cfg.Port != 0 || !strings.Contains(err.Error(), "Address already in use") {
			return err
		}
	}
	return err
}

func (r *Redis) runChild(ctx context.Context, cfg RedisConfig) error {
	child, err := proc.Start(context.WithoutCancel(ctx), proc.Spec{
		Path:       cfg.Program,
		Args:       []string{"-"},
		Dir:        "/",
		Stdin:      strings.NewReader(r.settings(cfg)),
		StopSignal: syscall.SIGTERM,
	})
	if err != nil {
		return err
	}
	r.child = child
	if err := r.await(ctx); err != nil {
		return errors.Join(err, r.Stop(ctx))
	}
	return nil
}

// settings go to the child's stdin: arguments can be read by every user.
func (r *Redis) settings(cfg RedisConfig) string {
	memory := cfg.MaxMemoryMB
	if memory == 0 {
		memory = 256
	}
	return strings.Join([]string{
		"bind " + loopback,
		"port " + strconv.Itoa(r.port),
		"requirepass " + r.password,
		`save ""`,
		"appendonly no",
		"daemonize no",
		"logfile /dev/stderr",
		"loglevel warning",
		"maxmemory " + strconv.Itoa(memory) + "mb",
		"maxmemory-policy allkeys-lru",
	}, "\n") + "\n"
}

// await asks until the server answers, ends, or time is up.
func (r *Redis) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redisStartTimeout)
	defer cancel()
	tick := time.NewTicker(redisPoll)
	defer tick.Stop()
	for {
		err := r.ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-r.child.Done():
			return r.child.Wait().Err()
		case <-ctx.Done():
			return fmt.Errorf("no answer (%w): %w; stderr: %s", err, ctx.Err(), r.child.Tail())
		case <-tick.C:
		}
	}
}

// ping asks once, in the inline form of the protocol: a client library would
// log each failure while the server is starting.
func (r *Redis) ping(ctx context.Context) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", r.address())
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(redisAnswer)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(conn, "AUTH %s\r\n", r.password); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return err
	}
	if answer != "+OK\r\n" {
		return fmt.Errorf("answer to the password: %s", strings.TrimSpace(answer))
	}
	return nil
}

func (r *Redis) address() string { return net.JoinHostPort(loopback, strconv.Itoa(r.port)) }

// URL is where clients connect, with the password.
func (r *Redis) URL() string {
	u := url.URL{
		Scheme: "redis",
		User:   url.UserPassword("", r.password),
		Host:   r.address(),
		Path:   "/0",
	}
	return u.String()
}

// Done is closed when the server has ended, asked to or not.
func (r *Redis) Done() <-chan struct{} {
	if r.imitation != nil {
		return r.imitation.quit
	}
	return r.child.Done()
}

// Stop ends the server; what it held is gone.
func (r *Redis) Stop(ctx context.Context) error {
	if r.imitation != nil {
		r.imitation.stop()
		return nil
	}
	if exit := r.child.Stop(ctx); !exit.Stopped {
		return fmt.Errorf("redis had ended before it was stopped: %s; stderr: %s", exit, exit.Tail)
	}
	return nil
}
