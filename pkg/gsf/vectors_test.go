package gsf_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
)

// drain decodes to the end, each grain into a new Grain.
func drain(r *gsf.Reader) ([]*gsf.Grain, error) {
	var grains []*gsf.Grain
	for {
		g := new(gsf.Grain)
		if err := r.Next(g); err != nil {
			if errors.Is(err, io.EOF) {
				return grains, nil
			}
			return grains, err
		}
		grains = append(grains, g)
	}
}

// reencode decodes a stream and writes it again.
func reencode(t testing.TB, file []byte) []byte {
	t.Helper()
	r, err := gsf.NewBytesReader(file, gsf.Options{})
	require.NoError(t, err)
	var out []byte
	var header *gsf.Header
	for g := new(gsf.Grain); ; {
		err := r.Next(g)
		if h := r.Header(); h != header {
			if header != nil {
				out = gsf.AppendTerminator(out)
			}
			header = h
			out = appendHeader(t, out, h)
		}
		if errors.Is(err, io.EOF) {
			return gsf.AppendTerminator(out)
		}
		require.NoError(t, err)
		out, err = gsf.AppendGrainHeader(out, header.Major, g, len(g.Data))
		require.NoError(t, err)
		out = append(out, g.Data...)
	}
}

func appendHeader(t testing.TB, out []byte, h *gsf.Header) []byte {
	t.Helper()
	before := len(out)
	out, err := gsf.AppendHeader(out, h)
	require.NoError(t, err)
	require.Equal(t, gsf.HeaderSize(h), len(out)-before)
	return out
}

// vector is one file of the list that decoder and encoder are held to.
type vector struct {
	// file is put together from the description of the format. The files of the
	// reference implementation come without a licence of their own and are not part of
	// this repository; these have the same blocks.
	file []byte
	// grains is how many are decoded before the end or the error.
	grains int
	// err is why the file is refused, nil if it is taken.
	err error
}

// rated is a sound whose grain has a rate.
func rated(numerator, denominator uint32) []byte {
	return grai(1, blk("gbhd", idBytes(sourceIDText), idBytes(flowIDText),
		t11(1, 1000, 5), t11(1, 1000, 5), le32(numerator, denominator), le32(1, 25), audio()), grdt("abcd"))
}

// series is a file with ten grains of one kind, as the encoders of cameras write them.
func series(major uint16, flow []byte, grain func(n int) []byte) []byte {
	file := cat(fileStart(major, 0), head(segm(1, 10, flow)))
	for n := range 10 {
		file = cat(file, grain(n))
	}
	return cat(file, terminator())
}

// single is a file with one grain that has all that a grain can have, in a segment that
// has all that a segment can.
func single(major uint16, children ...[]byte) []byte {
	said := [][]byte{tagBlock("key", "v"), tagBlock("another", "value")}
	if major > 7 {
		said = append([][]byte{flowBlock("urn:x-nmos:format:video", `{"a": 1}`)}, said...)
	}
	return cat(fileStart(major, 0), head(segm(1, 1, said...)), grai(1, children...), terminator())
}

// payload is n bytes of which no two neighbours are equal.
func payload(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return string(b)
}

