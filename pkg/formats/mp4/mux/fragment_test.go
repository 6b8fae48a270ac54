package mux_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats/mp4/mux"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// segments writes all grains of a track as an initialisation segment and media
// segments that begin at random access points.
func segments(t *testing.T, part *stored, lay func(media.Index) (*mux.Track, error)) []byte {
	t.Helper()
	whole, err := lay(part.index)
	require.NoError(t, err)
	out := bytes.NewBuffer(mux.InitSegment(whole))
	sequence := uint32(0)
	for from := 0; from < len(part.index); {
		to := from + 1
		for to < len(part.index) && (to-from < 10 || part.index[to].Access == media.NotRandom) {
			to++
		}
		track, err := lay(part.index[from:to])
		require.NoError(t, err)
		sequence++
		head, err := mux.SegmentHead(track, sequence)
		require.NoError(t, err)
		out.Write(head)
		for i := range track.Samples {
			g := &part.grains[from+i]
			sample, err := track.Append(nil, i, g.Data, g.UnitOffsets)
			require.NoError(t, err)
			require.Len(t, sample, int(track.Samples[i].Size))
			out.Write(sample)
		}
		require.GreaterOrEqual(t, track.Samples[0].DTS, int64(0))
		from = to
	}
	return out.Bytes()
}

func TestFragmentsShowTheFramesOfTheSource(t *testing.T) {
	t.Parallel()
	path := mediatest.Make(t, "source.mp4", "-f", "lavfi", "-i", "testsrc2=size=96x64:rate=30000/1001", "-f", "lavfi", "-i", "sine=sample_rate=48000",
		"-t", "4", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "15", "-bf", "3", "-c:a", "aac", "-aac_pns", "0")
	tracks := ingest(t, path)
	clock := mux.Clock{Shift: mediatime.Second}
	delay := mux.Delay(tracks[1].index)
	require.Positive(t, delay)

	video := filepath.Join(t.TempDir(), "video.mp4")
	require.NoError(t, os.WriteFile(video, segments(t, tracks[1], func(x media.Index) (*mux.Track, error) {
		return mux.VideoFragment(tracks[1].flow, x, clock, delay)
	}), 0o600))
	require.Equal(t, mediatest.FrameHashes(t, path, "v"), mediatest.FrameHashes(t, video, "v"))
	packets := mediatest.Packets(t, video, "v:0")
	require.EqualValues(t, 30000, packets[0].PTS, "the first picture is shown after the shift")
	for k := 1; k < len(packets); k++ {
		require.EqualValues(t, 1001, packets[k].DTS-packets[k-1].DTS)
	}

	audio := filepath.Join(t.TempDir(), "audio.mp4")
	require.NoError(t, os.WriteFile(audio, segments(t, tracks[2], func(x media.Index) (*mux.Track, error) {
		return mux.AACFragment(tracks[2].flow, x, clock)
	}), 0o600))
	packets = mediatest.Packets(t, audio, "a:0")
	require.EqualValues(t, 48000-1024, packets[0].PTS)
	for k := 1; k < len(packets); k++ {
		require.EqualValues(t, 1024, packets[k].DTS-packets[k-1].DTS)
	}
}
