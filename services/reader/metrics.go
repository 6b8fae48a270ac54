package reader

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	fetched, stored, grains prometheus.Counter
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		fetched: counter("grainmesh_reader_fetched_bytes_total", "Bytes fetched from sources."),
		stored:  counter("grainmesh_reader_stored_bytes_total", "Bytes uploaded to the object store."),
		grains:  counter("grainmesh_reader_grains_total", "Grains stored."),
	}
	return m, errors.Join(registry.Register(m.fetched), registry.Register(m.stored), registry.Register(m.grains))
}
