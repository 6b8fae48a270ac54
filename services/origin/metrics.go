package origin

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	served  *prometheus.CounterVec
	fetched prometheus.Counter
	build   prometheus.Histogram
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		served: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grainmesh_origin_segments_total", Help: "Media segments served, by whether they were made or in memory.",
		}, []string{"from"}),
		fetched: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "grainmesh_origin_fetched_bytes_total", Help: "Bytes of objects fetched from the object store.",
		}),
		build: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "grainmesh_origin_build_seconds", Help: "Time to make a media segment.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2, 12),
		}),
	}
	return m, errors.Join(registry.Register(m.served), registry.Register(m.fetched), registry.Register(m.build))
}

func (m *metrics) countServed(fromMemory bool) {
	if fromMemory {
		m.served.WithLabelValues("memory").Inc()
		return
	}
	m.served.WithLabelValues("store").Inc()
}
