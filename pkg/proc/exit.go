package proc

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// ErrExited is wrapped by every error of [Exit.Err].
var ErrExited = errors.New("process ended")

// Exit tells why a child ended.
type Exit struct {
	// Code is the exit code, or -1 when a signal ended the child.
	Code int
	// Signal is what ended the child, or 0 when it exited by itself.
	Signal syscall.Signal
	// Stopped is true when we asked it to end (Stop, or the context).
	Stopped bool
	// Killed is true when it did not end within its grace time and got SIGKILL.
	Killed bool
	// Tail is the end of what the child wrote to stderr.
	Tail string
	// Started and Ended are when the child ran.
	Started, Ended time.Time
}

// String is one line for logs, without the tail.
func (e Exit) String() string {
	var b strings.Builder
	if e.Signal != 0 {
		fmt.Fprintf(&b, "signal %s", e.Signal)
	} else {
		fmt.Fprintf(&b, "exit code %d", e.Code)
	}
	switch {
	case e.Killed:
		b.WriteString(", killed after the grace time")
	case e.Stopped:
		b.WriteString(", stopped")
	}
	return b.String()
}

// Err is nil when the child succeeded or was stopped by us; otherwise it says
// how the child ended, with the tail of stderr, and wraps [ErrExited].
func (e Exit) Err() error {
	if e.Stopped || (e.Code == 0 && e.Signal == 0) {
		return nil
	}
	if e.Tail == "" {
		return fmt.Errorf("%w: %s", ErrExited, e)
	}
	return fmt.Errorf("%w: %s; stderr: %s", ErrExited, e, e.Tail)
}
