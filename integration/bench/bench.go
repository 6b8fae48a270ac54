package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

// Goal is what a measured value should be. The zero Goal is none.
type Goal struct {
	bound float64
	sign  int // 1: at least bound, -1: at most bound
	must  bool
}

// Must makes a goal one whose miss is an error of the benchmark, see [Report.Finish].
func (g Goal) Must() Goal {
	g.must = true
	return g
}

// AtLeast is the goal of a value that is better the larger it is.
func AtLeast(bound float64) Goal { return Goal{bound: bound, sign: 1} }

// AtMost is the goal of a value that is better the smaller it is.
func AtMost(bound float64) Goal { return Goal{bound: bound, sign: -1} }

// Met says whether a value reaches the goal.
func (g Goal) Met(value float64) bool {
	switch g.sign {
	case 1:
		return value >= g.bound
	case -1:
		return value <= g.bound
	default:
		return true
	}
}

// String gives the goal such as ">= 3000000", "" if there is none.
func (g Goal) String() string {
	switch g.sign {
	case 1:
		return ">= " + number(g.bound)
	case -1:
		return "<= " + number(g.bound)
	default:
		return ""
	}
}

// Report collects what one benchmark measured.
type Report struct {
	name    string
	metrics []metric
}

type metric struct {
	name  string
	value float64
	unit  string
	goal  Goal
}

// New returns an empty report; name is that of the benchmark and of its file.
func New(name string) *Report { return &Report{name: name} }

// Add notes a measured value. The name is its key in the JSON and holds the unit,
// as in "idle_p50_ms"; unit is for the table.
func (r *Report) Add(name string, value float64, unit string, goal Goal) {
	r.metrics = append(r.metrics, metric{name, value, unit, goal})
}

// Met says whether all goals are met.
func (r *Report) Met() bool {
	for _, m := range r.metrics {
		if !m.goal.Met(m.value) {
			return false
		}
	}
	return true
}

// ErrMissed says that a value does not reach a goal that it must reach.
var ErrMissed = errors.New("goal missed")

// missed names the values that do not reach what they must.
func (r *Report) missed() error {
	var err error
	for _, m := range r.metrics {
		if m.goal.must && !m.goal.Met(m.value) {
			err = errors.Join(err, fmt.Errorf("%w: %s is %s %s, want %v", ErrMissed, m.name, number(m.value), m.unit, m.goal))
		}
	}
	return err
}

// Print writes the values and their goals as a table.
func (r *Report) Print(w io.Writer) error {
	var lines strings.Builder
	fmt.Fprintf(&lines, "%s\tvalue\tunit\tgoal\t\n", r.name)
	for _, m := range r.metrics {
		verdict := ""
		switch {
		case m.goal == Goal{}:
		case m.goal.Met(m.value):
			verdict = "met"
		default:
			verdict = "MISSED"
		}
		fmt.Fprintf(&lines, "%s\t%s\t%s\t%v\t%s\n", m.name, number(m.value), m.unit, m.goal, verdict)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, err := io.WriteString(table, lines.String())
	if err := errors.Join(err, table.Flush()); err != nil {
		return fmt.Errorf("print the table of %s: %w", r.name, err)
	}
	return nil
}

// number writes large values without decimals and small ones with three.
func number(v float64) string {
	if math.Abs(v) >= 1000 || v == math.Trunc(v) {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// Write puts the values into bench/<name>.json below the root of the repository,
// as {"metrics": {name: value}}.
func (r *Report) Write(root string) error {
	values := make(map[string]float64, len(r.metrics))
	for _, m := range r.metrics {
		values[m.name] = m.value
	}
	file, err := json.MarshalIndent(map[string]any{"metrics": values}, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the values of %s: %w", r.name, err)
	}
	dir := filepath.Join(root, "bench")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("write the values of %s: %w", r.name, err)
	}
	if err := os.WriteFile(filepath.Join(dir, r.name+".json"), append(file, '\n'), 0o600); err != nil {
		return fmt.Errorf("write the values of %s: %w", r.name, err)
	}
	return nil
}

// ErrNoRoot says that a benchmark was not started within the repository.
var ErrNoRoot = errors.New("no go.work in this folder or above it")

// Root gives the root of the repository, the folder with go.work at or above the
// working folder.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("find the repository: %w", ErrNoRoot)
		}
		dir = parent
	}
}

// Finish prints the report on w and writes its JSON into the repository. It fails with
// [ErrMissed] where a goal is missed that must be met.
func (r *Report) Finish(w io.Writer) error {
	if err := r.Print(w); err != nil {
		return err
	}
	root, err := Root()
	if err != nil {
		return err
	}
	return errors.Join(r.Write(root), r.missed())
}
