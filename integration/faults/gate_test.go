package faults_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// gate holds answers of a source back. It starts open.
type gate struct {
	mu     sync.Mutex
	which  func(*http.Request) bool
	pass   int // how many go through before it closes
	held   int
	opened chan struct{}
	// answer, if set, is given in place of the file once the gate is open.
	answer http.HandlerFunc
}

func newGate() *gate {
	g := &gate{opened: make(chan struct{})}
	close(g.opened)
	return g
}

// closeFor holds the requests that which chooses, after the first of them.
func (g *gate) closeFor(which func(*http.Request) bool, pass int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.which, g.pass, g.opened = which, pass, make(chan struct{})
}

// open lets everything through, also what is held.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-g.opened:
	default:
		close(g.opened)
	}
}

// openWith opens the gate, and answers otherwise from then on.
func (g *gate) openWith(answer http.HandlerFunc) {
	g.mu.Lock()
	g.answer = answer
	g.mu.Unlock()
	g.open()
}

// hold is a rangetest.Fault.
func (g *gate) hold(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
	select {
	case <-g.enter(r):
	case <-r.Context().Done():
		return
	}
	g.mu.Lock()
	answer := g.answer
	g.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	serve(w, r)
}

// enter returns what a request waits for.
func (g *gate) enter(r *http.Request) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	through := make(chan struct{})
	close(through)
	if g.which == nil || !g.which(r) {
		return through
	}
	if g.pass > 0 {
		g.pass--
		return through
	}
	g.held++
	return g.opened
}

// awaitHeld waits until a request is held.
func (g *gate) awaitHeld(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.held > 0
	}, patience, look, "the source was not asked")
}
