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

// TestVectors runs over a folder of sample files of the reference
// implementation, which are not part of this repository. Files whose name starts
// with "edge_" may be refused, but only with an Error; all others must be
// decoded and re-encoded byte for byte.
func TestVectors(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("GRAINMESH_GSF_VECTORS")
	if dir == "" {
		t.Log("GRAINMESH_GSF_VECTORS names no folder of sample files; the files assembled in the other tests stand for them")
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.gsf"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			file, err := os.ReadFile(path)
			require.NoError(t, err)
			if strings.HasPrefix(filepath.Base(path), "edge_") {
				checkEdge(t, filepath.Base(path), file)
				return
			}
			require.True(t, bytes.Equal(file, reencode(t, file)), "re-encoded file differs")
			truncateEverywhere(t, file)
		})
	}
}

// checkEdge checks what becomes of the odd files.
func checkEdge(t *testing.T, name string, file []byte) {
	t.Helper()
	want := map[string]error{
		"edge_grdt_before_gbhd.gsf":  gsf.ErrOrder,
		"edge_major_10.gsf":          gsf.ErrVersion,
		"edge_truncated_in_data.gsf": gsf.ErrTruncated,
	}[name]
	_, grains, err := read(t, file)
	if want == nil {
		require.NoError(t, err)
		require.NotEmpty(t, grains)
		return
	}
	require.ErrorIs(t, err, want)
	var fault *gsf.Error
	require.ErrorAs(t, err, &fault)
	require.LessOrEqual(t, fault.Offset, int64(len(file)))
}
