package up_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is one that runs, known by its start as well: ids are used again.
type process struct {
	pid, parent int
	started     string // clock ticks since boot
	command     string
}

// processes lists all that run and are no zombies (proc(5), /proc/pid/stat).
func processes(t *testing.T) []process {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	var all []process
	for _, path := range paths {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// The name in brackets may hold anything; state, parent and the rest follow it.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if fields[0] == "Z" {
			continue
		}
		dir := filepath.Dir(path)
		command, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		p := process{started: fields[19], command: strings.ReplaceAll(string(command), "\x00", " ")}
		p.pid, err = strconv.Atoi(filepath.Base(dir))
		require.NoError(t, err)
		p.parent, err = strconv.Atoi(fields[1])
		require.NoError(t, err)
		all = append(all, p)
	}
	return all
}

// family returns a process and all that descend from it.
func family(t *testing.T, pid int) []process {
	t.Helper()
	all := processes(t)
	members := map[int]bool{pid: true}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if members[p.parent] && !members[p.pid] {
				members[p.pid], grown = true, true
			}
		}
	}
	var found []process
	for _, p := range all {
		if members[p.pid] {
			found = append(found, p)
		}
	}
	return found
}

// alive returns those of some processes that still run.
func alive(t *testing.T, some []process) []string {
	t.Helper()
	running := map[string]bool{}
	for _, p := range processes(t) {
		running[fmt.Sprint(p.pid, " ", p.started)] = true
	}
	var left []string
	for _, p := range some {
		if running[fmt.Sprint(p.pid, " ", p.started)] {
			left = append(left, fmt.Sprintf("%d %s", p.pid, p.command))
		}
	}
	return left
}

// using returns the processes that have to do with a folder: by their command,
// environment, working folder or open files.
func using(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	for _, p := range processes(t) {
		proc := fmt.Sprintf("/proc/%d", p.pid)
		environ, _ := os.ReadFile(proc + "/environ")
		links, _ := filepath.Glob(proc + "/fd/*")
		about := []string{p.command, string(environ)}
		for _, link := range append(links, proc+"/cwd", proc+"/exe") {
			target, _ := os.Readlink(link)
			about = append(about, target)
		}
		if strings.Contains(strings.Join(about, "\n"), dir) {
			found = append(found, fmt.Sprintf("%d %s", p.pid, p.command))
		}
	}
	return found
}

// running returns the processes of a mesh that runs, the first being its own.
func (l *local) running(t *testing.T) []process {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(l.dir, "run.json"))
	require.NoError(t, err)
	var state struct{ PID int }
	require.NoError(t, json.Unmarshal(data, &state))
	return family(t, state.PID)
}

// ending is how long a process may take to go after the mesh has said that it has
// stopped: it has let go of its folder by then.
const ending = 5 * time.Second

// requireGone checks that nothing is left of a mesh.
func (l *local) requireGone(t *testing.T, processes []process) {
	t.Helper()
	left := func() []string { return append(alive(t, processes), using(t, l.dir)...) }
	require.Eventually(t, func() bool { return len(left()) == 0 }, ending, 20*time.Millisecond, "%v", left())
}
