package main

import (
	"fmt"
	"os"
	"time"

	"github.com/prometheus/procfs"
)

// cpu is the processor time that was spent until now: by this process, which is the
// whole mesh with its queue and its object store, and by its children, which are
// Postgres and Redis.
type cpu struct{ mesh, servers time.Duration }

func (c cpu) since(before cpu) cpu { return cpu{c.mesh - before.mesh, c.servers - before.servers} }

// clockTick is what the kernel counts processor time in (proc(5), USER_HZ).
const clockTick = 10 * time.Millisecond

// readCPU adds up this process and all below it, with what has ended below those
// that still run.
func readCPU() (cpu, error) {
	processes, err := procfs.AllProcs()
	if err != nil {
		return cpu{}, fmt.Errorf("read processor times: %w", err)
	}
	stats := map[int]procfs.ProcStat{}
	for _, p := range processes {
		if stat, err := p.Stat(); err == nil { // else it has just ended
			stats[stat.PID] = stat
		}
	}
	var sum cpu
	self := os.Getpid()
	for pid, stat := range stats {
		switch {
		case pid == self:
			sum.mesh += time.Duration(stat.UTime+stat.STime) * clockTick
			sum.servers += time.Duration(stat.CUTime+stat.CSTime) * clockTick
		case isBelow(stats, pid, self):
			sum.servers += time.Duration(int(stat.UTime+stat.STime)+stat.CUTime+stat.CSTime) * clockTick
		}
	}
	return sum, nil
}

func isBelow(stats map[int]procfs.ProcStat, pid, ancestor int) bool {
	for pid > 1 && pid != ancestor {
		pid = stats[pid].PPID
	}
	return pid == ancestor
}
