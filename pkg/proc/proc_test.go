package proc_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/grainmesh/grainmesh/pkg/proc"
)

// parentEnv makes the test binary a parent that starts a child and hangs.
const parentEnv = "PROC_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentEnv); dir != "" {
		beParent(dir)
	}
	goleak.VerifyTestMain(m)
}

func beParent(dir string) {
	p, err := proc.Start(context.Background(), sh("sleep 1000 & echo $! > "+filepath.Join(dir, "grandchild")+"; wait"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.WriteFile(filepath.Join(dir, "child"), []byte(strconv.Itoa(p.PID())), 0o600); err != nil {
		os.Exit(1)
	}
	p.Wait()
	os.Exit(2)
}

func sh(script string) proc.Spec {
	return proc.Spec{Path: "/bin/sh", Args: []string{"-c", script}}
}

// alive tells whether a process exists and is not a zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

func readPID(t *testing.T, file string) int {
	t.Helper()
	var pid int
	require.Eventually(t, func() bool {
		b, err := os.ReadFile(file)
		if err != nil {
			return false
		}
		pid, err = strconv.Atoi(strings.TrimSpace(string(b)))
		return err == nil
	}, 10*time.Second, 5*time.Millisecond, "no process id in %s", file)
	return pid
}

func eventuallyDead(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool { return !alive(pid) }, 10*time.Second, 5*time.Millisecond, "process %d lives", pid)
}

func TestRunTellsHowItEnded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		script string
		code   int
		signal syscall.Signal
		tail   string
		err    string
	}{
		{name: "success", script: "echo fine >&2", tail: "fine"},
		{name: "code", script: "echo no disk >&2; exit 3", code: 3, tail: "no disk", err: "process ended: exit code 3; stderr: no disk"},
		{name: "signal", script: "kill -SEGV $$", code: -1, signal: syscall.SIGSEGV, err: "process ended: signal segmentation fault"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			exit, err := proc.Run(t.Context(), sh(tt.script))
			require.Equal(t, tt.code, exit.Code)
			require.Equal(t, tt.signal, exit.Signal)
			require.Equal(t, tt.tail, exit.Tail)
			require.False(t, exit.Stopped)
			require.False(t, exit.Ended.Before(exit.Started))
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, proc.ErrExited)
			require.EqualError(t, err, tt.err)
		})
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	_, err := proc.Start(t.Context(), proc.Spec{})
	require.ErrorIs(t, err, proc.ErrNoPath)
	_, err = proc.Start(t.Context(), proc.Spec{Path: "no-such-program-here"})
	require.ErrorIs(t, err, exec.ErrNotFound)
	_, err = proc.Start(t.Context(), proc.Spec{Path: "/bin/sh", Dir: "/no/such/dir"})
	require.ErrorIs(t, err, os.ErrNotExist)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = proc.Start(ctx, sh("true"))
	require.ErrorIs(t, err, context.Canceled)
}

func TestStreams(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	spec := sh("cat; echo problem >&2")
	spec.Stdin, spec.Stdout, spec.Stderr = strings.NewReader("hello"), &stdout, &stderr
	_, err := proc.Run(t.Context(), spec)
	require.NoError(t, err)
	require.Equal(t, "hello", stdout.String())
	require.Equal(t, "problem\n", stderr.String())
}

func TestTailKeepsTheEnd(t *testing.T) {
	t.Parallel()
	spec := sh("i=0; while [ $i -lt 500 ]; do echo line $i >&2; i=$((i+1)); done")
	spec.TailBytes = 100
	exit, err := proc.Run(t.Context(), spec)
	require.NoError(t, err)
	require.LessOrEqual(t, len(exit.Tail), 100)
	require.True(t, strings.HasPrefix(exit.Tail, "line "), exit.Tail)
	require.True(t, strings.HasSuffix(exit.Tail, "line 499"), exit.Tail)
}

func TestStopAsks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, err := proc.Start(t.Context(), sh(fmt.Sprintf("trap 'exit 0' TERM; echo $$ > %s/up; while :; do sleep 0.01; done", dir)))
	require.NoError(t, err)
	require.Equal(t, p.PID(), readPID(t, filepath.Join(dir, "up")))
	exit := p.Stop(t.Context())
	require.True(t, exit.Stopped)
	require.False(t, exit.Killed)
	require.NoError(t, exit.Err())
	require.Equal(t, exit, p.Stop(t.Context()), "a second stop tells the same")
	require.NoError(t, p.Signal(syscall.SIGTERM), "signals after the end go nowhere")
}

func TestStopKillsTheStubborn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spec := sh(fmt.Sprintf("trap '' TERM; echo $$ > %s/up; while :; do sleep 0.01; done", dir))
	spec.StopGrace = 50 * time.Millisecond
	p, err := proc.Start(t.Context(), spec)
	require.NoError(t, err)
	readPID(t, filepath.Join(dir, "up"))
	exit := p.Stop(t.Context())
	require.True(t, exit.Stopped)
	require.True(t, exit.Killed)
	require.Equal(t, syscall.SIGKILL, exit.Signal)
	require.Equal(t, "signal killed, killed after the grace time", exit.String())
}

func TestStopIsBoundByItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	spec := sh(fmt.Sprintf("trap '' TERM; echo $$ > %s/up; while :; do sleep 0.01; done", dir))
	spec.StopGrace = time.Hour
	p, err := proc.Start(t.Context(), spec)
	require.NoError(t, err)
	readPID(t, filepath.Join(dir, "up"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.True(t, p.Stop(ctx).Killed)
}

func TestContextStops(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p, err := proc.Start(ctx, sh("exec sleep 1000"))
	require.NoError(t, err)
	cancel()
	exit := p.Wait()
	require.True(t, exit.Stopped)
	require.Equal(t, syscall.SIGTERM, exit.Signal)

	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = proc.Run(ctx, sh("exec sleep 1000"))
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestGroupDiesWithItsLeader(t *testing.T) {
	t.Parallel()
	for _, script := range []string{
		"sleep 1000 & echo $! > %s/grandchild; exit 0", // left behind
		"sleep 1000 & echo $! > %s/grandchild; wait",   // stopped below
	} {
		dir := t.TempDir()
		p, err := proc.Start(t.Context(), sh(fmt.Sprintf(script, dir)))
		require.NoError(t, err)
		grandchild := readPID(t, filepath.Join(dir, "grandchild"))
		p.Stop(t.Context())
		eventuallyDead(t, grandchild)
	}
}

// A child must live on when goroutines and threads come and go, and die when
// the whole parent is killed.
func TestChildDiesWithItsParent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	exe, err := os.Executable()
	require.NoError(t, err)
	parent := exec.Command(exe)
	parent.Env = append(os.Environ(), parentEnv+"="+dir)
	parent.Stderr = os.Stderr
	require.NoError(t, parent.Start())
	child := readPID(t, filepath.Join(dir, "child"))
	grandchild := readPID(t, filepath.Join(dir, "grandchild"))
	require.True(t, alive(child))
	require.NoError(t, parent.Process.Kill())
	_ = parent.Wait() // "signal: killed"
	eventuallyDead(t, child)
	// The kernel tells only the child; its own children are its business.
	_ = syscall.Kill(grandchild, syscall.SIGKILL)
}
