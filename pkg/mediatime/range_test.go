package mediatime_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

const second = mediatime.Second

// Time ranges as TAMS writes them (bbc/tams, schemas/timerange.json), with the traps
// of brackets.
func TestParseRange(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]mediatime.Range{
		"[10:0_20:0)":       mediatime.NewRange(10*second, 20*second),
		"[10:0_20:0]":       mediatime.NewRange(10*second, 20*second+1),
		"(10:0_20:0)":       mediatime.NewRange(10*second+1, 20*second),
		"(10:0_20:0]":       mediatime.NewRange(10*second+1, 20*second+1),
		"10:0_20:0":         mediatime.NewRange(10*second, 20*second+1), // without brackets both ends are in
		"[10:0_":            mediatime.From(10 * second),
		"(10:0_":            mediatime.From(10*second + 1),
		"10:0_":             mediatime.From(10 * second),
		"_20:0)":            mediatime.Until(20 * second),
		"_20:0]":            mediatime.Until(20*second + 1),
		"_20:0":             mediatime.Until(20*second + 1),
		"_":                 mediatime.Eternity,
		"[_)":               mediatime.Eternity,
		"(_)":               mediatime.Eternity,
		"()":                {},
		"[10:0]":            mediatime.NewRange(10*second, 10*second+1),
		"10:0":              mediatime.NewRange(10*second, 10*second+1),
		"[10:0_10:0]":       mediatime.NewRange(10*second, 10*second+1),
		"[10:0_10:0)":       {},
		"(10:0_10:0]":       {},
		"(10:0_10:1)":       {},
		"[20:0_10:0)":       {}, // ends before it starts
		"[-5:0_-1:500)":     mediatime.NewRange(-5*second, -second-500),
		"[-0:5_0:5)":        mediatime.NewRange(-5, 5),
		"[0:0_1:999999999)": mediatime.NewRange(0, 2*second-1),
	} {
		got, err := mediatime.ParseRange(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
		again, err := mediatime.ParseRange(got.String())
		require.NoError(t, err, "%s -> %s", text, got)
		require.Equal(t, got, again, "%s -> %s", text, got)
	}
}

func TestParseRangeRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "[]", "[)", "(", "[", ")", "(10:0)", "[10:0)", "(10:0]", "10", "[10_20)", "[10:0-20:0)", "[10:0_20:0_30:0)",
		"[10:0 _20:0)", " [10:0_20:0)", "[01:0_2:0)", "[1:00_2:0)", "[1:0_2:1000000000)", "[+1:0_2:0)", "[1.5:0_2:0)", "[1:0_2:0", "1:0_2:0))", "[[1:0_2:0)",
	} {
		got, err := mediatime.ParseRange(text)
		if text == "[1:0_2:0" { // one bracket is allowed by the schema's pattern
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, mediatime.ErrSyntax, "%q gave %s", text, got)
	}
	for _, text := range []string{"[99999999999:0_", "_99999999999:0)", "99999999999999999999999:0", "[-9999999999:0_0:0)"} {
		_, err := mediatime.ParseRange(text)
		require.ErrorIs(t, err, mediatime.ErrOutOfRange, text)
	}
}

func drawRange(t *rapid.T, name string) mediatime.Range {
	bound := rapid.Int64Range(-20, 20)
	r := mediatime.NewRange(mediatime.Time(bound.Draw(t, name+" start")), mediatime.Time(bound.Draw(t, name+" end")))
	switch rapid.IntRange(0, 5).Draw(t, name+" open") {
	case 0:
		r.Start = mediatime.Eternity.Start
	case 1:
		r.End = mediatime.Eternity.End
	}
	return r
}

// The algebra of ranges is that of sets of instants.
func TestRangesAreSets(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRange(t, "a"), drawRange(t, "b")
		both, either := a.Intersect(b), a.Union(b)
		common, covered, empty := false, true, true
		for at := mediatime.Time(-30); at <= 30; at++ {
			inA, inB := a.Contains(at), b.Contains(at)
			require.Equal(t, inA && inB, both.Contains(at), "%s and %s at %d", a, b, at)
			require.True(t, !(inA || inB) || either.Contains(at), "%s or %s at %d", a, b, at)
			require.Equal(t, inA, a.Shift(100).Contains(at+100))
			common, covered, empty = common || inA && inB, covered && (!inB || inA), empty && !inA
		}
		require.Equal(t, common, a.Overlaps(b), "%s and %s", a, b)
		require.Equal(t, empty, a.IsEmpty())
		if a.Bounded() && b.Bounded() {
			require.Equal(t, covered, a.Covers(b), "%s and %s", a, b)
		}
		again, err := mediatime.ParseRange(a.String())
		require.NoError(t, err)
		require.True(t, again == a || again.IsEmpty() && a.IsEmpty(), "%s", a)
	})
}

// A shift that leads beyond the time line stops at its end, and never comes round.
func TestShiftSaturates(t *testing.T) {
	t.Parallel()
	r := mediatime.NewRange(-second, second)
	require.Equal(t, mediatime.NewRange(mediatime.Max-second, mediatime.Max), r.Shift(mediatime.Max))
	require.Equal(t, mediatime.NewRange(mediatime.Min, mediatime.Min+second), r.Shift(mediatime.Min))
	require.Equal(t, mediatime.Eternity, mediatime.Eternity.Shift(mediatime.Max))
	require.Zero(t, mediatime.NewRange(5, 3).Length())
}

func TestRangeInJSON(t *testing.T) {
	t.Parallel()
	type document struct {
		Range mediatime.Range `json:"range"`
		Time  mediatime.Time  `json:"time"`
	}
	b, err := json.Marshal(document{mediatime.NewRange(0, second), -1})
	require.NoError(t, err)
	require.JSONEq(t, `{"range": "[0:0_1:0)", "time": "-0:1"}`, string(b))
	var got document
	require.NoError(t, json.Unmarshal(b, &got))
	require.Equal(t, document{mediatime.NewRange(0, second), -1}, got)
	require.Error(t, json.Unmarshal([]byte(`{"range": "soon"}`), &got))
	require.Error(t, json.Unmarshal([]byte(`{"time": "soon"}`), &got))
}

func FuzzParseRange(f *testing.F) {
	for _, text := range []string{"[10:0_20:0)", "(1:5_", "_-3:0]", "()", "_", "7:1", "[9223372036:854775806_9223372036:854775806]", "[-9223372036:854775807]"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := mediatime.ParseRange(text)
		if err != nil {
			return
		}
		again, err := mediatime.ParseRange(r.String())
		require.NoError(t, err, "%q -> %q", text, r)
		require.Equal(t, r, again, "%q -> %q", text, r)
	})
}
