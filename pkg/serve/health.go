package serve

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"
)

// Check says whether something that a service uses is well.
type Check func(ctx context.Context) error

// Health is what /healthz and /readyz answer.
type Health struct {
	log     *slog.Logger
	mu      sync.Mutex
	checks  map[string]part
	failing map[string]bool // as the log knows it
	open    bool
}

// part is something that a service uses.
type part struct {
	check  Check
	needed bool
}

// What /readyz says of a part. With the error behind them, "not ready" and "degraded"
// are told to operators only.
const (
	stateReady    = "ready"
	stateNotReady = "not ready"
	stateDegraded = "degraded"
	stateClosed   = "starting or stopping"
)

// NewHealth makes a Health that is not ready. What is not well goes to log in full.
func NewHealth(log *slog.Logger) *Health {
	return &Health{log: log, checks: map[string]part{}, failing: map[string]bool{}}
}

// Need names a check of something without which the process can do nothing: it is
// not ready while the check fails.
func (h *Health) Need(name string, check Check) { h.add(name, part{check, true}) }

// Use names a check of something that can be done without for a while: the process
// stays ready, and is told to be degraded.
func (h *Health) Use(name string, check Check) { h.add(name, part{check, false}) }

func (h *Health) add(name string, p part) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.checks[name] = p
}

// SetReady opens or closes the process for traffic.
func (h *Health) SetReady(ready bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open = ready
}

// checkTimeout bounds all checks; they run side by side, so that one that hangs says
// nothing of the others.
const checkTimeout = 2 * time.Second

// live answers as long as the process can answer at all.
func (h *Health) live(w http.ResponseWriter, _ *http.Request) {
	_, _ = w.Write([]byte("ok\n"))
}

// ready answers 200 if every check of what is needed passes, else 503, and names those
// that do not pass; with their errors, which may name hosts and users, if it is to.
func (h *Health) ready(withErrors bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
		defer cancel()
		report, ok := h.report(ctx, withErrors)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(report)
	}
}

func (h *Health) report(ctx context.Context, withErrors bool) (map[string]string, bool) {
	h.mu.Lock()
	checks := maps.Clone(h.checks)
	ok := h.open
	h.mu.Unlock()
	report := map[string]string{"process": stateReady}
	if !ok {
		report["process"] = stateClosed
	}
	for name, err := range runAll(ctx, checks) {
		h.tell(ctx, name, err)
		report[name] = stateReady
		if err == nil {
			continue
		}
		report[name] = stateDegraded
		if checks[name].needed {
			report[name], ok = stateNotReady, false
		}
		if withErrors {
			report[name] += ": " + err.Error()
		}
	}
	return report, ok
}

// runAll runs the checks side by side, and returns how each went.
func runAll(ctx context.Context, checks map[string]part) map[string]error {
	var all sync.WaitGroup
	var mu sync.Mutex
	results := make(map[string]error, len(checks))
	for name, p := range checks {
		all.Go(func() {
			err := p.check(ctx)
			mu.Lock()
			defer mu.Unlock()
			results[name] = err
		})
	}
	all.Wait()
	return results
}

// tell logs that a check passes no more, or again: once each time, however often it
// is asked for. What ended because the asker left says nothing.
func (h *Health) tell(ctx context.Context, name string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	h.mu.Lock()
	before := h.failing[name]
	h.failing[name] = err != nil
	h.mu.Unlock()
	switch {
	case err != nil && !before:
		h.log.WarnContext(ctx, "check failed", "part", name, "err", err)
	case err == nil && before:
		h.log.InfoContext(ctx, "check passes again", "part", name)
	}
}
