package h264_test

import (
	"bytes"
	"cmp"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/h264"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// encode makes an annex B stream with access unit delimiters and returns its
// access units, and its pictures.
func encode(t *testing.T, frames, params string, more ...string) ([][]byte, []h264.Picture) {
	t.Helper()
	args := []string{"-f", "lavfi", "-i", "testsrc2=size=192x112:rate=25", "-frames:v", frames}
	args = append(args, more...)
	args = append(args, "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
		"-x264-params", "aud=1:scenecut=0:"+params, "-f", "h264")
	data, err := os.ReadFile(mediatest.Make(t, "a.h264", args...))
	require.NoError(t, err)
	var parser h264.Parser
	var pictures []h264.Picture
	units := splitAtDelimiters(data)
	for _, unit := range units {
		pic, err := parser.AnnexB(unit)
		require.NoError(t, err)
		pictures = append(pictures, pic)
	}
	return units, pictures
}

func splitAtDelimiters(data []byte) [][]byte {
	aud := []byte{0, 0, 0, 1, 9}
	var units [][]byte
	for _, part := range bytes.Split(data, aud)[1:] {
		units = append(units, append(slices.Clone(aud), part...))
	}
	return units
}

func raps(pictures []h264.Picture) map[int]h264.RAP {
	out := map[int]h264.RAP{}
	for i, p := range pictures {
		if rap := p.RAP(false); rap != h264.RAPNone {
			out[i] = rap
		}
	}
	return out
}

func TestClosedGOP(t *testing.T) {
	t.Parallel()
	_, pictures := encode(t, "36", "keyint=12:min-keyint=12:bframes=2:b-adapt=0")
	require.Len(t, pictures, 36)
	require.Equal(t, map[int]h264.RAP{0: h264.RAPIDR, 12: h264.RAPIDR, 24: h264.RAPIDR}, raps(pictures))
}

func TestOpenGOP(t *testing.T) {
	t.Parallel()
	_, pictures := encode(t, "36", "keyint=12:min-keyint=12:open-gop=1:bframes=3:b-adapt=0:b-pyramid=normal")
	var kinds []h264.RAP
	for i, p := range pictures {
		if rap := p.RAP(false); rap != h264.RAPNone {
			kinds = append(kinds, rap)
			require.True(t, p.Intra, "picture %d", i)
		}
	}
	require.Equal(t, []h264.RAP{h264.RAPIDR, h264.RAPOpen, h264.RAPOpen}, kinds[:3])
}

func TestIntraRefresh(t *testing.T) {
	t.Parallel()
	_, pictures := encode(t, "40", "keyint=12:intra-refresh=1:bframes=0")
	got := raps(pictures)
	require.Equal(t, h264.RAPIDR, got[0])
	require.Greater(t, len(got), 2)
	for i, p := range pictures {
		if i > 0 && got[i] != h264.RAPNone {
			require.Equal(t, h264.RAPRecovery, got[i])
			require.NotZero(t, p.Recovery.FrameCount)
			require.False(t, p.Intra)
		}
	}
}

func TestPlainIntraPictureNeedsTheContainersWord(t *testing.T) {
	t.Parallel()
	// Scene cuts below min-keyint are I pictures that later ones may refer past.
	p := h264.Picture{Intra: true, SPS: &h264.SPS{MaxRefFrames: 3, Profile: 100}}
	require.Equal(t, h264.RAPNone, p.RAP(false))
	require.Equal(t, h264.RAPOpen, p.RAP(true))
	p.SPS.MaxRefFrames = 1
	require.Equal(t, h264.RAPOpen, p.RAP(false))
	p.Intra = false
	require.Equal(t, h264.RAPNone, p.RAP(true))
}

func TestOrderCountGivesDisplayOrder(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]string{
		"pyramid":     "keyint=20:bframes=5:b-adapt=0:b-pyramid=normal",
		"no B":        "keyint=300:bframes=0",
		"open":        "keyint=10:open-gop=1:bframes=3:b-adapt=0",
		"interlaced":  "keyint=12:bframes=2:tff=1",
		"baseline":    "keyint=300:bframes=0:ref=1",
		"intra fresh": "keyint=15:intra-refresh=1",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			units, pictures := encode(t, "70", params)
			path := mediatest.Make(t, "a.h264", "-f", "h264", "-i", writeTemp(t, units), "-c", "copy", "-f", "h264")
			require.Equal(t, decodeOrder(t, path), displayRanks(pictures))
		})
	}
}

