package formattest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// fileTest is a file under test, and what Probe found in it.
type fileTest struct {
	Suite
	file     File
	in       *Input
	analysis *formats.Analysis
	// full is the file as it is read with the usual sizes.
	full *result
}

// file takes one file through everything.
func (s Suite) file(t *testing.T, f File) {
	x := &fileTest{Suite: s, file: f, in: open(t, f.Make, f.Open)}
	x.probes(t)
	if f.Check != nil {
		f.Check(t, x.analysis)
	}
	if f.Unread {
		return
	}
	x.full = x.run(t, x.in, request(x.analysis))
	for i := range f.Tracks {
		x.track(t, &f.Tracks[i])
	}
	if f.CheckObjects != nil {
		var all []Object
		for _, objects := range x.full.objects {
			all = append(all, objects...)
		}
		f.CheckObjects(t, all)
	}
	t.Run("any order", x.anyOrder)
	t.Run("sizes", x.sizes)
	t.Run("shift", x.shift)
	t.Run("range", x.ranges)
	t.Run("one track", x.oneTrack)
	t.Run("stops", x.stops)
	t.Run("cut", x.cut)
}

// probes checks layer 1.
func (x *fileTest) probes(t *testing.T) {
	head := make([]byte, min(formats.SniffSize, x.in.Size()))
	_, err := x.in.ReadAt(head, 0)
	require.NoError(t, err)
	require.True(t, x.Format.Sniff(head), "the format does not know its own file")

	counted := x.in.Within(0, x.in.Size())
	x.analysis, err = x.probe(t.Context(), counted)
	require.NoError(t, err)
	require.LessOrEqual(t, counted.BytesRead(), x.file.Index+1<<20, "bytes read by Probe")
	require.False(t, counted.Strayed(), "Probe read beyond the file")
	again, err := x.probe(t.Context(), counted)
	require.NoError(t, err)
	require.Equal(t, x.analysis, again, "the same file gives the same analysis")

	a := x.analysis
	require.Equal(t, x.in.Size(), a.Size)
	require.Len(t, a.Warnings, len(x.file.Warnings), "%q", a.Warnings)
	for i, words := range x.file.Warnings {
		require.Contains(t, a.Warnings[i], words)
	}
	require.Len(t, a.Tracks, len(x.file.Tracks))
	numbers := map[int]bool{}
	for i := range a.Tracks {
		found, want := &a.Tracks[i], &x.file.Tracks[i]
		require.Equal(t, want.Number, found.Number)
		require.Positive(t, found.Number, "track numbers start at 1")
		require.False(t, numbers[found.Number], "track %d is there twice", found.Number)
		numbers[found.Number] = true
		if want.Skipped != "" {
			require.Contains(t, found.Skipped, want.Skipped)
			continue
		}
		require.Empty(t, found.Skipped)
		require.Equal(t, want.Range, found.Range, "track %d", found.Number)
		require.Equal(t, want.Grains, found.Grains, "track %d", found.Number)
		checkFlow(t, found.Flow)
	}
}

// checkFlow checks what every Flow that a format describes has.
func checkFlow(t *testing.T, f *media.Flow) {
	t.Helper()
	require.NotNil(t, f)
	require.Contains(t, []media.Format{media.FormatVideo, media.FormatAudio, media.FormatData}, f.Format)
	require.Equal(t, f.Format == media.FormatVideo, f.Video != nil)
	require.Equal(t, f.Format == media.FormatAudio, f.Audio != nil)
	require.NotEmpty(t, f.Codec)
	require.Equal(t, media.ContainerGSF, f.Container)
}

// track checks one track of the file as it is read with the usual sizes.
func (x *fileTest) track(t *testing.T, want *Track) {
	if want.Skipped != "" {
		return
	}
	objects := x.full.of(want.Number)
	list := grains(objects)
	require.Len(t, list, int(want.Grains), "track %d", want.Number)
	if want.Payload != nil {
		require.Equal(t, want.Payload, payload(list), "essence of track %d", want.Number)
	}
	checkSegments(t, objects, want.Range, want.Gaps)
	checkTimes(t, list, x.full.req.Flows[want.Number].GrainRate, want, 0)
}

// anyOrder reads the chunks again, shuffled and at the same time, in small chunks.
func (x *fileTest) anyOrder(t *testing.T) {
	req := request(x.analysis)
	req.Sizes = smallSizes()
	r := x.run(t, x.in, req)
	var readers errgroup.Group
	readers.SetLimit(4)
	for _, i := range rand.Perm(len(r.chunks)) {
		readers.Go(func() error {
			objects, err := x.read(t.Context(), x.in, r.plan, r.chunks[i])
			if err == nil && !sameObjects(objects, r.objects[i]) {
				err = fmt.Errorf("chunk %d gave other objects when it was read again", i)
			}
			return err
		})
	}
	require.NoError(t, readers.Wait())
}

func sameObjects(a, b []Object) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Track != b[i].Track || a[i].Segment != b[i].Segment || !bytes.Equal(a[i].Bytes, b[i].Bytes) ||
			!bytes.Equal(a[i].Index.Pack(), b[i].Index.Pack()) {
			return false
		}
	}
	return true
}

// smallSizes gives chunks and objects that are as small as a format makes them.
func smallSizes() formats.Sizes {
	return formats.Sizes{
		ChunkBytes: 1, MaxChunkBytes: 64 << 10, ChunkDuration: 1,
		VideoObject: 4 << 10, AudioObject: 4 << 10, AudioDuration: 100 * mediatime.Millisecond,
	}
}

