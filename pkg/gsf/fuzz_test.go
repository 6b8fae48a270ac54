package gsf_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
)

// stretch is a header and the grains that follow it.
type stretch struct {
	header *gsf.Header
	grains []*gsf.Grain
}

// stretches decodes a stream as far as it goes, and gives why it ended.
func stretches(r *gsf.Reader) ([]stretch, error) {
	all := []stretch{{header: r.Header()}}
	for {
		g := new(gsf.Grain)
		err := r.Next(g)
		if r.Header() != all[len(all)-1].header {
			all = append(all, stretch{header: r.Header()})
		}
		if err != nil {
			return all, err
		}
		last := &all[len(all)-1]
		last.grains = append(last.grains, g)
	}
}

// FuzzReader checks that no input makes a Reader panic or take memory out of
// proportion, that all Readers agree, and that whatever decodes can be written
// and then decodes the same.
func FuzzReader(f *testing.F) {
	for _, major := range []uint16{7, 8, 9} {
		for _, kind := range kinds() {
			f.Add(cat(opening(major), grai(1, gbhd(major, kind.blocks), grdt("abcd")), terminator()))
		}
	}
	f.Add(cat(fileStart(8, 3), head(segm(1, 0, flowBlock("f", `{"k":1}`), tagBlock("sk", "sv")), tagBlock("fk", "fv"))))
	f.Add(cat(opening(7), plain(7), terminator(), opening(9), plain(9), plain(9), terminator(), []byte("junk")))
	f.Fuzz(func(t *testing.T, file []byte) {
		before := allocated()
		r, err := gsf.NewBytesReader(file, gsf.Options{})
		if err != nil {
			checkFault(t, file, err)
			return
		}
		decoded, end := stretches(r)
		require.LessOrEqual(t, allocated()-before, uint64(1<<20+400*len(file)))
		checkFault(t, file, end)
		checkReadersAgree(t, file, decoded, end)
		checkRoundTrip(t, decoded)
		for _, s := range decoded {
			for _, g := range s.grains {
				_, _ = gsf.Resync(file, []gsf.GrainKey{{LocalID: g.LocalID, FlowID: g.FlowID}})
			}
		}
	})
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// checkFault checks that an end other than the plain one says where it is.
func checkFault(t *testing.T, file []byte, err error) {
	t.Helper()
	if errors.Is(err, io.EOF) {
		return
	}
	var fault *gsf.Error
	require.ErrorAs(t, err, &fault)
	require.GreaterOrEqual(t, fault.Offset, int64(0))
	require.LessOrEqual(t, fault.Offset, int64(len(file)))
}

func checkReadersAgree(t *testing.T, file []byte, want []stretch, end error) {
	t.Helper()
	stream, err := gsf.NewReader(iotest.OneByteReader(bytes.NewReader(file)), gsf.Options{})
	require.NoError(t, err)
	got, streamEnd := stretches(stream)
	// Without knowing where the input ends, a fault may be met before the end is.
	require.Equal(t, errors.Is(end, io.EOF), errors.Is(streamEnd, io.EOF))
	require.Len(t, got, len(want))
	sized, err := gsf.NewReader(bytes.NewReader(file), gsf.Options{Size: int64(len(file))})
	require.NoError(t, err)
	_, sizedEnd := stretches(sized)
	require.Equal(t, end.Error(), sizedEnd.Error())
	index, err := gsf.NewIndexReader(bytes.NewReader(file), int64(len(file)), gsf.Options{})
	require.NoError(t, err)
	indexed, indexEnd := stretches(index)
	require.Equal(t, end.Error(), indexEnd.Error())
	for i := range want {
		require.Equal(t, want[i].header, got[i].header)
		require.Len(t, indexed[i].grains, len(want[i].grains))
		for k, g := range want[i].grains {
			require.Equal(t, plainData(g), plainData(got[i].grains[k]))
			require.Equal(t, g.Pos, indexed[i].grains[k].Pos)
		}
	}
}

// plainData gives a grain in which no data is nil, as a stream leaves it.
func plainData(g *gsf.Grain) gsf.Grain {
	flat := *g
	flat.Data = append([]byte(nil), g.Data...)
	return flat
}

// checkRoundTrip writes what was decoded and decodes it again.
func checkRoundTrip(t *testing.T, decoded []stretch) {
	t.Helper()
	for _, s := range decoded {
		var out bytes.Buffer
		h := declareAll(s)
		w, err := gsf.NewWriter(&out, h)
		require.NoError(t, err)
		for _, g := range s.grains {
			_, err := w.WriteGrain(g)
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		r, grains, err := read(t, out.Bytes())
		require.NoError(t, err)
		require.Equal(t, h, r.Header())
		require.Len(t, grains, len(s.grains))
		for i, g := range s.grains {
			want, got := plainData(g), plainData(grains[i])
			want.Pos, got.Pos = gsf.Position{}, gsf.Position{}
			require.Equal(t, want, got)
		}
	}
}

// declareAll gives a header that a Writer accepts: true counts, and a segment for
// each grain.
func declareAll(s stretch) *gsf.Header {
	h := *s.header
	h.Segments = append([]gsf.Segment(nil), s.header.Segments...)
	for i := range h.Segments {
		h.Segments[i].Count = 0
	}
	for _, g := range s.grains {
		segment := h.Segment(g.LocalID)
		if segment == nil {
			h.Segments = append(h.Segments, gsf.Segment{LocalID: g.LocalID})
			segment = &h.Segments[len(h.Segments)-1]
		}
		segment.Count++
	}
	return &h
}
