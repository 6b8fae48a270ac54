// Package cache keeps what was made for one request for the next that asks the
// same: the least recently used goes first when memory is short, and of several
// that ask at a time one makes it for all.
package cache

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
)

// Cache holds values up to a total size. Its zero value is of no use; see New.
type Cache[V any] struct {
	limit int64
	size  func(V) int64

	mu      sync.Mutex
	used    int64
	entries map[string]*list.Element
	recent  *list.List // of entry[V], the last used in front
	flights map[string]*flight[V]
}

type entry[V any] struct {
	key   string
	value V
}

// flight is a value that is being made.
type flight[V any] struct {
	done    chan struct{}
	cancel  context.CancelFunc
	waiting int
	value   V
	err     error
}

// New makes a cache for values that take no more than limit in all, each as much as
// size says.
func New[V any](limit int64, size func(V) int64) *Cache[V] {
	return &Cache[V]{
		limit: limit, size: size, entries: map[string]*list.Element{}, recent: list.New(), flights: map[string]*flight[V]{},
	}
}

// ErrPanic says that what was to make a value panicked.
var ErrPanic = errors.New("making it panicked")

// Get returns the value of a key, and whether it was there; if not, it calls fill,
// once for all who wait for it. The context of fill ends when the last of them has
// gone. Errors are not kept; a panic of fill is one, [ErrPanic].
func (c *Cache[V]) Get(ctx context.Context, key string, fill func(context.Context) (V, error)) (V, bool, error) {
	c.mu.Lock()
	if e, ok := c.entries[key]; ok {
		c.recent.MoveToFront(e)
		c.mu.Unlock()
		return e.Value.(*entry[V]).value, true, nil //nolint:forcetypeassert // the list holds nothing else
	}
	f := c.flights[key]
	if f == nil {
		f = c.start(ctx, key, fill)
	}
	f.waiting++
	c.mu.Unlock()
	defer c.leave(key, f)
	select {
	case <-f.done:
		return f.value, false, f.err
	case <-ctx.Done():
		var none V
		return none, false, context.Cause(ctx)
	}
}

func (c *Cache[V]) start(ctx context.Context, key string, fill func(context.Context) (V, error)) *flight[V] {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &flight[V]{done: make(chan struct{}), cancel: cancel}
	c.flights[key] = f
	go func() {
		defer cancel()
		f.value, f.err = guarded(ctx, fill)
		c.mu.Lock()
		if c.flights[key] == f {
			delete(c.flights, key)
		}
		if f.err == nil {
			c.put(key, f.value)
		}
		c.mu.Unlock()
		close(f.done)
	}()
	return f
}

// guarded calls fill, and makes a panic an error of those who wait: it reads media that
// others made, in a goroutine whose panic would end the process.
func guarded[V any](ctx context.Context, fill func(context.Context) (V, error)) (value V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanic, p, debug.Stack())
		}
	}()
	return fill(ctx)
}

// leave gives up waiting; what nobody waits for any more is stopped, and who comes
// after that starts anew.
func (c *Cache[V]) leave(key string, f *flight[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiting--; f.waiting > 0 {
		return
	}
	f.cancel()
	if c.flights[key] == f {
		delete(c.flights, key)
	}
}

func (c *Cache[V]) put(key string, value V) {
	if old, ok := c.entries[key]; ok {
		c.drop(old)
	}
	c.entries[key] = c.recent.PushFront(&entry[V]{key, value})
	c.used += c.size(value)
	for c.used > c.limit && c.recent.Len() > 0 {
		c.drop(c.recent.Back())
	}
}

func (c *Cache[V]) drop(e *list.Element) {
	old := c.recent.Remove(e).(*entry[V]) //nolint:forcetypeassert // the list holds nothing else
	delete(c.entries, old.key)
	c.used -= c.size(old.value)
}

// Used returns the size of all that is held.
func (c *Cache[V]) Used() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used
}
