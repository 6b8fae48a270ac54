package mediastore

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grainmesh/grainmesh/services/media-store/collector"
	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// metrics are all instruments of the service.
type metrics struct {
	segments  prometheus.Counter
	bytes     prometheus.Counter
	repeats   prometheus.Counter
	allocated prometheus.Counter
	condemned prometheus.Counter
	removed   prometheus.Counter
	waiting   *prometheus.GaugeVec
}

var _ collector.Metrics = (*metrics)(nil)

func newMetrics(registry prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "grainmesh", Subsystem: "store", Name: name, Help: help})
	}
	m := &metrics{
		segments:  counter("segments_registered_total", "Segments that became visible."),
		bytes:     counter("registered_bytes_total", "Bytes of the objects of those segments."),
		repeats:   counter("registrations_repeated_total", "Pieces of work that were registered again, without effect."),
		allocated: counter("objects_allocated_total", "Objects that were allocated."),
		condemned: counter("objects_condemned_total", "Objects that were given up because nobody registered them."),
		removed:   counter("objects_removed_total", "Objects whose bytes and rows were deleted."),
		waiting: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "grainmesh", Subsystem: "store", Name: "objects_waiting", Help: "Objects that wait to be registered or removed, by state.",
		}, []string{"state"}),
	}
	registry.MustRegister(m.segments, m.bytes, m.repeats, m.allocated, m.condemned, m.removed, m.waiting)
	return m
}

// Collected implements collector.Metrics.
func (m *metrics) Collected(condemned, removed int) {
	m.condemned.Add(float64(condemned))
	m.removed.Add(float64(removed))
}

// Waiting implements collector.Metrics.
func (m *metrics) Waiting(b store.Backlog) {
	m.waiting.WithLabelValues("allocated").Set(float64(b.Allocated))
	m.waiting.WithLabelValues("condemned").Set(float64(b.Condemned))
}
