package service

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// parts are the services that run, by name.
type parts struct {
	mu      sync.Mutex
	running map[string]bool
	failed  []error
	ended   chan struct{} // receives when one has ended
}

func newParts() *parts { return &parts{running: map[string]bool{}, ended: make(chan struct{}, 1)} }

// run starts one part.
func (p *parts) run(name string, run func() error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running[name] = true
	go func() {
		err := run()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.running, name)
		if err != nil {
			p.failed = append(p.failed, fmt.Errorf("%s: %w", name, err))
		}
		select {
		case p.ended <- struct{}{}:
		default:
		}
	}()
}

// wait returns what all parts ended with, or within a bound an error that names
// those that have not.
func (p *parts) wait(bound time.Duration) error {
	timer := time.NewTimer(bound)
	defer timer.Stop()
	for {
		p.mu.Lock()
		left, err := slices.Sorted(maps.Keys(p.running)), errors.Join(p.failed...)
		p.mu.Unlock()
		if len(left) == 0 {
			return err
		}
		select {
		case <-p.ended:
		case <-timer.C:
			return errors.Join(err, fmt.Errorf("%s did not stop within %s", strings.Join(left, ", "), bound))
		}
	}
}
