package serve

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Pace is how slowly the body of a request may come. It bounds the waiting for bytes,
// not the request: a large body that flows, a handler that takes its time, and a long
// answer are left alone.
type Pace struct {
	// Grace is how long the server waits for bytes of one request in all.
	Grace time.Duration
	// Rate is how many bytes earn another second.
	Rate int64
}

// usualPace lets a client on a bad line through and nobody hold a connection for ever.
var usualPace = Pace{Grace: 30 * time.Second, Rate: 16 << 10}

// Bodies ends the reading of bodies that come more slowly.
func (p Pace) Bodies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			control := http.NewResponseController(w)
			// Also for a body that no handler reads: the server reads it before it answers.
			_ = control.SetReadDeadline(time.Now().Add(p.Grace))
			r = r.WithContext(r.Context()) // the server looks at the body of its own
			r.Body = &pacedBody{ReadCloser: r.Body, pace: p, control: control}
		}
		next.ServeHTTP(w, r)
	})
}

// pacedBody is the body of a request, with a deadline for each read.
type pacedBody struct {
	io.ReadCloser
	pace    Pace
	control *http.ResponseController
	taken   int64
	waited  time.Duration
	closed  atomic.Bool
}

// Read implements io.Reader.
func (b *pacedBody) Read(into []byte) (int, error) {
	if b.closed.Load() { // the connection may serve another request by now
		return 0, http.ErrBodyReadAfterClose
	}
	started := time.Now()
	earned := time.Duration(float64(b.taken) / float64(b.pace.Rate) * float64(time.Second))
	_ = b.control.SetReadDeadline(started.Add(b.pace.Grace + earned - b.waited))
	n, err := b.ReadCloser.Read(into)
	b.taken += int64(n)
	b.waited += time.Since(started)
	if err == io.EOF {
		// From here on the server only looks whether the client is still there.
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// Close implements io.Closer.
func (b *pacedBody) Close() error {
	b.closed.Store(true)
	return b.ReadCloser.Close()
}