// sizes reads the file in other chunks and objects; its grains stay the same.
func (x *fileTest) sizes(t *testing.T) {
	for name, change := range map[string]func(*formats.Sizes){
		"tiny chunks":            func(s *formats.Sizes) { *s = smallSizes() },
		"one grain each":         func(s *formats.Sizes) { s.Grains = 1 },
		"three grains each":      func(s *formats.Sizes) { s.Grains = 3 },
		"tiny, one grain each":   func(s *formats.Sizes) { *s = smallSizes(); s.Grains = 1 },
		"a few chunks":           func(s *formats.Sizes) { s.ChunkBytes, s.ChunkDuration = x.in.Size()/3+1, 1 },
		"objects beyond a chunk": func(s *formats.Sizes) { s.ChunkBytes, s.ChunkDuration = 1, 1 },
	} {
		req := request(x.analysis)
		change(&req.Sizes)
		r := x.run(t, x.in, req)
		for i := range x.file.Tracks {
			track := &x.file.Tracks[i]
			if track.Skipped != "" {
				continue
			}
			objects := r.of(track.Number)
			require.Equal(t, grains(x.full.of(track.Number)), grains(objects), "%s, track %d", name, track.Number)
			checkSegments(t, objects, track.Range, track.Gaps)
			for n := range objects {
				// Where pictures are reordered, several can only be divided where all before
				// are displayed before all after.
				if limit := req.Sizes.Grains; limit == 1 || limit > 1 && !reordered(&objects[n]) {
					require.LessOrEqual(t, len(objects[n].Index), limit, "%s, track %d", name, track.Number)
				}
			}
		}
	}
}

func reordered(o *Object) bool {
	for i := range o.Index {
		if o.Index[i].TemporalOffset != 0 {
			return true
		}
	}
	return false
}

// shift moves the file along the time line.
func (x *fileTest) shift(t *testing.T) {
	req := request(x.analysis)
	req.Shift = 1_700_000_000*mediatime.Second + 1
	r := x.run(t, x.in, req)
	for i := range x.file.Tracks {
		track := &x.file.Tracks[i]
		if track.Skipped != "" {
			continue
		}
		objects := r.of(track.Number)
		list, unmoved := grains(objects), grains(x.full.of(track.Number))
		require.Len(t, list, len(unmoved))
		for n := range list {
			unmoved[n].PTS += req.Shift
			unmoved[n].Order += req.Shift
			require.Equal(t, unmoved[n], list[n], "grain %d of track %d", n, track.Number)
		}
		checkSegments(t, objects, track.Range.Shift(req.Shift), track.Gaps)
		checkTimes(t, list, req.Flows[track.Number].GrainRate, track, req.Shift)
	}
	req.Shift = mediatime.Max
	_, err := x.plan(t.Context(), x.in, req)
	requireFault(t, err, fault.TimeOutOfRange)
}

// oneTrack takes each track of several alone.
func (x *fileTest) oneTrack(t *testing.T) {
	for number := range x.full.req.Flows {
		req := request(x.analysis)
		req.Flows = map[int]*media.Flow{number: req.Flows[number]}
		r := x.run(t, x.in, req)
		require.Equal(t, []int{number}, r.tracks())
		require.Equal(t, grains(x.full.of(number)), grains(r.of(number)))
	}
	req := request(x.analysis)
	req.Flows = map[int]*media.Flow{}
	_, err := x.plan(t.Context(), x.in, req)
	requireFault(t, err, fault.NoEssence)
}

var errStop = errors.New("stop here")

// stops ends the work from outside: by the context, and by who takes the results.
func (x *fileTest) stops(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	req := request(x.analysis)
	_, err := x.plan(cancelled, x.in, req)
	require.ErrorIs(t, err, context.Canceled, "Plan goes on")
	err = x.Format.Plan(t.Context(), x.in, req, func(*formats.Chunk) error { return errStop })
	require.ErrorIs(t, err, errStop)

	chunk := x.full.chunks[0]
	_, err = x.read(cancelled, x.in, x.full.plan, chunk)
	require.ErrorIs(t, err, context.Canceled, "Read goes on")
	read, err := x.full.readRequest(chunk)
	require.NoError(t, err)
	for last := range 3 {
		sink := NewCollector(read.Flows)
		sink.OnGrain = func(n int) error {
			if n == last {
				return errStop
			}
			return nil
		}
		err = x.Format.Read(t.Context(), x.in, read, sink)
		if sink.grains == last { // the chunk has more
			require.True(t, err == nil || errors.Is(err, errStop), "%v", err)
		}
	}
}

// cut ends the file early, before the first layer and before the last.
func (x *fileTest) cut(t *testing.T) {
	if x.in.Size() > 8<<20 {
		return
	}
	whole := make([]byte, x.in.Size())
	_, err := x.in.ReadAt(whole, 0)
	require.NoError(t, err)
	const cuts = 40
	for i := range cuts {
		at := int64(len(whole)) * int64(i) / cuts
		if i%2 == 1 { // borders of headers are near the start
			at = min(int64(i*i), int64(len(whole)-1))
		}
		if err := x.ingest(t, NewInput(whole[:at])); err != nil {
			require.True(t, customerFault(err), "cut at byte %d of %d: %v", at, len(whole), err)
		}
	}
	last := x.full.chunks[len(x.full.chunks)-1]
	_, err = x.read(t.Context(), NewInput(whole[:last.End-1]), x.full.plan, last)
	requireFault(t, err, fault.TruncatedFile)
}
