package meshtest

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// stopTimeout bounds the end of a server after its last test.
const stopTimeout = 30 * time.Second

// shared is a server that the tests of a binary share: the first that needs it
// starts it, the last to end stops it, so that nothing is left for goleak to
// find.
type shared[T stopper] struct {
	start func(ctx context.Context, dir string) (T, error)

	mu    sync.Mutex
	users int
	dir   string
	value T
}

type stopper interface {
	Stop(ctx context.Context) error
}

// use returns the server and keeps it until the test and its cleanups end.
func (s *shared[T]) use(t testing.TB) T {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == 0 {
		require.NoError(t, s.begin())
	}
	s.users++
	t.Cleanup(func() { require.NoError(t, s.leave()) })
	return s.value
}

func (s *shared[T]) begin() error {
	dir, err := runDir()
	if err != nil {
		return err
	}
	value, err := s.start(context.Background(), dir)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	s.dir, s.value = dir, value
	return nil
}

func (s *shared[T]) leave() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users--; s.users > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return errors.Join(s.value.Stop(ctx), os.RemoveAll(s.dir))
}
