package gsf_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
)

// truncateEverywhere cuts a file at each byte (at some, of a large one) and
// checks that it is refused at the cut, unless that is the end of a grain or one
// of the ends given.
func truncateEverywhere(t testing.TB, file []byte, ends ...int64) {
	t.Helper()
	whole := blockEnds(t, file)
	for _, end := range ends {
		whole[end] = true
	}
	step := 1
	if len(file) > 8<<10 {
		step = len(file) / 100
	}
	for cut := 0; cut < len(file); cut += step {
		for name, err := range readAllWays(file[:cut]) {
			if whole[int64(cut)] {
				require.NoError(t, err, "%s of %d bytes", name, cut)
				continue
			}
			require.ErrorIs(t, err, gsf.ErrTruncated, "%s of %d bytes", name, cut)
			var fault *gsf.Error
			require.ErrorAs(t, err, &fault)
			require.Equal(t, int64(cut), fault.Offset, "%s: %v", name, err)
		}
	}
}

// blockEnds gives the offsets at which a file may end.
func blockEnds(t testing.TB, file []byte) map[int64]bool {
	t.Helper()
	r, err := gsf.NewBytesReader(file, gsf.Options{})
	require.NoError(t, err)
	ends := map[int64]bool{r.Offset(): true}
	var g gsf.Grain
	for r.Next(&g) == nil {
		ends[g.Pos.Offset+g.Pos.Size] = true
	}
	ends[r.Offset()] = true
	return ends
}

// readAllWays decodes by each kind of Reader and gives what each returned.
func readAllWays(file []byte) map[string]error {
	open := map[string]func() (*gsf.Reader, error){
		"memory": func() (*gsf.Reader, error) { return gsf.NewBytesReader(file, gsf.Options{}) },
		"stream": func() (*gsf.Reader, error) {
			return gsf.NewReader(iotest.HalfReader(bytes.NewReader(file)), gsf.Options{})
		},
		"sized stream": func() (*gsf.Reader, error) {
			return gsf.NewReader(bytes.NewReader(file), gsf.Options{Size: int64(len(file))})
		},
		"skipping stream": func() (*gsf.Reader, error) {
			return gsf.NewReader(bytes.NewReader(file), gsf.Options{SkipData: true})
		},
		"index": func() (*gsf.Reader, error) {
			return gsf.NewIndexReader(bytes.NewReader(file), int64(len(file)), gsf.Options{})
		},
	}
	errs := make(map[string]error, len(open))
	for name, newReader := range open {
		r, err := newReader()
		for g := new(gsf.Grain); err == nil; {
			err = r.Next(g)
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		errs[name] = err
	}
	return errs
}

func TestTruncatedAnywhere(t *testing.T) {
	t.Parallel()
	for _, major := range []uint16{7, 9} { // 8 is laid out as 9 is
		flow := flowBlock("urn:x-nmos:format:video", `{"k":1}`)
		if major == 7 {
			flow = nil
		}
		file := cat(fileStart(major, 0), head(segm(1, -1, flow, tagBlock("k", "v")), tagBlock("a", "b")),
			grai(1, gbhd(major, labels(), video(comp())), grdt("0123456789")),
			grai(1, gbhd(major, codedVideo(1, 2, unof())), grdt("0123456789")),
			blk("fill", make([]byte, 20)),
			plain(major),
			grai(1, gbhd(major, codedAudio()), grdt("")),
			grai(1, gbhd(major)))
		fillEnd := int64(bytes.Index(file, []byte("fill")) + 28)
		truncateEverywhere(t, file, fillEnd)
	}
}
