package window_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/window"
)

const frame = 40 * mediatime.Millisecond

// pictures makes an index from display places in decode order, with the access
// points named by decode position.
func pictures(order []int, access map[int]media.RandomAccess) media.Index {
	index := make(media.Index, len(order))
	for i, place := range order {
		index[i].Grain = media.Grain{
			PTS: frame * mediatime.Time(place), Order: frame * mediatime.Time(i), Duration: frame, Access: access[i],
		}
	}
	return index
}

func frames(from, to int) mediatime.Range {
	return mediatime.NewRange(frame*mediatime.Time(from), frame*mediatime.Time(to))
}

// openGOPs is I0 P3 B1 B2  I6 B4 B5  P9 B7 B8  I12 B10 B11.
func openGOPs() media.Index {
	return pictures([]int{0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 12, 10, 11},
		map[int]media.RandomAccess{0: media.Clean, 4: media.OpenGOP, 10: media.OpenGOP})
}

func TestOpenGOP(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		want  mediatime.Range
		start int
		end   int
	}{
		"leading pictures need the GOP before": {frames(4, 8), 0, 8},
		"short windows go further back":        {frames(6, 8), 0, 8},
		"up to the last needed":                {frames(0, 2), 0, 2},
		"a reordered picture is needed whole":  {frames(3, 4), 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sel, err := window.Video(openGOPs(), test.want)
			require.NoError(t, err)
			require.Equal(t, test.start, sel.Grains[0])
			require.Equal(t, test.end, sel.Grains[len(sel.Grains)-1])
			require.Equal(t, test.want, sel.Present)
		})
	}
}

func TestShortWindowsGoBackUntilPlayersHaveSettled(t *testing.T) {
	t.Parallel()
	order, access := make([]int, 80), map[int]media.RandomAccess{}
	for i := range order {
		order[i] = i
		if i%8 == 0 {
			access[i] = media.OpenGOP
		}
	}
	index := pictures(order, access)
	for want, start := range map[mediatime.Range]int{
		frames(64, 65): 32, frames(64, 72): 32, frames(63, 65): 32, frames(63, 64): 24, frames(40, 79): 40, frames(16, 17): 0,
	} {
		sel, err := window.Video(index, want)
		require.NoError(t, err)
		require.Equal(t, start, sel.Grains[0], "%s", want)
	}
}

func TestLeadingPicturesOfTheStartAreLeftOut(t *testing.T) {
	t.Parallel()
	index := openGOPs()[4:]
	sel, err := window.Video(index, frames(6, 9))
	require.NoError(t, err)
	require.Equal(t, []int{0, 3, 4, 5}, sel.Grains)
	_, err = window.Video(index, frames(5, 9))
	require.ErrorIs(t, err, window.ErrPreroll)
}

func TestRecoveryPointsLeaveAPeriodToSettle(t *testing.T) {
	t.Parallel()
	order := make([]int, 40)
	for i := range order {
		order[i] = i
	}
	index := pictures(order, map[int]media.RandomAccess{0: media.Clean, 10: media.Recovery, 20: media.Recovery, 30: media.Recovery})
	for _, at := range []int{10, 20, 30} {
		index[at].RecoveryFrames = 4
	}
	sel, err := window.Video(index, frames(24, 28))
	require.NoError(t, err)
	require.Equal(t, 0, sel.Grains[0], "a short window goes further back")
	_, err = window.Video(index[10:], frames(23, 28))
	require.ErrorIs(t, err, window.ErrPreroll)
	sel, err = window.Video(index[10:], frames(24, 28))
	require.NoError(t, err)
	require.Equal(t, 0, sel.Grains[0])
}

func TestBoundsSnap(t *testing.T) {
	t.Parallel()
	want := mediatime.NewRange(3*frame+800, 5*frame-900)
	sel, err := window.Video(openGOPs(), want)
	require.NoError(t, err)
	require.Equal(t, frames(3, 5), sel.Present)
	require.Equal(t, 2, sel.Wanted)
	_, err = window.Video(openGOPs(), mediatime.NewRange(3*frame+2000, 4*frame-2000))
	require.ErrorIs(t, err, window.ErrEmpty)
}

func TestAudioCutsAreExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.SampledFrom([]int64{44100, 48000, 96000}).Draw(t, "rate")
		length := rapid.SampledFrom([]int64{1024, 1920, 1764}).Draw(t, "samples in a grain")
		count := rapid.Int64Range(1, 50).Draw(t, "grains")
		lead := rapid.Int64Range(0, length).Draw(t, "priming")
		index := make(media.Index, count)
		for n := range index {
			at := mediatime.Rescale(int64(n)*length-lead, rate)
			index[n].Grain = media.Grain{
				PTS: at, Order: at, Duration: mediatime.Rescale(int64(n+1)*length-lead, rate) - at, Samples: uint32(length),
			}
		}
		begin := rapid.Int64Range(-lead, count*length-lead-1).Draw(t, "begin")
		end := rapid.Int64Range(begin+1, count*length-lead).Draw(t, "end")
		preroll := rapid.IntRange(0, 2).Draw(t, "preroll")
		cut, err := window.Audio(index, mediatime.NewRange(mediatime.Rescale(begin, rate), mediatime.Rescale(end, rate)), rate, preroll)
		require.NoError(t, err)
		require.Equal(t, end-begin, cut.Samples)
		require.Equal(t, begin, int64(cut.Grains[0])*length-lead+cut.Skip)
		require.GreaterOrEqual(t, cut.Grains[0], 0)
		covered := int64(len(cut.Grains)) * length
		require.GreaterOrEqual(t, covered, cut.Skip+cut.Samples)
	})
}

func TestHolesOfCodedAudioLengthenWhatComesBefore(t *testing.T) {
	t.Parallel()
	const rate, length = 48000, 1024
	var index media.Index
	for _, tick := range []int64{0, 3840, 4864, 5888, 9984} {
		at := mediatime.Rescale(tick, rate)
		index = append(index, media.Entry{Grain: media.Grain{PTS: at, Order: at, Duration: mediatime.Rescale(length, rate), Samples: length}})
	}
	for _, c := range []struct{ from, to, first, skip, samples int64 }{
		{3840, 5888, 0, 1024, 2048},   // the hole after the pre-roll does not count
		{4000, 5000, 0, 1184, 1000},   //
		{5888, 11008, 2, 1024, 5120},  // this one is wanted
		{0, 11008, 0, 0, 11008},       //
		{10000, 11000, 3, 1040, 1000}, //
	} {
		within := mediatime.NewRange(mediatime.Rescale(c.from, rate), mediatime.Rescale(c.to, rate))
		cut, err := window.Audio(index, within, rate, 1)
		require.NoError(t, err)
		require.EqualValues(t, c.first, cut.Grains[0], "%v", c)
		require.Equal(t, c.skip, cut.Skip, "%v", c)
		require.Equal(t, c.samples, cut.Samples, "%v", c)
	}
}
