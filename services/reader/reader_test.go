package reader

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

func TestAChunkBecomesObjects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.format.read = objects(5)
	require.NoError(t, b.readChunk(t, b.chunk(7)))
	require.Len(t, b.registered, 1)
	r := b.registered[0]
	require.EqualValues(t, 2, r.GetEpoch())
	require.EqualValues(t, 3, r.GetRun())
	require.Len(t, r.GetSegments(), 5)
	require.Len(t, r.GetUnusedObjectIds(), 2, "places that were not needed are given back")
	seen, total := map[string]bool{}, int64(0)
	for _, s := range r.GetSegments() {
		require.Equal(t, flow().ID.String(), s.GetFlowId())
		kept := b.uploads.kept["/"+s.GetObjectId()]
		sum := sha256.Sum256(kept)
		require.Equal(t, sum[:], s.GetSha256())
		require.EqualValues(t, len(kept), s.GetSize())
		require.Equal(t, []int32{1, 1}, []int32{s.GetGrains(), s.GetKeyFrames()})
		require.Equal(t, s.GetTimerange(), s.GetObjectTimerange())
		require.NotContains(t, r.GetUnusedObjectIds(), s.GetObjectId())
		seen[s.GetTimerange()] = true
		total += s.GetSize()
	}
	for n := range 5 {
		require.True(t, seen[second(n).String()])
	}
	require.Len(t, b.reports.told, 1)
	require.EqualValues(t, 5, b.reports.told[0].GetGrains())
	require.Equal(t, total, b.reports.told[0].GetBytesStored())
	require.Empty(t, b.active.chunks, "nothing is in hand any more")
}

// A chunk may be read twice, by two readers at once: who registers first wins, and
// the bytes must be those of the other.
func TestTheSameChunkGivesTheSameObjects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.format.read = objects(3)
	sums := func() map[string]string {
		b.registered = nil
		require.NoError(t, b.readChunk(t, b.chunk(3)))
		out := map[string]string{}
		for _, s := range b.registered[0].GetSegments() {
			out[s.GetTimerange()] = string(s.GetSha256())
		}
		return out
	}
	first := sums()
	require.Equal(t, first, sums())
}

func TestObjectsOfNothingAreNotStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.format.read = func(_ formats.Input, sink formats.Sink) error {
		if err := sink.StartObject(1, second(0)); err != nil { // without a grain
			return err
		}
		return object(sink, 1)
	}
	require.NoError(t, b.readChunk(t, b.chunk(2)))
	require.Len(t, b.registered[0].GetSegments(), 1)
	require.Equal(t, 1, b.uploads.count())
}

func TestFormatsThatBreakTheirWord(t *testing.T) {
	t.Parallel()
	for text, read := range map[string]func(formats.Input, formats.Sink) error{
		"more objects in this chunk than its plan says": objects(3),
		"track 2 is not one of this chunk": func(_ formats.Input, sink formats.Sink) error {
			return sink.StartObject(2, second(0))
		},
		"track 1 has a grain before its first object": func(_ formats.Input, sink formats.Sink) error {
			return sink.Grain(1, &formats.Grain{Grain: media.Grain{}})
		},
	} {
		b := setup(t)
		b.format.read = read
		err := b.readChunk(t, b.chunk(2))
		require.ErrorContains(t, err, text)
		require.Equal(t, fault.Internal, fault.Of(err).Code)
		require.Empty(t, b.registered)
		require.Empty(t, b.reports.told)
	}
}

func TestAnUploadIsTriedAgain(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"5xx": http.StatusServiceUnavailable, "429": http.StatusTooManyRequests, "408": http.StatusRequestTimeout} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.format.read = objects(1)
			b.uploads.answer = func(_ string, n int) int {
				if n == 1 {
					return status
				}
				return 0
			}
			require.NoError(t, b.readChunk(t, b.chunk(1)))
			require.Equal(t, 1, b.uploads.count())
		})
	}
}

// Uploads are conditional, so that none replaces an object. After an attempt whose
// answer was lost the place is taken, by that attempt.
func TestAPlaceThatIsTakenAfterALostAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.format.read = objects(1)
	b.uploads.answer = func(_ string, n int) int {
		if n == 1 {
			return http.StatusBadGateway // what stands between lost the answer
		}
		return http.StatusPreconditionFailed
	}
	require.NoError(t, b.readChunk(t, b.chunk(1)))
	require.Len(t, b.registered[0].GetSegments(), 1)
}

func TestUploadsThatFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ status, tries int }{
		"a place that is taken at once": {http.StatusPreconditionFailed, 1},
		"a signature that has run out":  {http.StatusForbidden, 1},
		"a store that stays away":       {http.StatusServiceUnavailable, uploadTries},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.format.read = objects(1)
			b.uploads.answer = func(string, int) int { return c.status }
			err := b.readChunk(t, b.chunk(1))
			require.Equal(t, fault.Unavailable, fault.Of(err).Code, "%v", err)
			require.True(t, fault.Of(err).Retryable(), "the whole chunk may be tried again")
			for path, tries := range b.uploads.puts {
				require.Equal(t, c.tries, tries)
				require.ErrorContains(t, err, "upload object "+strings.TrimPrefix(path, "/"))
			}
			require.Empty(t, b.registered, "nothing becomes visible")
		})
	}
}

