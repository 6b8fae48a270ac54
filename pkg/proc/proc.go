package proc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a running or ended child. All its methods may be called from any
// goroutine, at any time.
type Process struct {
	spec    Spec
	cmd     *exec.Cmd
	tail    *tail
	pid     int
	started time.Time

	stop     chan struct{} // closed by the first Stop
	stopOnce sync.Once
	done     chan struct{} // closed when exit is final

	mu      sync.Mutex
	gone    bool // the leader has ended: its pid is no longer ours to signal
	stopped bool
	killed  bool
	exit    Exit
}

// Start runs a child until it ends, until Stop, or until ctx is done, which is
// as if Stop was called. It returns when the program has been executed.
func Start(ctx context.Context, spec Spec) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	t := &tail{max: cmp.Or(spec.TailBytes, DefaultTailBytes)}
	cmd, err := spec.command(t)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	p := &Process{spec: spec, cmd: cmd, tail: t, stop: make(chan struct{}), done: make(chan struct{})}
	started := make(chan error)
	go p.own(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	go p.supervise(ctx)
	return p, nil
}

// Run is Start and Wait: it runs a child to its end and returns [Exit.Err].
// When ctx ended it, that error is ctx's cause.
func Run(ctx context.Context, spec Spec) (Exit, error) {
	p, err := Start(ctx, spec)
	if err != nil {
		return Exit{}, err
	}
	exit := p.Wait()
	if exit.Stopped {
		return exit, context.Cause(ctx)
	}
	return exit, exit.Err()
}

// PID is the child's process id, which is also the id of its group.
func (p *Process) PID() int { return p.pid }

// Done is closed when the child and its group have ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Tail is the end of what the child has written to stderr so far.
func (p *Process) Tail() string { return p.tail.String() }

// Wait blocks until the child has ended and tells why.
func (p *Process) Wait() Exit {
	<-p.done
	return p.exit
}

// Stop asks the child to end and waits for it; after StopGrace, or when ctx is
// done, its group gets SIGKILL. It may be called again and after the end.
func (p *Process) Stop(ctx context.Context) Exit {
	p.stopOnce.Do(func() { close(p.stop) })
	select {
	case <-p.done:
	case <-ctx.Done():
		p.kill()
		<-p.done
	}
	return p.exit
}

// Signal sends sig to the child alone. It does nothing when the child has ended.
func (p *Process) Signal(sig syscall.Signal) error {
	return p.signal(p.pid, sig)
}

// own starts the child and waits for it on one thread, because the death
// signal belongs to the thread.
func (p *Process) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	if err := p.cmd.Start(); err != nil {
		started <- err
		return
	}
	p.pid, p.started = p.cmd.Process.Pid, time.Now()
	started <- nil

	p.awaitLeader()
	err := p.cmd.Wait()
	p.finish(err)
}

// awaitLeader blocks until the leader has ended, and kills the rest of its
// group while the unreaped leader still holds the group's number: after
// reaping, that number could belong to someone else.
func (p *Process) awaitLeader() {
	for {
		err := unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = syscall.Kill(-p.pid, syscall.SIGKILL) // ESRCH: nobody is left, as hoped
	p.gone = true
}

// finish records why the child ended.
func (p *Process) finish(waitErr error) {
	exit := Exit{Code: -1, Tail: p.tail.String(), Started: p.started, Ended: time.Now()}
	if state := p.cmd.ProcessState; state != nil {
		exit.Code = state.ExitCode()
		if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			exit.Signal = ws.Signal()
		}
	} else if waitErr != nil {
		exit.Tail = fmt.Sprintf("%s (wait: %v)", exit.Tail, waitErr)
	}
	p.mu.Lock()
	exit.Stopped, exit.Killed = p.stopped, p.killed
	p.exit = exit
	p.mu.Unlock()
	close(p.done)
}

// supervise turns Stop and the end of ctx into signals.
func (p *Process) supervise(ctx context.Context) {
	select {
	case <-p.done:
		return
	case <-ctx.Done():
	case <-p.stop:
	}
	p.askToStop()
	grace := time.NewTimer(cmp.Or(p.spec.StopGrace, DefaultStopGrace))
	defer grace.Stop()
	select {
	case <-p.done:
	case <-grace.C:
		p.kill()
	}
}

func (p *Process) askToStop() {
	p.mu.Lock()
	p.stopped = p.stopped || !p.gone
	p.mu.Unlock()
	target := -p.pid
	if p.spec.StopLeaderOnly {
		target = p.pid
	}
	_ = p.signal(target, cmp.Or(p.spec.StopSignal, syscall.SIGTERM))
}

// kill ends the whole group at once.
func (p *Process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return
	}
	p.stopped, p.killed = true, true
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
}

// signal sends sig to a process or, negative, a group, unless the child has ended.
func (p *Process) signal(target int, sig syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return nil
	}
	if err := syscall.Kill(target, sig); err != nil {
		return fmt.Errorf("send %s to process %d: %w", sig, p.pid, err)
	}
	return nil
}
