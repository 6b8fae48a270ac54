package mediatime_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		at := mediatime.Time(rapid.Int64Range(int64(mediatime.Min), int64(mediatime.Max)).Draw(t, "at"))
		got, err := mediatime.Parse(at.String())
		require.NoError(t, err)
		require.Equal(t, at, got)
	})
	for _, text := range []string{"", ":", "1", "1:", ":1", "1:0000000001", "1:1234567890", "--1:0", "1:-1", "1:0 ", "００:0"} {
		_, err := mediatime.Parse(text)
		require.ErrorIs(t, err, mediatime.ErrSyntax, text)
	}
	require.InDelta(t, -1.5, mediatime.Time(-1_500_000_000).Seconds(), 0)
}

// TAI runs ahead of UTC by the leap seconds until then (IERS Bulletin C).
func TestUTC(t *testing.T) {
	t.Parallel()
	for text, ahead := range map[string]int64{
		"1970-01-01T00:00:00Z": 10, "1972-06-30T23:59:59Z": 10, "1972-07-01T00:00:00Z": 11,
		"2016-12-31T23:59:59Z": 36, "2017-01-01T00:00:00Z": 37, "2026-11-21T05:00:00.25Z": 37, "1960-05-05T05:05:05.5Z": 10,
	} {
		utc, err := time.Parse(time.RFC3339Nano, text)
		require.NoError(t, err)
		tai, err := mediatime.FromUTC(utc)
		require.NoError(t, err)
		require.EqualValues(t, utc.UnixNano()+ahead*1e9, tai, text)
		require.Equal(t, utc, tai.UTC(), text)
	}
	// The second that was inserted is told as the one after it.
	leap, err := mediatime.FromSeconds(1483228800+36, 0)
	require.NoError(t, err)
	require.Equal(t, "2017-01-01T00:00:00Z", leap.UTC().Format(time.RFC3339))
	_, err = mediatime.FromUTC(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC))
	require.ErrorIs(t, err, mediatime.ErrOutOfRange)
}

func TestUTCThereAndBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		utc := time.Unix(rapid.Int64Range(-5_000_000_000, 5_000_000_000).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos")).UTC()
		tai, err := mediatime.FromUTC(utc)
		require.NoError(t, err)
		require.Equal(t, utc, tai.UTC())
	})
}

func TestTimecode(t *testing.T) {
	t.Parallel()
	ntsc := mediatime.NewRate(30000, 1001)
	for _, c := range []struct {
		frames int64
		rate   mediatime.Rate
		drop   bool
		text   string
	}{
		{0, mediatime.NewRate(25, 1), false, "00:00:00:00"},
		{10*3600*25 + 7, mediatime.NewRate(25, 1), false, "10:00:00:07"},
		{24 * 3600 * 25, mediatime.NewRate(25, 1), false, "00:00:00:00"}, // midnight
		{1799, ntsc, true, "00:00:59;29"},
		{1800, ntsc, true, "00:01:00;02"}, // two numbers are left out
		{17982, ntsc, true, "00:10:00;00"},
		{107892, ntsc, true, "01:00:00;00"},
		{1800, ntsc, false, "00:01:00:00"},
		{3600, mediatime.NewRate(60000, 1001), true, "00:01:00;04"},
		{1, mediatime.NewRate(24000, 1001), false, "00:00:00:01"},
	} {
		tc := mediatime.Timecode{Frames: c.frames, Rate: c.rate, Drop: c.drop}
		require.Equal(t, c.text, tc.String())
		if c.frames < 24*3600*24 {
			got, err := mediatime.ParseTimecode(c.text, c.rate)
			require.NoError(t, err)
			require.Equal(t, tc, got)
			require.Equal(t, c.rate.Offset(c.frames), got.Offset())
		}
	}
	for _, text := range []string{"", "10:00:00", "10:00:00:25", "24:00:00:00", "00:60:00:00", "00:00:60:00", "a:b:c:d", "-1:00:00:00"} {
		_, err := mediatime.ParseTimecode(text, mediatime.NewRate(25, 1))
		require.ErrorIs(t, err, mediatime.ErrTimecode, text)
	}
	_, err := mediatime.ParseTimecode("00:01:00;01", ntsc)
	require.ErrorContains(t, err, "dropped frame")
}

// Every frame of a day has a timecode of its own, in order, that leads back to it.
func TestTimecodesCountEveryFrame(t *testing.T) {
	t.Parallel()
	for _, rate := range []mediatime.Rate{mediatime.NewRate(30000, 1001), mediatime.NewRate(60000, 1001)} {
		before := ""
		for n := range int64(40_000) {
			text := mediatime.Timecode{Frames: n, Rate: rate, Drop: true}.String()
			require.Greater(t, text, before, fmt.Sprint(n))
			got, err := mediatime.ParseTimecode(text, rate)
			require.NoError(t, err)
			require.Equal(t, n, got.Frames, text)
			before = text
		}
	}
}
