package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"github.com/urfave/cli/v3"

	"github.com/grainmesh/grainmesh/pkg/embed"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// runState is what a running local mesh writes down about itself.
type runState struct {
	PID int `json:"pid"`
	// Start tells the process from another that has its id later, see startOf.
	Start     string `json:"process_start,omitempty"`
	PublicURL string `json:"public_url"`
	// InternalURL is for services, and for operators.
	InternalURL string    `json:"internal_url"`
	Started     time.Time `json:"started"`
	// Env is how other processes join it, secrets and all.
	Env map[string]string `json:"env"`
}

const stateFile = "run.json"

// readState returns the state of the mesh in a folder; errNotRunning if there is
// none, or if its process is gone.
func readState(dir string) (*runState, error) {
	data, err := os.ReadFile(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (in %s)", errNotRunning, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read the state of the mesh: %w", err)
	}
	var state runState
	if err = json.Unmarshal(data, &state); err != nil {
		return nil, fmt.Errorf("state of the mesh in %s: %w", dir, err)
	}
	// Whoever holds the folder runs. What a killed mesh wrote lies there until the next
	// one has taken the folder, and its process id may be another's by now.
	held, err := embed.InUse(dir)
	if err == nil && (!held || state.Start != "" && state.Start != startOf(state.PID)) {
		err = fmt.Errorf("%w (in %s)", errNotRunning, dir)
	}
	return &state, err
}

// writeState writes down where the mesh answers, for the other commands.
func writeState(cmd *cli.Command, dir string, r mesh.Running) {
	data, err := json.Marshal(runState{PID: os.Getpid(), Start: startOf(os.Getpid()), PublicURL: r.PublicURL, InternalURL: r.InternalURL, Started: time.Now(), Env: r.Env})
	if err == nil {
		err = renameio.WriteFile(filepath.Join(dir, stateFile), data, 0o600)
	}
	if err != nil {
		fmt.Fprintln(cmd.Root().ErrWriter, "grainmesh: other commands will not find this mesh:", err)
	}
}

// clearState deletes what a killed mesh left behind, so that it is not taken for what
// the next one writes. The caller holds the folder.
func clearState(dir string) error {
	if err := os.Remove(filepath.Join(dir, stateFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("clear the state of an earlier mesh: %w", err)
	}
	return nil
}

// startOf returns when a process started, in clock ticks since boot (proc(5),
// /proc/pid/stat, 22); "" if there is no such process, or no /proc.
func startOf(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name in brackets may hold anything; the third field follows it.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	const start = 22 - 3
	if len(fields) <= start {
		return ""
	}
	return string(fields[start])
}
