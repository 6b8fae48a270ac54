package sharing_test

import (
	"net/http"
	"sync"
)

// tickets lets one answer of a source through for each that is given out.
type tickets struct {
	mu    sync.Mutex
	held  int
	given chan struct{}
}

func newTickets() *tickets { return &tickets{given: make(chan struct{}, largeJob)} }

// hold is a rangetest.Fault. The first request is the analyser's, and free.
func (k *tickets) hold(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
	if r.Header.Get("If-Match") != "" && !k.use(r) {
		return
	}
	serve(w, r)
}

func (k *tickets) use(r *http.Request) bool {
	k.count(1)
	select {
	case <-k.given:
		return true
	case <-r.Context().Done():
		k.count(-1)
		return false
	}
}

// give lets one request through, which is not held from then on.
func (k *tickets) give() {
	k.count(-1)
	k.given <- struct{}{}
}

// endAll lets everything through.
func (k *tickets) endAll() { close(k.given) }

func (k *tickets) count(n int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held += n
}

// holding says whether so many requests wait.
func (k *tickets) holding(n int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held == n
}
