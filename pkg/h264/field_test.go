package h264_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/h264"
)

// bitWriter writes the few syntax elements that field pictures need: ffmpeg's
// encoder cannot make them.
type bitWriter struct {
	bytes []byte
	free  uint
}

func (w *bitWriter) u(n uint, v uint32) *bitWriter {
	for i := range n {
		if w.free == 0 {
			w.bytes, w.free = append(w.bytes, 0), 8
		}
		w.free--
		w.bytes[len(w.bytes)-1] |= byte(v>>(n-1-i)&1) << w.free
	}
	return w
}

func (w *bitWriter) ue(v uint32) *bitWriter {
	length := uint(0)
	for (v+1)>>length > 1 {
		length++
	}
	return w.u(length, 0).u(length+1, v+1)
}

// escape puts emulation prevention bytes into a payload.
func escape(payload []byte) []byte {
	var out []byte
	zeros := 0
	for _, b := range payload {
		if zeros == 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		out = append(out, b)
		zeros = map[bool]int{true: zeros + 1, false: 0}[b == 0]
	}
	return out
}

func fieldSets() [][]byte {
	sps := &bitWriter{}
	sps.ue(0).ue(4).ue(0).ue(4).ue(4).u(1, 0) // frame_num and lsb of 8 bits, 4 reference frames
	sps.ue(119).ue(33).u(1, 0).u(1, 0).u(1, 1).u(1, 1)
	sps.ue(0).ue(0).ue(0).ue(2).u(1, 0).u(1, 1) // 1920x1080
	pps := &bitWriter{}
	pps.ue(0).ue(0).u(2, 0).ue(0).ue(0).ue(0).u(1, 0).u(2, 0).ue(0).ue(0).ue(0).u(3, 0).u(1, 1)
	return [][]byte{
		append([]byte{0x67, 77, 0, 40}, escape(sps.bytes)...),
		append([]byte{0x68}, escape(pps.bytes)...),
	}
}

func field(header byte, kind, frameNum, bottom, poc uint32) []byte {
	w := &bitWriter{}
	w.ue(0).ue(kind).ue(0).u(8, frameNum).u(1, 1).u(1, bottom)
	if header&31 == 5 {
		w.ue(0)
	}
	w.u(8, poc)
	if kind%5 == 0 {
		w.u(2, 0)
	}
	w.u(1, 0).u(8, 0xff)
	return append([]byte{header}, escape(w.bytes)...)
}

func TestFieldPairs(t *testing.T) {
	t.Parallel()
	var parser h264.Parser
	for _, set := range fieldSets() {
		require.NoError(t, parser.AddSet(set))
	}
	require.Equal(t, 1080, parser.SPS().Height)
	require.False(t, parser.SPS().FrameOnly)

	pic, err := parser.AVCC(avcc(4, field(0x65, 7, 0, 0, 0), field(0x61, 5, 0, 1, 1)), 4)
	require.NoError(t, err)
	require.Equal(t, h264.TopFirst, pic.Structure)
	require.Equal(t, h264.RAPIDR, pic.RAP(false), "an IDR field may have a P field beside it")
	require.False(t, pic.Intra)

	pic, err = parser.AVCC(avcc(4, field(0x61, 7, 1, 1, 4), field(0x61, 7, 1, 0, 5)), 4)
	require.NoError(t, err)
	require.Equal(t, h264.BottomFirst, pic.Structure)
	require.True(t, pic.Intra)
	require.EqualValues(t, 4, pic.POC)
}

func TestSingleFieldsPair(t *testing.T) {
	t.Parallel()
	var parser h264.Parser
	for _, set := range fieldSets() {
		require.NoError(t, parser.AddSet(set))
	}
	one := func(unit []byte) h264.Picture {
		pic, err := parser.AVCC(avcc(4, unit), 4)
		require.NoError(t, err)
		return pic
	}
	top, bottom := one(field(0x65, 7, 0, 0, 0)), one(field(0x61, 5, 0, 1, 1))
	next := one(field(0x61, 5, 1, 0, 2))
	require.Equal(t, h264.TopField, top.Structure)
	require.Equal(t, h264.BottomField, bottom.Structure)
	require.True(t, top.Pairs(&bottom))
	require.False(t, bottom.Pairs(&next))
	require.False(t, top.Pairs(&next))
}

func FuzzParser(f *testing.F) {
	sets := fieldSets()
	f.Add(sets[0], sets[1], avcc(4, field(0x65, 7, 0, 0, 0)))
	f.Add([]byte{0x67, 100, 0, 40, 0xff, 0xff}, []byte{0x68, 0xff}, []byte{0, 0, 0, 2, 6, 6})
	f.Fuzz(func(_ *testing.T, sps, pps, sample []byte) {
		var parser h264.Parser
		_ = parser.AddSet(sps)
		_ = parser.AddSet(pps)
		_, _ = parser.PeekAVCC(sample, 4)
		_, _ = parser.AVCC(sample, 4)
		_, _ = parser.AnnexB(sample)
	})
}

func FuzzConfig(f *testing.F) {
	sets := fieldSets()
	config, err := h264.NewConfig(sets[:1], sets[1:], 4)
	require.NoError(f, err)
	f.Add(config.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		config, err := h264.ParseConfig(b)
		if err != nil {
			return
		}
		again, err := h264.ParseConfig(config.Bytes())
		require.NoError(t, err)
		require.Equal(t, config.Sets(), again.Sets())
	})
}
