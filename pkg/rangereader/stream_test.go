package rangereader_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
)

func (b *bench) stream(t *testing.T, r *rangereader.Reader, start, end int64) *rangereader.Stream {
	t.Helper()
	s, err := r.Stream(start, end)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestAStreamIsTheFileInOrderAndOnce(t *testing.T) {
	t.Parallel()
	const start, end = mB + 17, 13*mB + 1
	b := setup(t, 20*mB)
	r := b.mustOpen(t, rangereader.Options{
		Settings: rangereader.Settings{RangeBytes: mB, Parallel: 3}, Span: rangereader.Span{Start: start, End: end},
	})
	require.NoError(t, iotest.TestReader(b.stream(t, r, start, start+100), b.content.Bytes(start, start+100)))
	var out bytes.Buffer
	n, err := io.Copy(&out, b.stream(t, r, start, end))
	require.NoError(t, err)
	require.EqualValues(t, end-start, n)
	require.True(t, bytes.Equal(b.content.Bytes(start, end), out.Bytes()))
	require.EqualValues(t, end-start, r.Stats().Bytes)
	require.LessOrEqual(t, b.MostAtOnce(), 3)

	data, err := io.ReadAll(iotest.OneByteReader(b.stream(t, r, 5, 3000)))
	require.NoError(t, err)
	require.Equal(t, b.content.Bytes(5, 3000), data)
	data, err = io.ReadAll(b.stream(t, r, 7, 7))
	require.NoError(t, err)
	require.Empty(t, data)
	for _, wrong := range [][2]int64{{-1, 5}, {5, 4}, {0, 20*mB + 1}} {
		_, err := r.Stream(wrong[0], wrong[1])
		require.True(t, fault.Is(err, fault.InvalidArgument), "%v", err)
	}
}

func TestManyReadersTogetherFetchTheFileOnce(t *testing.T) {
	t.Parallel()
	const size, chunk = 24*mB + 4321, 5*mB + 77
	b := setup(t, size)
	first := b.mustOpen(t, rangereader.Options{Settings: rangereader.Indexing()})
	total := first.Stats().Bytes
	for start := int64(0); start < size; start += chunk {
		span := rangereader.Span{Start: start, End: min(start+chunk, size)}
		r := b.mustOpen(t, rangereader.Options{Span: span, Size: first.Size(), Version: first.Version()})
		got, err := io.ReadAll(b.stream(t, r, span.Start, span.End))
		require.NoError(t, err)
		require.True(t, bytes.Equal(b.content.Bytes(span.Start, span.End), got))
		total += r.Stats().Bytes
	}
	require.LessOrEqual(t, total, int64(size+size/50))
	require.LessOrEqual(t, b.Sent(), int64(size+size/50))
}

func TestAStreamFetchesInParallelAndNoFurtherThanAFewRanges(t *testing.T) {
	t.Parallel()
	b := setup(t, 64*mB)
	r := b.mustOpen(t, rangereader.Options{Settings: rangereader.Settings{RangeBytes: mB, Parallel: 4}})
	b.Misbehave(rangetest.Together(4))
	s := b.stream(t, r, 256*kB, 256*kB+32*mB)
	p := make([]byte, 10)
	_, err := io.ReadFull(s, p)
	require.NoError(t, err)
	require.Equal(t, b.content.Bytes(256*kB, 256*kB+10), p)
	require.Eventually(t, func() bool { return r.Stats().Bytes >= 256*kB+4*mB }, 10*time.Second, time.Millisecond)
	require.LessOrEqual(t, r.Stats().Requests, int64(5))
	rest, err := io.ReadAll(s)
	require.NoError(t, err)
	require.Len(t, rest, 32*mB-10)
}

func TestAStreamThatIsClosedEarly(t *testing.T) {
	t.Parallel()
	b := setup(t, 64*mB)
	r := b.mustOpen(t, rangereader.Options{})
	b.Misbehave(rangetest.Silence())
	s := b.stream(t, r, 10*mB, 60*mB)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	reading := make(chan error, 1)
	go func() {
		_, err := s.Read(make([]byte, 1))
		reading <- err
	}()
	require.Eventually(t, func() bool { return len(b.Requests()) > 1 }, 10*time.Second, time.Millisecond)
	require.NoError(t, r.Close())
	select {
	case err := <-reading:
		require.ErrorIs(t, err, os.ErrClosed)
	case <-ctx.Done():
		require.FailNow(t, "the read did not end")
	}
	require.NoError(t, s.Close())
	_, err := s.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = s.WriteTo(io.Discard)
	require.ErrorIs(t, err, os.ErrClosed)
}

func TestAWriterThatFails(t *testing.T) {
	t.Parallel()
	b := setup(t, mB)
	r := b.mustOpen(t, rangereader.Options{})
	reader, writer := io.Pipe()
	broken := errors.New("broken")
	require.NoError(t, reader.CloseWithError(broken))
	_, err := b.stream(t, r, 0, mB).WriteTo(writer)
	require.ErrorIs(t, err, broken)
}
