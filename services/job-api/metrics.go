package jobapi

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grainmesh/grainmesh/pkg/pg"
)

// rowMetrics counts rows when it is asked: jobs by state, and work handed out or
// waiting by layer. They are what the layers scale by.
type rowMetrics struct {
	db          *pg.DB
	jobs        *prometheus.Desc
	outstanding *prometheus.Desc
	waiting     *prometheus.Desc
}

func registerMetrics(registry prometheus.Registerer, db *pg.DB) error {
	err := registry.Register(&rowMetrics{
		db:          db,
		jobs:        prometheus.NewDesc("grainmesh_jobs_open", "Jobs that have not ended, by state.", []string{"state"}, nil),
		outstanding: prometheus.NewDesc("grainmesh_work_outstanding", "Pieces of work handed out and not reported, by layer.", []string{"layer"}, nil),
		waiting:     prometheus.NewDesc("grainmesh_work_waiting", "Pieces of work not handed out yet, by layer.", []string{"layer"}, nil),
	})
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// Describe implements prometheus.Collector.
func (m *rowMetrics) Describe(out chan<- *prometheus.Desc) {
	out <- m.jobs
	out <- m.outstanding
	out <- m.waiting
}

const collectTimeout = 2 * time.Second

// Collect implements prometheus.Collector.
func (m *rowMetrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectTimeout)
	defer cancel()
	m.count(ctx, out, m.jobs, `SELECT state, count(*) FROM job WHERE finished_at IS NULL GROUP BY state`)
	m.count(ctx, out, m.outstanding, `SELECT lane, count(*) FROM outbox WHERE lane IS NOT NULL AND published_at IS NOT NULL GROUP BY lane`)
	m.count(ctx, out, m.waiting, `SELECT lane, count(*) FROM outbox WHERE lane IS NOT NULL AND published_at IS NULL GROUP BY lane`)
}

func (m *rowMetrics) count(ctx context.Context, out chan<- prometheus.Metric, desc *prometheus.Desc, sql string) {
	rows, err := m.db.Query(ctx, sql)
	if err != nil {
		out <- prometheus.NewInvalidMetric(desc, err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		var label string
		var n float64
		if err := rows.Scan(&label, &n); err != nil {
			out <- prometheus.NewInvalidMetric(desc, err)
			return
		}
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, n, label)
	}
}
