package mp4

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

func someState() *chunkState {
	return &chunkState{Tracks: []chunkTrack{{
		trackState: trackState{Number: 3, Kind: kindH264, Clock: clock{Timescale: 12800, Step: 512}, Begin: -5, End: 99},
		Shift:      7,
		objects: []object{{
			First: 9, After: -1, Segment: mediatime.NewRange(-3, 12), Count: 11,
			Samples: []isobmff.Sample{{Offset: 100, Size: 20, PTS: 512, Duration: 512, Sync: true}, {Offset: 90, Size: 1, PTS: -512, Duration: 1, Description: 2}},
			Spans:   []isobmff.Span{{Offset: 5, First: 6, Count: 11, Description: 1}},
		}},
	}}}
}

func TestChunkStateComesBack(t *testing.T) {
	t.Parallel()
	b, err := someState().pack()
	require.NoError(t, err)
	got, err := unpackChunk(b)
	require.NoError(t, err)
	require.Equal(t, someState(), got)
	_, err = unpackChunk(b[:len(b)-1])
	require.ErrorIs(t, err, errState)
}

func FuzzChunkState(f *testing.F) {
	b, err := someState().pack()
	require.NoError(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		state, err := unpackChunk(b)
		if err != nil {
			return
		}
		_, err = state.pack()
		require.NoError(t, err)
	})
}
