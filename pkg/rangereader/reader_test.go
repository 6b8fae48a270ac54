package rangereader_test

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
)

var _ formats.Input = (*rangereader.Reader)(nil)

func TestMain(m *testing.M) {
	meshtest.Main(m)
}

const (
	kB = 1 << 10
	mB = 1 << 20
)

// bench is a server, a file on it and an opener that may read it.
type bench struct {
	*rangetest.Server
	opener  *rangereader.Opener
	content rangetest.Pattern
	url     string
}

// setup serves a file of the given size.
func setup(t *testing.T, size int64) *bench {
	t.Helper()
	server := rangetest.New(t)
	guard, err := urlguard.New(urlguard.Config{Allow: []string{server.Host()}})
	require.NoError(t, err)
	opener, err := rangereader.New(rangereader.Config{Guard: guard})
	require.NoError(t, err)
	t.Cleanup(opener.Close)
	b := &bench{Server: server, opener: opener, content: 7}
	b.url = server.Set("/film.mp4", b.file(size, `"v1"`))
	return b
}

func (b *bench) file(size int64, etag string) rangetest.File {
	return rangetest.File{Content: b.content, Size: size, ETag: etag, ContentType: "video/mp4"}
}

// quick are settings whose retries take no time.
func quick() rangereader.Settings {
	s := rangereader.Default()
	s.RetryWait, s.RetryWaitMax = time.Millisecond, 2*time.Millisecond
	return s
}

func (b *bench) open(t *testing.T, opts rangereader.Options) (*rangereader.Reader, error) {
	t.Helper()
	r, err := b.opener.Open(t.Context(), b.url, opts)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, r.Close()) })
	}
	return r, err
}

func (b *bench) mustOpen(t *testing.T, opts rangereader.Options) *rangereader.Reader {
	t.Helper()
	r, err := b.open(t, opts)
	require.NoError(t, err)
	return r
}

// check reads [start, end) and compares.
func (b *bench) check(t *testing.T, r io.ReaderAt, start, end int64) {
	t.Helper()
	p := make([]byte, end-start)
	n, err := r.ReadAt(p, start)
	require.NoError(t, err)
	require.Len(t, p, n)
	require.True(t, bytes.Equal(b.content.Bytes(start, end), p), "bytes %d to %d", start, end)
}

func TestTheFirstRequestTellsEverything(t *testing.T) {
	t.Parallel()
	b := setup(t, 10*mB)
	r := b.mustOpen(t, rangereader.Options{})
	require.EqualValues(t, 10*mB, r.Size())
	require.Equal(t, `"v1"`, r.ETag())
	require.Equal(t, `"v1"`, r.Version())
	require.Equal(t, "video/mp4", r.ContentType())
	b.check(t, r, 0, 100*kB)
	require.Equal(t, rangereader.Stats{Bytes: 256 * kB, Requests: 1}, r.Stats())
	require.Equal(t, "bytes=0-262143", b.Requests()[0].Header.Get("Range"))
	require.Empty(t, b.Requests()[0].Header.Get("If-Match"))
	b.check(t, r, 5*mB, 5*mB+1)
	require.Equal(t, `"v1"`, b.Requests()[1].Header.Get("If-Match"))
}

func TestReadsAgreeWithTheFile(t *testing.T) {
	t.Parallel()
	const size = 3*mB + 12345
	b := setup(t, size)
	for name, settings := range map[string]rangereader.Settings{
		"default":  {},
		"indexing": rangereader.Indexing(),
		"tiny":     {BlockSize: 1000, CacheBytes: 10_000, ReadAhead: 5000, RangeBytes: 7777, FirstBytes: 1, Parallel: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := b.mustOpen(t, rangereader.Options{Settings: settings, Span: rangereader.Span{Start: mB + 1, End: 2*mB + 7}})
			var readers sync.WaitGroup
			for seed := range uint64(4) {
				readers.Go(func() {
					random := rand.New(rand.NewPCG(seed, 1))
					for range 30 {
						start := random.Int64N(size)
						b.check(t, r, start, min(start+random.Int64N(50_000), size))
					}
				})
			}
			readers.Wait()
		})
	}
}

func TestEndOfFile(t *testing.T) {
	t.Parallel()
	b := setup(t, 1000)
	r := b.mustOpen(t, rangereader.Options{})
	p := make([]byte, 100)
	n, err := r.ReadAt(p, 950)
	require.Equal(t, 50, n)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, b.content.Bytes(950, 1000), p[:50])
	for _, off := range []int64{1000, 1001, 1 << 62} {
		_, err := r.ReadAt(p, off)
		require.ErrorIs(t, err, io.EOF)
	}
	_, err = r.ReadAt(p, -1)
	require.True(t, fault.Is(err, fault.InvalidArgument), "%v", err)
	n, err = r.ReadAt(nil, 10)
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = io.ReadAll(io.NewSectionReader(r, 0, r.Size()))
	require.NoError(t, err)
}

func TestNeighboursAreFetchedTogetherAndOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, 10*mB)
	s := rangereader.Indexing()
	r := b.mustOpen(t, rangereader.Options{Settings: s})
	b.check(t, r, 5*mB+100, 5*mB+10*s.BlockSize)
	require.EqualValues(t, 2, r.Stats().Requests)
	b.check(t, r, 5*mB, 5*mB+10*s.BlockSize)
	require.EqualValues(t, 2, r.Stats().Requests)
	b.check(t, r, 5*mB+9*s.BlockSize, 5*mB+11*s.BlockSize)
	require.Equal(t, rangereader.Stats{Requests: 3, Bytes: s.FirstBytes + 11*s.BlockSize}, r.Stats())

	// Many at a time wait for one request.
	var readers sync.WaitGroup
	for range 20 {
		readers.Go(func() { b.check(t, r, 8*mB, 8*mB+100) })
	}
	readers.Wait()
	require.EqualValues(t, 4, r.Stats().Requests)
}

