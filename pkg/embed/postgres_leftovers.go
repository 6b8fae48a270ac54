package embed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	leftoverGrace = 6 * time.Second // Postgres gives its own backends 5 s after SIGQUIT
	leftoverPoll  = 5 * time.Millisecond
)

// endLeftovers ends every Postgres process that works in a cluster's folder:
// a server that outlived the crash of its parent, or backends that outlived
// their server. It tells how many there were. The caller has the folder's
// lock, so none of them belongs to anybody.
func endLeftovers(ctx context.Context, data string) (int, error) {
	found := workingIn(data)
	if len(found) == 0 {
		return 0, nil
	}
	for _, step := range []struct {
		signal syscall.Signal
		grace  time.Duration
	}{{syscall.SIGQUIT, leftoverGrace}, {syscall.SIGKILL, leftoverGrace}} {
		for _, pid := range workingIn(data) {
			_ = syscall.Kill(pid, step.signal) // gone already is as good
		}
		if awaitNobody(ctx, data, step.grace) {
			return len(found), nil
		}
	}
	return len(found), fmt.Errorf("processes %v still run in %s", workingIn(data), data)
}

// awaitNobody polls: processes that are not our children tell nobody when they
// end.
func awaitNobody(ctx context.Context, data string, grace time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	tick := time.NewTicker(leftoverPoll)
	defer tick.Stop()
	for {
		if len(workingIn(data)) == 0 {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// workingIn lists the Postgres processes whose working directory is data; it
// is what all of them have in common, and what nothing else has.
func workingIn(data string) []int {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	var pids []int
	for _, dir := range dirs {
		cwd, err := os.Readlink(filepath.Join(dir, "cwd"))
		if err != nil || cwd != data {
			continue
		}
		exe, err := os.Readlink(filepath.Join(dir, "exe"))
		// After an upgrade the kernel says "postgres (deleted)".
		if err != nil || !strings.HasPrefix(filepath.Base(exe), "postgres") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
