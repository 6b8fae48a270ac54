package rangereader

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
)

// errStalled ends a request that brings nothing.
var errStalled = errors.New("nothing came for too long")

// Stats is what reading has cost so far.
type Stats struct {
	Bytes    int64 // of bodies, as they came
	Requests int64
	Retries  int64 // requests that repeat one that failed
}

// counters is Stats while it grows.
type counters struct {
	bytes, requests, retries atomic.Int64
}

// remote is a file behind HTTP. It knows how to ask and to ask again, and nothing
// of what was asked before.
type remote struct {
	name     string                 // as messages show it
	address  func() (string, error) // as requests use it; it may be signed anew each time
	client   *http.Client
	settings Settings
	slots    chan struct{} // holds a token for each request that runs
	counters counters
}

// ask requests bytes [start, end) of the version that is expected, once. The body
// must be closed.
func (f *remote) ask(ctx context.Context, start, end int64, expected version) (*answer, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	stall := time.AfterFunc(f.settings.StallTimeout, func() { cancel(errStalled) })
	body := &watchedBody{stall: stall, cancel: cancel, ctx: ctx, remote: f}
	a, err := f.exchange(ctx, start, end, expected)
	if err != nil {
		err = f.explain(ctx, err) // before its context ends
		body.release()
		return nil, err
	}
	body.ReadCloser, a.body = a.body, body
	return a, nil
}

// exchange sends one request and judges the head of its answer.
func (f *remote) exchange(ctx context.Context, start, end int64, expected version) (*answer, error) {
	address, err := f.address()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, fault.New(fault.InvalidArgument, f.name+" is not a url")
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", start, end-1))
	req.Header.Set("Accept-Encoding", "identity")
	expected.condition(req.Header)
	f.counters.requests.Add(1)
	resp, err := f.client.Do(req)
	if err != nil {
		return nil, err
	}
	a, err := readAnswer(f.name, resp, start, end)
	if err == nil {
		if how := expected.changed(a.version); how != "" {
			err = fault.Newf(fault.SourceChanged, "%s changed while it was read: %s", f.name, how)
		}
	}
	if err != nil {
		_ = resp.Body.Close() // nothing of it is used
		return nil, err
	}
	return a, nil
}

// explain turns what failed into a fault, marked if it may pass.
func (f *remote) explain(ctx context.Context, err error) error {
	var known *fault.Error
	var again *temporary
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errStalled):
		err = fmt.Errorf("%w: %s", cause, f.settings.StallTimeout)
	case cause != nil:
		return fmt.Errorf("read %s: %w", f.name, cause)
	case errors.As(err, &again):
		return again
	case errors.As(err, &known) && known == err: //nolint:errorlint // its message is whole
		return err
	case errors.As(err, &known):
		return fault.Newf(known.Code, "read %s: %w", f.name, known)
	}
	err = fault.Newf(fault.SourceUnreachable, "%s cannot be read: %w", f.name, urlguard.CleanError(err))
	if hopeless(err) {
		return err
	}
	return &temporary{err: err}
}

// hopeless says of a network error that it will be the same in a few seconds.
func hopeless(err error) bool {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var notTLS tls.RecordHeaderError
	return errors.As(err, &dns) && dns.IsNotFound || errors.As(err, &certificate) || errors.As(err, &notTLS)
}

// watchedBody counts the bytes of a body and ends a request that stalls.
type watchedBody struct {
	io.ReadCloser
	stall  *time.Timer
	cancel context.CancelCauseFunc
	ctx    context.Context //nolint:containedctx // of the one request whose body this is
	remote *remote
}

// Read implements io.Reader. An error other than io.EOF is explained.
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.remote.counters.bytes.Add(int64(n))
	if n > 0 {
		b.stall.Reset(b.remote.settings.StallTimeout)
	}
	if err != nil && err != io.EOF { //nolint:errorlint // readers return it bare
		err = b.remote.explain(b.ctx, err)
	}
	return n, err
}

// Close implements io.Closer.
func (b *watchedBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}

func (b *watchedBody) release() {
	b.stall.Stop()
	b.cancel(nil)
}

// retry decides whether and when to try again.
type retry struct {
	remote  *remote
	backoff *backoff.ExponentialBackOff
	tries   int // in a row that brought nothing
}

func (f *remote) newRetry() *retry {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = f.settings.RetryWait, f.settings.RetryWaitMax, 2
	return &retry{remote: f, backoff: b}
}

// after waits before the next try. It returns the error to give up with if there
// shall be none: err is not one that passes, or it was the last try.
func (r *retry) after(ctx context.Context, err error, progress bool) error {
	var again *temporary
	if !errors.As(err, &again) {
		return err
	}
	if progress {
		r.tries = 0
		r.backoff.Reset()
	}
	r.tries++
	if r.tries >= r.remote.settings.Tries {
		return fault.Newf(fault.SourceUnreachable, "%w; gave up after %d tries", again.err, r.tries)
	}
	timer := time.NewTimer(max(r.backoff.NextBackOff(), again.wait))
	defer timer.Stop()
	select {
	case <-timer.C:
		r.remote.counters.retries.Add(1)
		return nil
	case <-ctx.Done():
		return fmt.Errorf("read %s: %w", r.remote.name, context.Cause(ctx))
	}
}