func TestReadingInSequenceFetchesAhead(t *testing.T) {
	t.Parallel()
	b := setup(t, 20*mB)
	r := b.mustOpen(t, rangereader.Options{Settings: rangereader.Settings{BlockSize: 64 * kB}})
	for off := int64(0); off < 20*mB; off += 10 * kB {
		b.check(t, r, off, min(off+10*kB, 20*mB))
	}
	stats := r.Stats()
	require.EqualValues(t, 20*mB, stats.Bytes)
	require.Less(t, stats.Requests, int64(40))
	// Jumping about does not.
	before := r.Stats().Bytes
	for i := range int64(5) {
		b.check(t, r, (i*7)%5*mB, (i*7)%5*mB+1)
	}
	require.LessOrEqual(t, r.Stats().Bytes-before, int64(5*64*kB))
}

func TestNothingIsFetchedBeyondTheSpan(t *testing.T) {
	t.Parallel()
	b := setup(t, 20*mB)
	const start, end = 3*mB + 333, 9*mB + 777
	span := rangereader.Span{Start: start, End: end}
	r := b.mustOpen(t, rangereader.Options{Span: span})
	for off := int64(start); off < end; off += 10 * kB {
		b.check(t, r, off, min(off+10*kB, end))
	}
	require.EqualValues(t, end-start, r.Stats().Bytes)
	b.check(t, r, 0, 10)
	b.check(t, r, 20*mB-10, 20*mB)
	_, err := b.open(t, rangereader.Options{Span: rangereader.Span{Start: 5, End: 5}})
	require.True(t, fault.Is(err, fault.InvalidArgument), "%v", err)
}

func TestLargeReadsRunInParallel(t *testing.T) {
	t.Parallel()
	b := setup(t, 40*mB)
	r := b.mustOpen(t, rangereader.Options{Settings: rangereader.Settings{RangeBytes: mB, Parallel: 4}})
	b.Misbehave(rangetest.Together(4))
	b.check(t, r, 256*kB, 256*kB+8*mB)
	require.Equal(t, 4, b.MostAtOnce())
	require.EqualValues(t, 256*kB+8*mB, r.Stats().Bytes)
	b.Misbehave(nil)
	b.check(t, r, 0, 2*mB) // the first block is here already
	require.EqualValues(t, 2*mB+8*mB, r.Stats().Bytes)
}

func TestTheIndexOfALargeFile(t *testing.T) {
	t.Parallel()
	const size, index = 10 << 30, 3 * mB
	b := setup(t, size)
	r := b.mustOpen(t, rangereader.Options{Settings: rangereader.Indexing()})
	b.check(t, r, 0, 32)             // the first box
	b.check(t, r, 40, 56)            // the media data, whose end is where the index starts
	b.check(t, r, size-index, size)  // the index
	b.check(t, r, size/2, size/2+64) // a sample or two
	b.check(t, r, 30*mB, 30*mB+64)
	require.LessOrEqual(t, r.Stats().Bytes, int64(index+mB/4))
	require.LessOrEqual(t, b.Sent(), int64(index+mB/2))
}

func TestASmallFileOfAServerWithoutRanges(t *testing.T) {
	t.Parallel()
	b := setup(t, 5*mB)
	b.Misbehave(rangetest.NoRanges())
	r := b.mustOpen(t, rangereader.Options{})
	require.EqualValues(t, 5*mB, r.Size())
	b.check(t, r, mB, 5*mB)
	b.check(t, r, 0, 10)
	s, err := r.Stream(mB, 2*mB)
	require.NoError(t, err)
	data, err := io.ReadAll(s)
	require.NoError(t, err)
	require.Equal(t, b.content.Bytes(mB, 2*mB), data)
	require.NoError(t, s.Close())
	require.Equal(t, rangereader.Stats{Bytes: 5 * mB, Requests: 1}, r.Stats())
}

func TestCloseEndsReads(t *testing.T) {
	t.Parallel()
	b := setup(t, 20*mB)
	r := b.mustOpen(t, rangereader.Options{})
	b.Misbehave(rangetest.Silence())
	failed := make(chan error)
	for _, n := range []int{1, 8 * mB} {
		go func() {
			_, err := r.ReadAt(make([]byte, n), int64(10*mB-n))
			failed <- err
		}()
	}
	require.Eventually(t, func() bool { return len(b.Requests()) >= 3 }, 10*time.Second, time.Millisecond)
	require.NoError(t, r.Close())
	for range 2 {
		require.ErrorIs(t, <-failed, os.ErrClosed)
	}
	_, err := r.ReadAt(make([]byte, 1), 0)
	require.ErrorIs(t, err, os.ErrClosed)
	require.NoError(t, r.Close())
}

func TestTheContextEndsReads(t *testing.T) {
	t.Parallel()
	b := setup(t, 20*mB)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := b.opener.Open(ctx, b.url, rangereader.Options{})
	require.NoError(t, err)
	b.Misbehave(rangetest.Silence())
	failed := make(chan error)
	go func() {
		_, err := r.ReadAt(make([]byte, 1), 10*mB)
		failed <- err
	}()
	cancel()
	err = <-failed
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, fault.Cancelled, fault.Of(err).Code)
	require.NoError(t, r.Close())
}
