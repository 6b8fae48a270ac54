package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/embed"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

const (
	logFile = "grainmesh.log"
	// readyTimeout bounds the start; the first one makes a database cluster.
	readyTimeout = 60 * time.Second
	stopTimeout  = 60 * time.Second
	pollEvery    = 50 * time.Millisecond
)

func upCommand() *cli.Command {
	return &cli.Command{
		Name: "up", Usage: "start a mesh on this machine, and ingest a file",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "address for everything", Value: "127.0.0.1:8080", Sources: cli.EnvVars("GRAINMESH_LISTEN")},
			&cli.StringFlag{Name: "file", Usage: "file to ingest; a sample is made if there is none"},
			&cli.BoolFlag{Name: "no-ingest", Usage: "start only"},
			&cli.BoolFlag{Name: "foreground", Usage: "stay in the foreground, and log to the terminal"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Bool("foreground") {
				return runForeground(ctx, cmd)
			}
			return up(ctx, cmd)
		},
	}
}

// runForeground runs the mesh in this process until a signal.
func runForeground(ctx context.Context, cmd *cli.Command) error {
	dir, err := filepath.Abs(cmd.String("data"))
	if err != nil {
		return fmt.Errorf("folder of the mesh: %w", err)
	}
	settings, err := mesh.LoadSettings()
	if err != nil {
		return usage("%w", err)
	}
	settings.Listen, settings.InternalListen, settings.Version = cmd.String("listen"), "127.0.0.1:0", Version
	return mesh.Run(ctx, mesh.Options{
		Dir: dir, Settings: settings, Log: telemetry.NewLogger(cmd.Root().ErrWriter, settings.LogLevel),
		Locked: func() error { return clearState(dir) },
		Ready:  func(r mesh.Running) { writeState(cmd, dir, r) },
	})
}

// up starts the mesh in the background if it is not running, and does the main job
// on a file.
func up(ctx context.Context, cmd *cli.Command) error {
	if path := cmd.String("file"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return usage("%w", err)
		}
	}
	dir := cmd.String("data")
	state, err := readState(dir)
	if listen := cmd.String("listen"); err == nil && cmd.IsSet("listen") && state.PublicURL != "http://"+listen {
		fmt.Fprintf(cmd.Root().ErrWriter, "It runs already, and not on %s; to move it, stop it first: %s down\n", listen, commandLine(cmd))
	}
	if errors.Is(err, errNotRunning) {
		state, err = startBackground(ctx, cmd)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.Root().ErrWriter, "Grainmesh runs at %s (log: %s)\n", state.PublicURL, filepath.Join(dir, logFile))
	if cmd.Bool("no-ingest") {
		return nil
	}
	return firstIngest(ctx, cmd)
}

func startBackground(ctx context.Context, cmd *cli.Command) (*runState, error) {
	dir := cmd.String("data")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the mesh: %w", err)
	}
	logPath := filepath.Join(dir, logFile)
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	defer func() { _ = log.Close() }()
	begin, err := log.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	child := exec.Command(self, "--data", dir, "up", "--foreground", "--listen", cmd.String("listen"))
	child.Stdout, child.Stderr = log, log
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return nil, fmt.Errorf("start the mesh: %w", err)
	}
	b := &background{process: child.Process, exited: make(chan struct{})}
	go func() {
		b.err = child.Wait()
		close(b.exited)
	}()
	state, err := b.awaitReady(ctx, dir, logPath, begin)
	if err != nil {
		return nil, errors.Join(err, b.stop())
	}
	return state, nil
}

// background is a mesh that was started in a process of its own.
type background struct {
	process *os.Process
	exited  chan struct{}
	err     error // how it ended, once it has
}

// awaitReady waits until a mesh has written its state, or there is none. Where two are
// started at once, one gets the folder, and is the mesh of both.
func (b *background) awaitReady(ctx context.Context, dir, logPath string, begin int64) (*runState, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("the mesh is not ready after %s; its log is %s", readyTimeout, logPath))
	defer cancel()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		if state, err := readState(dir); err == nil {
			return state, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-poll.C:
		}
		if !b.running() {
			if held, err := embed.InUse(dir); err != nil || !held {
				return nil, errors.Join(fmt.Errorf("the mesh did not start (%w):\n%s", b.err, tail(logPath, begin)), err)
			}
		}
	}
}

func (b *background) running() bool {
	select {
	case <-b.exited:
		return false
	default:
		return true
	}
}

// stop ends a mesh that nobody waits for any more: it has a session of its own, and no
// Ctrl-C would reach it.
func (b *background) stop() error {
	if !b.running() {
		return nil
	}
	if err := b.process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop process %d: %w", b.process.Pid, err)
	}
	select {
	case <-b.exited:
		return nil
	case <-time.After(stopTimeout):
		return fmt.Errorf("process %d has not stopped after %s: %w", b.process.Pid, stopTimeout, b.process.Kill())
	}
}

// tailBytes is how much of the log an error shows.
const tailBytes = 4096

// tail returns the end of what was written to a file after a place.
func tail(path string, after int64) string {
	data, err := os.ReadFile(path)
	if err != nil || int64(len(data)) < after {
		return ""
	}
	data = data[after:]
	return string(data[max(0, len(data)-tailBytes):])
}

func downCommand() *cli.Command {
	return &cli.Command{
		Name: "down", Usage: "stop the local mesh; its data stays",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			state, err := readState(cmd.String("data"))
			if errors.Is(err, errNotRunning) {
				fmt.Fprintln(cmd.Root().ErrWriter, "No mesh is running here.")
				return nil
			}
			if err != nil {
				return err
			}
			return stopMesh(ctx, cmd, state)
		},
	}
}

func stopMesh(ctx context.Context, cmd *cli.Command, state *runState) error {
	if err := syscall.Kill(state.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop process %d: %w", state.PID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		if _, err := readState(cmd.String("data")); errors.Is(err, errNotRunning) {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d has not stopped after %s", state.PID, stopTimeout)
		case <-poll.C:
		}
	}
	fmt.Fprintln(cmd.Root().ErrWriter, "Grainmesh has stopped.")
	return nil
}

func resetCommand() *cli.Command {
	return &cli.Command{
		Name: "reset", Usage: "stop the local mesh and delete its data",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask whether that is meant"}},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			dir := cmd.String("data")
			if !cmd.Bool("yes") && !confirmed(cmd, fmt.Sprintf("Delete %s, with all that was ingested?", dir)) {
				return usage("nothing was deleted")
			}
			if state, err := readState(dir); err == nil {
				if err := stopMesh(ctx, cmd, state); err != nil {
					return err
				}
			}
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("delete %s: %w", dir, err)
			}
			fmt.Fprintln(cmd.Root().ErrWriter, "Deleted", dir)
			return nil
		},
	}
}

func logsCommand() *cli.Command {
	return &cli.Command{
		Name: "logs", Usage: "follow the log of the local mesh",
		Action: func(ctx context.Context, cmd *cli.Command) error {
			follow := exec.CommandContext(ctx, "tail", "-n", "100", "-F", filepath.Join(cmd.String("data"), logFile))
			follow.Stdout, follow.Stderr = cmd.Root().Writer, cmd.Root().ErrWriter
			if err := follow.Run(); err != nil && ctx.Err() == nil {
				return fmt.Errorf("follow the log: %w", err)
			}
			return nil
		},
	}
}
