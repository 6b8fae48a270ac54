package isobmff_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
)

// FuzzReadMovie reads whole indexes and holds what they make us allocate against
// their size.
func FuzzReadMovie(f *testing.F) {
	for _, flags := range []string{"+faststart", "+frag_keyframe+empty_moov", "+frag_keyframe"} {
		path := filepath.Join(f.TempDir(), "a.mp4")
		mediatest.FFmpeg(f, "-f", "lavfi", "-i", "testsrc2=size=32x32:rate=25", "-f", "lavfi", "-i", "sine", "-t", "0.5",
			"-c:v", "libx264", "-preset", "ultrafast", "-g", "5", "-c:a", "aac", "-movflags", flags, path)
		data, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := readAll(bytes.NewReader(data))
		runtime.ReadMemStats(&after)
		if err != nil {
			require.Equal(t, fault.Customer, fault.Of(err).Blame(), err.Error())
		}
		// A fragment of samples all alike costs nothing in the file and up to 48 MB
		// while it is read.
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20+64*len(data)+256<<20))
	})
}

func readAll(src *bytes.Reader) error {
	m, err := isobmff.ReadMovie(src)
	if err != nil {
		return err
	}
	for _, t := range m.Tracks {
		if err := walk(src, t); err != nil {
			return err
		}
	}
	for c := m.Fragments(src); ; {
		runs, err := c.Next()
		if err != nil || runs == nil {
			return err
		}
	}
}

func walk(src *bytes.Reader, t *isobmff.Track) error {
	for i := range t.Entries {
		t.Entries[i].PCM()
		t.Entries[i].DecoderConfig()
		t.Entries[i].Timecode()
	}
	isobmff.ReadTimecode(src, t)
	for c := t.Spans(); ; {
		if _, ok, err := c.Next(); err != nil || !ok {
			break
		}
	}
	if t.Handler == "soun" {
		return nil // may list any number of samples, which nobody walks one by one
	}
	for c := t.Samples(); ; {
		if _, ok, err := c.Next(); err != nil || !ok {
			return err
		}
	}
}
