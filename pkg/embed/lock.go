package embed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// ErrInUse is returned when the folder of a server belongs to a running one.
var ErrInUse = errors.New("folder is in use")

const (
	lockName = "lock"
	lockPoll = 20 * time.Millisecond
	// lockPatience is for [InUse] of other processes, which have the lock for a moment.
	lockPatience = 250 * time.Millisecond
)

// Lock is the right to use a folder. The kernel takes it back when the process
// dies, so a crash leaves nothing to clear by hand.
type Lock struct {
	file *flock.Flock
}

// LockDir takes a folder for this process, and makes it if need be. It fails
// with [ErrInUse], naming the holder, when another server has it, also when
// that server is in this process.
func LockDir(dir string) (*Lock, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lockPatience)
	defer cancel()
	if lock, err := awaitDir(ctx, dir); !errors.Is(err, ErrInUse) {
		return lock, err
	}
	return tryDir(dir)
}

// tryDir is LockDir without patience.
func tryDir(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder: %w", err)
	}
	path := filepath.Join(dir, lockName)
	file := flock.New(path, flock.SetPermissions(0o600))
	got, err := file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock folder: %w", err)
	}
	if !got {
		return nil, fmt.Errorf("%w: %s, by process %s", ErrInUse, dir, holder(path))
	}
	if err := os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("write lock of folder: %w", err), file.Unlock())
	}
	return &Lock{file: file}, nil
}

// InUse says whether some process, this one included, holds a folder. A folder that
// does not exist is held by nobody.
func InUse(dir string) (bool, error) {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	lock, err := tryDir(dir)
	if errors.Is(err, ErrInUse) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	return false, lock.Release()
}

// awaitDir is tryDir that waits for its turn.
func awaitDir(ctx context.Context, dir string) (*Lock, error) {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		lock, err := tryDir(dir)
		if !errors.Is(err, ErrInUse) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// holder reads who has the lock; the holder may be between locking and writing.
func holder(path string) string {
	b, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(b)); err == nil && pid != "" {
		return pid
	}
	return "unknown"
}

// Release gives the folder back. The file stays: removing it would let two
// processes lock two files of the same name.
func (l *Lock) Release() error {
	if err := l.file.Unlock(); err != nil {
		return fmt.Errorf("unlock folder: %w", err)
	}
	return nil
}
