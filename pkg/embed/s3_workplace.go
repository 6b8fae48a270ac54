package embed

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"github.com/gofiber/fiber/v3"
	"golang.org/x/sys/unix"
)

// workplace runs code with a working directory of its own.
//
// versitygw's posix backend names every file relative to the working
// directory, which it changes for the whole process: other services, and every
// test with a relative path, would find themselves inside the buckets. Linux
// keeps the working directory by thread for those who ask, so each goroutine
// that serves S3 is locked to a thread that has left the process' directory.
// The thread ends with its goroutine, and the Go runtime starts no other
// threads from it.
//
// Where the kernel forbids that (the seccomp profile of some container
// runtimes), the directory of the process is changed after all.
type workplace struct {
	root    *os.File
	allowed bool // threads may have a directory of their own
}

// newWorkplace finds out whether threads may have their own directory.
func newWorkplace(root string) (*workplace, error) {
	f, err := os.Open(root)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	w := &workplace{root: f, allowed: true}
	var entered error
	w.onOwnThread(func() { entered = w.enter() })
	if errors.Is(entered, unix.EPERM) || errors.Is(entered, unix.ENOSYS) {
		w.allowed, entered = false, nil
	}
	if entered != nil {
		return nil, errors.Join(entered, f.Close())
	}
	return w, nil
}

// enter takes the calling thread to the folder. The goroutine must be locked
// to it, and must not unlock it.
func (w *workplace) enter() error {
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return fmt.Errorf("leave the directory of the process: %w", err)
	}
	if err := syscall.Fchdir(int(w.root.Fd())); err != nil {
		return fmt.Errorf("enter folder: %w", err)
	}
	return nil
}

// onOwnThread runs f on a thread that ends after it.
func (w *workplace) onOwnThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlock: the thread is spoilt
		f()
	}()
	<-done
}

// do runs f in the folder.
func (w *workplace) do(f func()) {
	if !w.allowed {
		f()
		return
	}
	w.onOwnThread(func() {
		if w.enter() == nil {
			f()
		}
	})
}

// middleware serves a request in the folder. The goroutine is that of the
// client's connection, so the thread is made once a connection; entering again
// costs less than knowing that it is not needed.
func (w *workplace) middleware(ctx fiber.Ctx) error {
	if w.allowed {
		runtime.LockOSThread()
		if err := w.enter(); err != nil {
			return err
		}
	}
	return ctx.Next()
}

func (w *workplace) close() error { return w.root.Close() }
