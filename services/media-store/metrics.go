package mediastore

import "github.com/prometheus/client_golang/prometheus"

// metrics are all instruments of the service.
type metrics struct {
	segments  prometheus.Counter
	bytes     prometheus.Counter
	repeats   prometheus.Counter
	allocated prometheus.Counter
}

func newMetrics(registry prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "grainmesh", Subsystem: "store", Name: name, Help: help})
	}
	m := &metrics{
		segments:  counter("segments_registered_total", "Segments that became visible."),
		bytes:     counter("registered_bytes_total", "Bytes of the objects of those segments."),
		repeats:   counter("registrations_repeated_total", "Pieces of work that were registered again, without effect."),
		allocated: counter("objects_allocated_total", "Objects that were allocated."),
	}
	registry.MustRegister(m.segments, m.bytes, m.repeats, m.allocated)
	return m
}
