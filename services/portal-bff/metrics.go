package portalbff

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the service's instruments.
type metrics struct {
	streams  prometheus.Gauge
	logins   *prometheus.CounterVec
	uploaded prometheus.Counter
	removed  *prometheus.CounterVec
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		streams: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "grainmesh_portal_event_streams", Help: "Browsers that follow events now.",
		}),
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grainmesh_portal_logins_total", Help: "Log-in links opened, by outcome.",
		}, []string{"outcome"}),
		uploaded: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "grainmesh_portal_uploaded_bytes_total", Help: "Bytes of files whose upload was completed.",
		}),
		removed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "grainmesh_portal_uploads_removed_total", Help: "Uploads removed because of their age: files, or unfinished ones.",
		}, []string{"kind"}),
	}
	err := errors.Join(registry.Register(m.streams), registry.Register(m.logins), registry.Register(m.uploaded), registry.Register(m.removed))
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return m, nil
}