// The transport may read a body after it has told of an error: its memory is not for
// the next object.
func TestMemoryOfUploadsThatFail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.format.read = objects(1)
	again := false
	for range 50 { // a pool may let go of what it is given
		require.NoError(t, b.readChunk(t, b.chunk(1)))
		again = again || b.buffers.take() != nil
	}
	require.True(t, again, "what is uploaded at once is used again")
	b = setup(t) // another pool, as what another processor keeps of that one comes late
	b.format.read = objects(1)
	for range 5 {
		clear(b.uploads.puts)
		b.uploads.answer = func(_ string, n int) int {
			if n == 1 {
				return http.StatusServiceUnavailable
			}
			return 0
		}
		require.NoError(t, b.readChunk(t, b.chunk(1)))
		require.Nil(t, b.buffers.take())
		b.uploads.answer = func(string, int) int { return http.StatusForbidden }
		require.Error(t, b.readChunk(t, b.chunk(1)))
		require.Nil(t, b.buffers.take())
	}
}

func TestAFailedUploadEndsTheReading(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const planned = 10_000
	written := 0
	b.format.read = func(_ formats.Input, sink formats.Sink) error {
		for ; written < planned; written++ {
			if err := object(sink, written); err != nil {
				return err
			}
		}
		return nil
	}
	b.uploads.answer = func(string, int) int { return http.StatusForbidden }
	err := b.readChunk(t, b.chunk(planned))
	require.Equal(t, fault.Unavailable, fault.Of(err).Code)
	require.Less(t, written, planned)
	require.NotContains(t, err.Error(), "\n", "a failure is told once")
}

// Memory is bounded by the uploads on their way: reading stops while there are as
// many as may be.
func TestReadingWaitsForUploads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const n = 40
	var mu sync.Mutex
	arrived, running, most := 0, 0, 0
	both := make(chan struct{}) // closed once as many are on their way as may be
	b.uploads.answer = func(string, int) int {
		mu.Lock()
		if running++; running == uploadsAtOnce && most < uploadsAtOnce {
			close(both)
		}
		most = max(most, running)
		mu.Unlock()
		<-both
		mu.Lock()
		defer mu.Unlock()
		running--
		arrived++
		return 0
	}
	var ahead []int
	b.format.read = func(_ formats.Input, sink formats.Sink) error {
		for i := range n {
			if err := object(sink, i); err != nil {
				return err
			}
			mu.Lock()
			ahead = append(ahead, i-arrived)
			mu.Unlock()
		}
		return nil
	}
	require.NoError(t, b.readChunk(t, b.chunk(n)))
	require.Equal(t, uploadsAtOnce, most)
	for _, open := range ahead {
		require.LessOrEqual(t, open, uploadsAtOnce)
	}
}

func TestAFileThatFailsIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.format.read = func(_ formats.Input, sink formats.Sink) error {
		if err := object(sink, 0); err != nil {
			return err
		}
		return errFile
	}
	err := b.readChunk(t, b.chunk(1))
	require.ErrorIs(t, err, errFile)
	require.ErrorContains(t, err, "rain.sound: the file is broken")
	require.Empty(t, b.registered)
}

func TestBytesOfTheSourceAreCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := make([]byte, 800)
	b.format.read = func(in formats.Input, sink formats.Sink) error {
		if _, err := in.ReadAt(got, 100); err != nil {
			return err
		}
		return object(sink, 0)
	}
	require.NoError(t, b.readChunk(t, b.chunk(1)))
	require.Equal(t, rangetest.Pattern(1).Bytes(100, 900), got)
	require.EqualValues(t, 800, b.reports.told[0].GetBytesFetched(), "what lies outside the chunk is not fetched")
}

func TestAFileThatHasChangedIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.format.read = func(in formats.Input, _ formats.Sink) error {
		_, err := in.ReadAt(make([]byte, 10), 100)
		return err
	}
	document := b.chunk(1)
	document.Etag = `"another"`
	require.True(t, fault.Is(b.readChunk(t, document), fault.SourceChanged))
}

// A run that has ended took the work with it, which needs no report; a Flow that was
// deleted did not, and reading the chunk again would not bring it back.
func TestRegistrationsThatAreRefused(t *testing.T) {
	t.Parallel()
	for code, want := range map[fault.Code]fault.Code{
		fault.RunEnded: fault.StaleEpoch, fault.InvalidArgument: fault.Internal, fault.Gone: fault.Gone, fault.SegmentOverlap: fault.SegmentOverlap,
	} {
		b := setup(t)
		b.format.read = objects(1)
		b.store.register = func(*mediastorev1.RegisterSegmentsRequest) error { return fault.New(code, "it cannot be") }
		err := b.readChunk(t, b.chunk(1))
		require.Equal(t, want, fault.Of(err).Code)
		require.ErrorContains(t, err, "register segments: it cannot be")
		require.Empty(t, b.reports.told)
	}
}

func TestDocumentsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	b := setup(t)
	document := b.chunk(1)
	document.Flows = []*mediav1.Flow{}
	require.ErrorContains(t, b.readChunk(t, document), "document of chunk 4 names no flow for track 1")
	document = b.chunk(1)
	document.Format = "tape"
	require.True(t, fault.Is(b.readChunk(t, document), fault.UnsupportedFile))
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	a, other := uuid.NewString(), uuid.NewString()
	p := newPlaces([]*mediastorev1.AllocatedObject{{FlowId: a, ObjectId: "1"}, {FlowId: other, ObjectId: "2"}, {FlowId: a, ObjectId: "3"}})
	for _, want := range []string{"1", "3"} {
		got, err := p.take(a)
		require.NoError(t, err)
		require.Equal(t, want, got.GetObjectId())
	}
	_, err := p.take(a)
	require.ErrorContains(t, err, "flow "+a)
	require.Equal(t, []string{"2"}, p.unused())
	_, err = p.take("unknown")
	require.Error(t, err)
}