func writeTemp(t *testing.T, units [][]byte) string {
	t.Helper()
	path := t.TempDir() + "/a.h264"
	require.NoError(t, os.WriteFile(path, bytes.Join(units, nil), 0o600))
	return path
}

// displayRanks gives each picture its place in display order.
func displayRanks(pictures []h264.Picture) []int {
	type key struct{ sequence, poc, place int }
	keys := make([]key, len(pictures))
	sequence := 0
	for i, p := range pictures {
		if p.IDR {
			sequence++
		}
		keys[i] = key{sequence, int(p.POC), i}
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.poc, b.poc))
	})
	ranks := make([]int, len(keys))
	for rank, k := range keys {
		ranks[k.place] = rank
	}
	return ranks
}

// decodeOrder asks ffprobe for the same: frames come out in display order, each
// with its place in the file.
func decodeOrder(t *testing.T, path string) []int {
	t.Helper()
	positions := mediatest.FramePositions(t, path)
	sorted := slices.Sorted(slices.Values(positions))
	ranks := make([]int, len(positions))
	for rank, pos := range positions {
		place, _ := slices.BinarySearch(sorted, pos)
		ranks[place] = rank
	}
	return ranks
}

func TestParameterSets(t *testing.T) {
	t.Parallel()
	units, pictures := encode(t, "3", "keyint=1:bframes=0:colorprim=bt709:transfer=bt709:colormatrix=bt709:fullrange=off",
		"-vf", "crop=190:110:0:0,setsar=12/11")
	sps := pictures[0].SPS
	require.Equal(t, 190, sps.Width)
	require.Equal(t, 110, sps.Height)
	require.Equal(t, 192, sps.CodedWidth)
	require.Equal(t, 112, sps.CodedHeight)
	require.Equal(t, h264.Ratio{Num: 12, Den: 11}, sps.SampleAspect)
	require.Equal(t, h264.Colour{Primaries: 1, Transfer: 1, Matrix: 1}, sps.Colour)
	require.Equal(t, mediatime.NewRate(25, 1), sps.FrameRate)
	require.True(t, sps.FrameOnly)
	require.EqualValues(t, 8, sps.BitDepth)
	require.True(t, pictures[0].Complete)
	require.Contains(t, sps.Codec("avc1"), "avc1.64")

	var sets [2][][]byte
	require.NoError(t, h264.EachAnnexB(units[0], func(unit []byte) error {
		switch h264.TypeOf(unit) {
		case h264.UnitSPS:
			sets[0] = append(sets[0], unit)
		case h264.UnitPPS:
			sets[1] = append(sets[1], unit)
		}
		return nil
	}))
	config, err := h264.NewConfig(sets[0], sets[1], 4)
	require.NoError(t, err)
	again, err := h264.ParseConfig(config.Bytes())
	require.NoError(t, err)
	require.Equal(t, config.Bytes(), again.Bytes())

	var parser h264.Parser
	require.NoError(t, parser.AddSets(again))
	require.Equal(t, again.Sets(), parser.Sets())
	require.Equal(t, sps.Width, parser.SPS().Width)
}

func TestPeekSeesWhatTheWholePictureShows(t *testing.T) {
	t.Parallel()
	units, whole := encode(t, "30", "keyint=10:open-gop=1:bframes=2")
	var parser h264.Parser
	for i, unit := range units {
		sample := toSample(t, unit)
		full, err := parser.AVCC(sample, 4)
		require.NoError(t, err)
		peek, err := parser.PeekAVCC(sample[:min(len(sample), 1024)], 4)
		require.NoError(t, err)
		require.Equal(t, whole[i].RAP(false), peek.RAP(false), "picture %d", i)
		require.Equal(t, full.FrameNum, peek.FrameNum)
		require.Equal(t, full.Disposable, peek.Disposable)
	}
	_, err := parser.PeekAVCC(toSample(t, units[0])[:20], 4)
	require.ErrorIs(t, err, h264.ErrNoPicture)
}

func toSample(t *testing.T, unit []byte) []byte {
	t.Helper()
	var parts [][]byte
	require.NoError(t, h264.EachAnnexB(unit, func(u []byte) error {
		parts = append(parts, u)
		return nil
	}))
	return avcc(4, parts...)
}
