package faults_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// fault is something that may happen to a running mesh at any time.
type fault struct {
	name   string
	strike func(t *testing.T, m *harness.Mesh)
}

// kill ends a service as kill -9 does, and starts it again.
func kill(service string) fault {
	return fault{service, func(t *testing.T, m *harness.Mesh) {
		t.Helper()
		m.Kill(t, service)
		m.Launch(t, service)
	}}
}

func TestKilledServicesLoseNothing(t *testing.T) {
	t.Parallel()
	var faults []fault
	for _, service := range mesh.Names() {
		faults = append(faults, kill(service))
	}
	strikeAll(t, faults)
}

func TestLostNeighboursLoseNothing(t *testing.T) {
	t.Parallel()
	strikeAll(t, []fault{
		{"jetstream wiped", func(t *testing.T, m *harness.Mesh) { t.Helper(); m.WipeNATS(t) }},
		{"redis flushed", func(t *testing.T, m *harness.Mesh) { t.Helper(); m.FlushRedis(t) }},
		{"postgres restarted", func(t *testing.T, m *harness.Mesh) { t.Helper(); m.RestartPostgres(t) }},
	})
}

// telling returns the steps at which a fault can do most harm: those that a service has
// a hand in, all where it has a hand in none.
func (f fault) telling() []step {
	all := steps()
	some := slices.DeleteFunc(slices.Clone(all), func(s step) bool { return !slices.Contains(s.busy, f.name) })
	if len(some) == 0 {
		return all
	}
	return some
}

// strikeAll lets each fault strike at each step, or, in a short run, at one of them.
func strikeAll(t *testing.T, faults []fault) {
	t.Helper()
	choice, n := chance(t), rounds(t)
	m := harness.New(t, harness.Options{Mode: harness.Apart, Own: true, Env: settings()})
	for round := range n {
		for _, f := range faults {
			chosen := steps()
			if testing.Short() {
				chosen = f.telling()
				i := choice.IntN(len(chosen))
				chosen = chosen[i : i+1]
			}
			for _, at := range chosen {
				name := fmt.Sprintf("%s while %s/%d", f.name, at.name, round)
				t.Run(name, func(t *testing.T) {
					s := begin(t, m)
					at.reach(t, s)
					f.strike(t, m)
					s.database.Reset() // its connections may be cut
					at.letGo(t, s)
					at.ends(t, s)
				})
			}
		}
	}
}
