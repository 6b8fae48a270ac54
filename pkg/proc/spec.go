package proc

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
	"time"
)

// Defaults of the fields of [Spec] that are left zero.
const (
	DefaultStopGrace = 5 * time.Second
	DefaultTailBytes = 8 << 10
)

// pipeGrace bounds the wait for the end of the child's output after the child
// itself has ended: a grandchild that left the group may still hold the pipe.
const pipeGrace = 2 * time.Second

// ErrNoPath is returned by [Start] for a Spec without a program.
var ErrNoPath = errors.New("no program named")

// Spec says what to run and how to end it.
type Spec struct {
	// Path is the program; without a slash it is looked up in PATH.
	Path string
	// Args are the arguments after the program's name.
	Args []string
	// Env is the whole environment; nil means ours.
	Env []string
	// Dir is the working directory; empty means ours.
	Dir string

	// Stdin, Stdout and Stderr are the child's streams; nil is the null
	// device. The tail of stderr is kept whether or not Stderr is set.
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// TailBytes is how much of the end of stderr is kept.
	TailBytes int

	// StopSignal asks the child to end; zero is SIGTERM.
	StopSignal syscall.Signal
	// StopLeaderOnly sends StopSignal to the child alone and not to its
	// group, for programs that end their own children in their own order.
	StopLeaderOnly bool
	// StopGrace is how long the child may take after StopSignal before its
	// group gets SIGKILL.
	StopGrace time.Duration
	// DeathSignal is what the kernel sends the child when this process dies;
	// zero is SIGKILL.
	DeathSignal syscall.Signal

	// Attr may change the attributes before the start (user, namespaces).
	// The process group and the death signal are set after it.
	Attr func(*syscall.SysProcAttr)
}

// command makes the exec.Cmd of a Spec; stderr goes to tail as well.
func (s Spec) command(tail io.Writer) (*exec.Cmd, error) {
	if s.Path == "" {
		return nil, ErrNoPath
	}
	path, err := exec.LookPath(s.Path)
	if err != nil {
		return nil, fmt.Errorf("find program: %w", err)
	}
	cmd := exec.Command(path, s.Args...)
	cmd.Env, cmd.Dir = s.Env, s.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Stdin, s.Stdout, tail
	if s.Stderr != nil {
		cmd.Stderr = io.MultiWriter(tail, s.Stderr)
	}
	cmd.WaitDelay = pipeGrace
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if s.Attr != nil {
		s.Attr(cmd.SysProcAttr)
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = cmp.Or(s.DeathSignal, syscall.SIGKILL)
	return cmd, nil
}
