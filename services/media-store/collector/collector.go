// Package collector clears away what nothing refers to any more:
//
//	allocated, never registered ----------> condemned     after MinObjectTimeout
//	condemned ----------> bytes deleted, then the row     after Grace
//	rows of deleted Flows and ended runs ------> gone     after Keep
//
// It works in batches, under the lock of each object's row, which whoever refers to
// an object takes as well. Any number of collectors may run.
package collector

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/grainmesh/grainmesh/pkg/objstore"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// Config says when things may go.
type Config struct {
	MinObjectTimeout time.Duration
	Grace            time.Duration
	Keep             time.Duration
	Every            time.Duration
	// ForgetEvery is how often rows are cleared away that Keep has kept: they grow by few,
	// and nobody waits for them to go.
	ForgetEvery time.Duration
}

// Metrics are told what was done.
type Metrics interface {
	Collected(condemned, removed int)
	Waiting(store.Backlog)
}

// Collector clears away.
type Collector struct {
	store   *store.Store
	bucket  *objstore.Bucket
	config  Config
	metrics Metrics
	log     *slog.Logger
	// forgot is when that was last done.
	forgot time.Time
}

// New makes a Collector. It does nothing before Run.
func New(s *store.Store, bucket *objstore.Bucket, config Config, metrics Metrics, log *slog.Logger) *Collector {
	return &Collector{store: s, bucket: bucket, config: config, metrics: metrics, log: log}
}

// batch is how many objects are handled at a time: as many as S3 deletes in one
// request.
const batch = 1000

// Run collects from time to time until ctx ends.
func (c *Collector) Run(ctx context.Context) error {
	for {
		// Those who started together need not work together.
		pause := c.config.Every/2 + rand.N(c.config.Every) //nolint:gosec // it spreads load, and guards nothing
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		if err := c.Once(ctx); err != nil && ctx.Err() == nil {
			c.log.WarnContext(ctx, "what is not needed stays for now", "err", err)
		}
	}
}

// Once does all there is to do. It is not for two at a time.
func (c *Collector) Once(ctx context.Context) error {
	condemned, err := repeat(func() (int, error) { return c.store.CondemnStale(ctx, c.config.MinObjectTimeout, batch) })
	if err != nil {
		return err
	}
	removed, err := repeat(func() (int, error) { return c.remove(ctx) })
	if err != nil {
		return err
	}
	if condemned+removed > 0 {
		c.metrics.Collected(condemned, removed)
		c.log.InfoContext(ctx, "objects collected", "condemned", condemned, "removed", removed)
	}
	if err := c.forget(ctx); err != nil {
		return err
	}
	backlog, err := c.store.CollectorBacklog(ctx)
	if err != nil {
		return err
	}
	c.metrics.Waiting(backlog)
	return nil
}

// forget clears rows away if it is time.
func (c *Collector) forget(ctx context.Context) error {
	now := time.Now()
	if now.Sub(c.forgot) < c.config.ForgetEvery {
		return nil
	}
	if err := c.store.Forget(ctx, c.config.Keep); err != nil {
		return err
	}
	c.forgot = now
	return nil
}

// repeat calls step until a batch is not full, and sums up.
func repeat(step func() (int, error)) (int, error) {
	sum := 0
	for {
		n, err := step()
		sum += n
		if n < batch || err != nil {
			return sum, err
		}
	}
}

// remove deletes one batch of condemned objects, the bytes first: a row without
// bytes is cleared away the next time, bytes without a row would stay for ever.
func (c *Collector) remove(ctx context.Context) (int, error) {
	return c.store.Remove(ctx, c.config.Grace, batch, func(objects []store.Condemned) error {
		keys := make([]string, 0, len(objects))
		for _, o := range objects {
			if o.Key != "" {
				keys = append(keys, o.Key)
			}
		}
		return c.bucket.Remove(ctx, keys...)
	})
}
