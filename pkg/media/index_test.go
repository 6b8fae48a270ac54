package media_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

func TestIndexKeepsEveryField(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		index := rapid.SliceOfN(rapid.Custom(drawEntry), 1, 40).Draw(t, "index")
		got, err := media.UnpackIndex(media.Index(index).Pack())
		require.NoError(t, err)
		require.Equal(t, media.Index(index), got)
	})
}

func drawEntry(t *rapid.T) media.Entry {
	return media.Entry{
		Grain: media.Grain{
			PTS:            mediatime.Time(rapid.Int64Range(-1e15, 1e18).Draw(t, "pts")),
			Order:          mediatime.Time(rapid.Int64Range(-1e15, 1e18).Draw(t, "order")),
			Duration:       mediatime.Time(rapid.Int64Range(0, 1e12).Draw(t, "duration")),
			Ticks:          rapid.Int64Range(-1e15, 1e15).Draw(t, "ticks"),
			TemporalOffset: rapid.Int32().Draw(t, "temporal"),
			Access:         media.RandomAccess(rapid.Uint8Range(0, 3).Draw(t, "access")),
			RecoveryFrames: rapid.Uint16().Draw(t, "recovery"),
			Leading:        rapid.Bool().Draw(t, "leading"),
			Disposable:     rapid.Bool().Draw(t, "disposable"),
			Injected:       rapid.Uint8().Draw(t, "injected"),
			Config:         rapid.Uint16().Draw(t, "config"),
			Samples:        rapid.Uint32().Draw(t, "samples"),
			Priming:        rapid.Uint32().Draw(t, "priming"),
			Remainder:      rapid.Uint32().Draw(t, "remainder"),
		},
		Offset: rapid.Int64Range(0, 1e12).Draw(t, "offset"),
		Size:   rapid.Int64Range(0, 1e10).Draw(t, "size"),
	}
}

func TestIndexOfRegularGrainsIsSmall(t *testing.T) {
	t.Parallel()
	rate := mediatime.NewRate(25, 1)
	index := make(media.Index, 1000)
	for n := range index {
		index[n] = media.Entry{
			Grain:  media.Grain{PTS: rate.Offset(int64(n)), Order: rate.Offset(int64(n)), Duration: rate.Duration(int64(n)), Samples: 1920, Ticks: int64(n) * 1920, Access: media.Clean},
			Offset: 800 + int64(n)*7900, Size: 7680,
		}
	}
	require.Less(t, len(index.Pack()), 8*len(index))
}

func FuzzUnpackIndex(f *testing.F) {
	f.Add(media.Index{{Size: 5, Offset: 9}}.Pack())
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		index, err := media.UnpackIndex(b)
		if err != nil {
			return
		}
		again, err := media.UnpackIndex(index.Pack())
		require.NoError(t, err)
		require.Equal(t, index, again)
	})
}