// vectors are the files of the list, by name. Those whose name starts with "edge_" are
// odd, and taken or refused as the description of the format says; all others come back
// from the encoder byte for byte.
func vectors() map[string]vector {
	const document = `{"type": "urn:x-ipstudio:format:event.notify", "topic": "/t", "data": [{"path": "", "pre": 1, "post": 2}]}`
	sound := func(int) []byte { return grai(1, gbhd(8, audio()), grdt(payload(6144))) }
	interleaved := cat(fileStart(9, 0), head(segm(1, 6), segm(2, 6)))
	for range 6 {
		interleaved = cat(interleaved, grai(1, gbhd(9, audio()), grdt(payload(7680))), grai(2, gbhd(9, video(comp())), grdt(payload(384))))
	}
	return map[string]vector{
		"audio_8.gsf":       {file: series(8, nil, sound), grains: 10},
		"coded_audio_8.gsf": {file: series(8, nil, func(n int) []byte { return grai(1, gbhd(8, codedAudio()), grdt(payload(600+n))) }), grains: 10},
		"coded_video_9.gsf": {file: series(9, nil, func(n int) []byte {
			key := []byte{1, 0, 3}[min(n, 2)] // then unknown
			offset := []uint32{0, 0xffffffff, 0x7fffffff}[min(n, 2)]
			return grai(1, gbhd(9, codedVideo(key, offset, unof())), grdt(payload(900-50*n)))
		}), grains: 10},
		"event_8.gsf": {file: series(8, nil, func(int) []byte { return grai(1, gbhd(8, event()), grdt(document)) }), grains: 10},
		"video_8.gsf": {file: series(8, flowBlock("urn:x-nmos:format:video", `{"frame_width": 48}`), func(int) []byte {
			return grai(1, gbhd(8, video(comp())), grdt(payload(768)))
		}), grains: 10},
		"interleaved_stream_v9.gsf": {file: cat(interleaved, terminator()), grains: 12},

		"one_audio_v8.gsf":       {file: single(8, gbhd(8, labels(), audio()), grdt(payload(60))), grains: 1},
		"one_coded_video_v7.gsf": {file: single(7, gbhd(7, labels(), codedVideo(1, 2, unof())), grdt(payload(77))), grains: 1},
		"one_empty_v8.gsf":       {file: single(8, gbhd(8, labels()), grdt("")), grains: 1},
		"one_event_v9.gsf":       {file: single(9, gbhd(9, labels(), event()), grdt(document)), grains: 1},
		"one_video_v7.gsf":       {file: single(7, gbhd(7, labels(), video(comp())), grdt(payload(768))), grains: 1},
		"one_video_v9.gsf":       {file: single(9, gbhd(9, labels(), video(comp())), grdt(payload(768))), grains: 1},

		"edge_grdt_before_gbhd.gsf":              {file: cat(opening(9), grai(1, grdt("abcd"), gbhd(9, audio())), terminator()), err: gsf.ErrOrder},
		"edge_major_10.gsf":                      {file: cat(fileStart(10, 0), head()), err: gsf.ErrVersion},
		"edge_minor_version_5.gsf":               {file: cat(fileStart(9, 5), head(segm(1, 1)), plain(9), terminator()), grains: 1},
		"edge_no_terminator.gsf":                 {file: cat(opening(9), plain(9)), grains: 1},
		"edge_truncated_in_data.gsf":             {file: cat(opening(9), plain(9), grai(1, gbhd(9, audio()), grdt(payload(100))))[:first+122+150], grains: 1, err: gsf.ErrTruncated},
		"edge_unknown_between_gbhd_and_grdt.gsf": {file: cat(opening(9), grai(1, gbhd(9, audio()), blk("zzzz", []byte("unknown!")), grdt("abcd")), terminator()), grains: 1},
		"edge_zero_denominator_rate.gsf":         {file: cat(opening(9), rated(25, 0), terminator()), grains: 1},
	}
}

// TestVectors holds decoder and encoder to every file of the list.
func TestVectors(t *testing.T) {
	t.Parallel()
	for name, v := range vectors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v.check(t, name, v.file)
		})
	}
}

// TestOriginalVectors does the same with the files of the reference implementation, where
// the environment names their folder. Without one there is nothing to run: TestVectors is
// what every run is held to. A folder that lacks a file of the list fails.
func TestOriginalVectors(t *testing.T) {
	t.Parallel()
	for name, file := range originals(t, os.Getenv("GRAINMESH_GSF_VECTORS")) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, listed := vectors()[name]
			require.True(t, listed, "the file has no place in the list of vectors")
			v.check(t, name, file)
		})
	}
}

// originals reads the files of a folder, which must hold the whole list; none without a
// folder.
func originals(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	if dir == "" {
		return files
	}
	for name := range vectors() {
		file, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err, "GRAINMESH_GSF_VECTORS lacks a file of the list")
		files[name] = file
	}
	more, err := filepath.Glob(filepath.Join(dir, "*.gsf"))
	require.NoError(t, err)
	for _, path := range more {
		file, err := os.ReadFile(path)
		require.NoError(t, err)
		files[filepath.Base(path)] = file
	}
	return files
}

// check holds a file to what is said of it.
func (v vector) check(t *testing.T, name string, file []byte) {
	t.Helper()
	r, grains, err := read(t, file)
	require.Len(t, grains, v.grains)
	if v.err != nil {
		require.ErrorIs(t, err, v.err)
		var fault *gsf.Error
		require.ErrorAs(t, err, &fault)
		require.LessOrEqual(t, fault.Offset, int64(len(file)))
		return
	}
	require.NoError(t, err)
	switch name {
	case "edge_no_terminator.gsf":
		require.Len(t, r.Warnings(), 1)
		require.Equal(t, gsf.WarnNoTerminator, r.Warnings()[0].Code)
	case "edge_zero_denominator_rate.gsf":
		require.True(t, grains[0].Rate.IsNull())
	case "edge_unknown_between_gbhd_and_grdt.gsf":
		require.Equal(t, "abcd", string(grains[0].Data))
	case "edge_minor_version_5.gsf":
		require.EqualValues(t, 5, r.Header().Minor)
	default:
		require.False(t, strings.HasPrefix(name, "edge_"), "nobody says what is odd about it")
		require.True(t, bytes.Equal(file, reencode(t, file)), "re-encoded file differs")
		truncateEverywhere(t, file)
	}
}
