package mp4_test

import (
	"io"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/mp4"
	"github.com/grainmesh/grainmesh/pkg/formats/mp4/mux"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/window"
)

// hollow is a file of which only the head is there; the rest are zeros.
type hollow struct {
	head []byte
	size int64
	read int64
}

func (h *hollow) Size() int64 { return h.size }

func (h *hollow) ReadAt(b []byte, off int64) (int, error) {
	if off >= h.size {
		return 0, io.EOF
	}
	clear(b)
	n := int(min(int64(len(b)), h.size-off))
	h.read += int64(n)
	if off < int64(len(h.head)) {
		copy(b[:n], h.head[off:])
	}
	return n, nil
}

func TestTenHoursOfPCMAreNotExpanded(t *testing.T) {
	t.Parallel()
	const grainSamples, hours = 1 << 20, 10
	audio := &media.Audio{SampleRate: 48000, Channels: 2, BitDepth: 24, UncType: "interleaved"}
	flow := &media.Flow{Format: media.FormatAudio, Codec: media.CodecPCM, Audio: audio}
	var index media.Index
	cut := window.Cut{}
	for n := int64(0); n*grainSamples < hours*3600*48000; n++ {
		index = append(index, media.Entry{Grain: media.Grain{Samples: grainSamples}, Size: grainSamples * 6})
		cut.Grains = append(cut.Grains, int(n))
		cut.Samples += grainSamples
	}
	track, err := mux.PCMTrack(flow, index, cut, 0, mux.QuickTime)
	require.NoError(t, err)
	layout, err := mux.New([]*mux.Track{track}, mux.Options{Kind: mux.QuickTime})
	require.NoError(t, err)
	in := &hollow{head: layout.Head, size: layout.Size}
	require.Greater(t, in.size, int64(10e9))

	analysis, err := mp4.Format{}.Probe(t.Context(), in)
	require.NoError(t, err)
	require.Less(t, in.read, int64(1<<20))
	require.Equal(t, mediatime.Rescale(cut.Samples, 48000), analysis.Tracks[0].Range.End)
	analysis.Tracks[0].Flow.ID = uuid.New()
	req := &formats.PlanRequest{
		Analysis: analysis, Flows: map[int]*media.Flow{1: analysis.Tracks[0].Flow}, Range: mediatime.Eternity, Sizes: formats.DefaultSizes(),
	}
	chunks, next := 0, mediatime.Time(0)
	require.NoError(t, mp4.Format{}.Plan(t.Context(), in, req, func(c *formats.Chunk) error {
		require.Equal(t, next, c.Tracks[0].Range.Start)
		require.Less(t, len(c.State), 64<<10)
		next = c.Tracks[0].Range.End
		chunks++
		return nil
	}))
	require.Equal(t, analysis.Tracks[0].Range.End, next)
	require.Greater(t, chunks, 90)
}
