package origin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Bounds of the attempts at one range of an object.
const (
	fetchTries = 4
	fetchTime  = 20 * time.Second
)

// maxFetch is more than a few seconds of any media take: an index that says otherwise
// is wrong, and what it says is not allocated.
const maxFetch = 1 << 30

// fetcher fetches ranges of objects, several at a time.
type fetcher struct {
	client   *http.Client
	parallel int
	part     int64 // bytes of one range
	metrics  *metrics
}

// fetch returns bytes [from, to) of an object.
func (f *fetcher) fetch(ctx context.Context, url string, from, to int64) ([]byte, error) {
	if to < from || to-from > maxFetch {
		return nil, fault.Newf(fault.Internal, "bytes %d to %d of an object are no part of a segment", from, to)
	}
	body := make([]byte, to-from)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(f.parallel)
	for at := from; at < to; at += f.part {
		group.Go(func() error {
			end := min(at+f.part, to)
			return f.fetchPart(ctx, url, at, body[at-from:end-from])
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	f.metrics.fetched.Add(float64(to - from))
	return body, nil
}

func (f *fetcher) fetchPart(ctx context.Context, url string, at int64, into []byte) error {
	attempt := func() (struct{}, error) { return struct{}{}, f.fetchOnce(ctx, url, at, into) }
	_, err := backoff.Retry(ctx, attempt, backoff.WithMaxTries(fetchTries), backoff.WithMaxElapsedTime(fetchTime))
	if err != nil {
		return fault.Newf(fault.Unavailable, "fetch bytes %d to %d of an object: %w", at, at+int64(len(into)), err)
	}
	return nil
}

func (f *fetcher) fetchOnce(ctx context.Context, url string, at int64, into []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return backoff.Permanent(fmt.Errorf("make the request: %w", err))
	}
	req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", at, at+int64(len(into))-1))
	response, err := f.client.Do(req)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch status := response.StatusCode; {
	case status == http.StatusPartialContent:
	case status/100 == 5 || status == http.StatusTooManyRequests:
		return fmt.Errorf("status %d", status)
	default:
		return backoff.Permanent(fmt.Errorf("status %d, want 206", status))
	}
	_, err = io.ReadFull(response.Body, into)
	return err
}
