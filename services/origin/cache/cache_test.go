package cache_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/services/origin/cache"
)

func newCache(limit int64) *cache.Cache[string] {
	return cache.New(limit, func(s string) int64 { return int64(len(s)) })
}

func put(t *testing.T, c *cache.Cache[string], key, value string) (hit bool) {
	t.Helper()
	got, hit, err := c.Get(t.Context(), key, func(context.Context) (string, error) { return value, nil })
	require.NoError(t, err)
	require.Equal(t, value, got)
	return hit
}

func TestLeastRecentlyUsedGoesFirst(t *testing.T) {
	t.Parallel()
	c := newCache(10)
	require.False(t, put(t, c, "a", "aaaa"))
	require.False(t, put(t, c, "b", "bbbb"))
	require.True(t, put(t, c, "a", "aaaa"))
	require.False(t, put(t, c, "c", "cccc")) // b has to go
	require.True(t, put(t, c, "a", "aaaa"))
	require.False(t, put(t, c, "b", "bbbb"))
	require.LessOrEqual(t, c.Used(), int64(10))
	require.False(t, put(t, c, "large", "more than ten bytes"))
	require.Zero(t, c.Used())
}

func TestOneMakesItForAll(t *testing.T) {
	t.Parallel()
	c := newCache(100)
	release, calls := make(chan struct{}), 0
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			got, _, err := c.Get(t.Context(), "k", func(context.Context) (string, error) {
				calls++ // one at a time, or the race detector says so
				<-release
				return "v", nil
			})
			require.NoError(t, err)
			require.Equal(t, "v", got)
		})
	}
	close(release)
	group.Wait()
	require.Equal(t, 1, calls)
}

func TestErrorsAreNotKept(t *testing.T) {
	t.Parallel()
	c := newCache(100)
	broken := errors.New("broken")
	_, _, err := c.Get(t.Context(), "k", func(context.Context) (string, error) { return "", broken })
	require.ErrorIs(t, err, broken)
	require.False(t, put(t, c, "k", "v"))
	require.True(t, put(t, c, "k", "v"))
}

// Stored media may be hostile: what reading it does to one segment, it does to those who
// asked for that segment, and to nobody else.
func TestAPanicIsAnErrorOfThoseWhoWait(t *testing.T) {
	t.Parallel()
	c := newCache(100)
	release := make(chan struct{})
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			_, hit, err := c.Get(t.Context(), "k", func(context.Context) (string, error) {
				<-release
				header := []byte("short")
				return string(header[7+c.Used():]), nil
			})
			require.ErrorIs(t, err, cache.ErrPanic)
			require.ErrorContains(t, err, "out of range")
			require.ErrorContains(t, err, "cache_test.go", "it says where")
			require.False(t, hit)
		})
	}
	close(release)
	group.Wait()
	require.False(t, put(t, c, "k", "v"), "it is not kept")
	require.True(t, put(t, c, "k", "v"))
}

func TestWhatNobodyWaitsForIsStopped(t *testing.T) {
	t.Parallel()
	c := newCache(100)
	ctx, leave := context.WithCancel(t.Context())
	started, stopped := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		_, _, err := c.Get(ctx, "k", func(ctx context.Context) (string, error) {
			defer close(stopped)
			close(started)
			<-ctx.Done()
			return "", ctx.Err()
		})
		require.ErrorIs(t, err, context.Canceled)
	})
	<-started
	leave()
	<-stopped
	group.Wait()
	require.False(t, put(t, c, "k", "v"), "who comes after starts anew")
}
