// Command start measures how long the built program takes to be ready, prints a table
// and writes bench/start.json. A start that takes too long is an error. With -short it
// starts once each way, and tells of its goals without insisting on them: other tests
// may have the machine.
//
//   - ready_s: the first start in an empty folder, which makes keys, a database cluster
//     and all schemas; from the call of `grainmesh up` until it returns.
//   - again_ready_s: the same in a folder that has them.
//
// Of several starts the middle one counts.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/grainmesh/grainmesh/integration/bench"
)

func main() {
	short := flag.Bool("short", false, "take a few seconds")
	flag.Parse()
	times := 5
	goal := bench.AtMost(readyGoal).Must()
	if *short {
		times, goal = 1, bench.AtMost(readyGoal)
	}
	if err := run(times, goal); err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
}

// readyGoal is what a new user may be asked to wait for, in seconds.
const readyGoal = 5

func run(times int, goal bench.Goal) error {
	dir, err := os.MkdirTemp("", "grainmesh-bench-")
	if err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program := filepath.Join(dir, "grainmesh")
	if err := build(program); err != nil {
		return err
	}
	var first, again []time.Duration
	for n := range times {
		data := filepath.Join(dir, fmt.Sprint("data", n))
		for _, list := range []*[]time.Duration{&first, &again} {
			took, err := start(program, data)
			if err != nil {
				return err
			}
			*list = append(*list, took)
		}
	}
	report := bench.New("start")
	report.Add("ready_s", middle(first), "s", goal)
	report.Add("again_ready_s", middle(again), "s", goal)
	return report.Finish(os.Stdout)
}

func build(program string) error {
	root, err := bench.Root()
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-o", program, "./services/grainmesh/cmd")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	return nil
}

// start starts a mesh and stops it, and returns how long the start took.
func start(program, data string) (time.Duration, error) {
	began := time.Now()
	err := call(program, "--data", data, "up", "--listen", "127.0.0.1:0", "--no-ingest")
	took := time.Since(began)
	if downErr := call(program, "--data", data, "down"); err == nil {
		err = downErr
	}
	return took, err
}

// call runs the program without any settings of the caller's.
func call(program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(pair string) bool { return strings.HasPrefix(pair, "GRAINMESH_") })
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out.Bytes())
	}
	return nil
}

func middle(all []time.Duration) float64 {
	slices.Sort(all)
	return all[len(all)/2].Seconds()
}
