package serve

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"sync"
	"time"
)

// Check says whether something that a service needs is well.
type Check func(ctx context.Context) error

// Health is what /healthz and /readyz answer.
type Health struct {
	mu     sync.Mutex
	checks map[string]Check
	open   bool
}

// NewHealth makes a Health that is not ready.
func NewHealth() *Health { return &Health{checks: map[string]Check{}} }

// Add names a check of readiness.
func (h *Health) Add(name string, check Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks[name] = check
}

// SetReady opens or closes the process for traffic.
func (h *Health) SetReady(ready bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open = ready
}

const checkTimeout = 2 * time.Second

// live answers as long as the process can answer at all.
func (h *Health) live(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte("ok\n"))
}

// ready answers 200 if every check passes, else 503, and says which do not.
func (h *Health) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	report, ok := h.report(ctx)
	w.Header().Set("Content-Type", "application/json")
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(report)
}

func (h *Health) report(ctx context.Context) (map[string]string, bool) {
	h.mu.Lock()
	checks := maps.Clone(h.checks)
	ok := h.open
	h.mu.Unlock()
	report := map[string]string{"process": "ready"}
	if !ok {
		report["process"] = "starting or stopping"
	}
	for name, check := range checks {
		report[name] = "ready"
		if err := check(ctx); err != nil {
			report[name], ok = err.Error(), false
		}
	}
	return report, ok
}
