package h264_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/pkg/h264"
)

func avcc(lengthSize int, units ...[]byte) []byte {
	var sample []byte
	for _, unit := range units {
		length := binary.BigEndian.AppendUint32(nil, uint32(len(unit)))
		sample = append(append(sample, length[4-lengthSize:]...), unit...)
	}
	return sample
}

func TestFramingIsLossless(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lengthSize := rapid.SampledFrom([]int{1, 2, 4}).Draw(t, "length size")
		unit := rapid.OneOf(
			rapid.SliceOfN(rapid.Byte(), 0, 200),
			// Delimiters, start codes within units, trailing zeros.
			rapid.Just([]byte{9, 0xf0}), rapid.Just([]byte{0x65, 0, 0, 0, 1, 9}), rapid.Just([]byte{0x41, 0, 0, 0}),
		)
		sample := avcc(lengthSize, rapid.SliceOfN(unit, 0, 8).Draw(t, "units")...)
		inject := rapid.SampledFrom([][][]byte{nil, {{0x67, 1}, {0x68, 2}}, {{0x67}, {0x6d}, {0x68, 0, 0}}}).Draw(t, "inject")
		before := rapid.SliceOf(rapid.Byte()).Draw(t, "before")

		all, offsets, injected, err := h264.ToAnnexB(before, sample, lengthSize, inject)
		require.NoError(t, err)
		require.Equal(t, len(inject), injected)
		require.Equal(t, before, all[:len(before)])
		back, err := h264.ToAVCC(nil, all[len(before):], offsets, injected, lengthSize)
		require.NoError(t, err)
		require.Len(t, back, len(sample))
		require.Equal(t, append([]byte{}, sample...), append([]byte{}, back...))
	})
}

func TestDelimiterStaysFirst(t *testing.T) {
	t.Parallel()
	sample := avcc(4, []byte{9, 0x10}, []byte{0x65, 1})
	data, offsets, injected, err := h264.ToAnnexB(nil, sample, 4, [][]byte{{0x67, 1}, {0x68, 2}})
	require.NoError(t, err)
	require.Equal(t, 2, injected)
	require.Equal(t, []uint32{0, 6, 12, 18}, offsets)
	require.Equal(t, []byte{0, 0, 0, 1, 9, 0x10, 0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x68, 2, 0, 0, 0, 1, 0x65, 1}, data)
}

func TestFramingErrors(t *testing.T) {
	t.Parallel()
	_, _, _, err := h264.ToAnnexB(nil, []byte{0, 0, 0, 9, 1}, 4, nil)
	require.ErrorIs(t, err, h264.ErrFraming)
	_, _, _, err = h264.ToAnnexB(nil, []byte{0, 0, 0, 1, 1, 0}, 4, nil)
	require.ErrorIs(t, err, h264.ErrFraming)
	_, _, _, err = h264.ToAnnexB(nil, nil, 3, nil)
	require.ErrorIs(t, err, h264.ErrLengthSize)
	_, _, _, err = h264.ToAnnexB(nil, make([]byte, h264.MaxUnits+1), 1, nil)
	require.ErrorIs(t, err, h264.ErrTooManyUnits)
	_, err = h264.ToAVCC(nil, make([]byte, 300), []uint32{0}, 0, 1)
	require.ErrorIs(t, err, h264.ErrOffsets)
	_, err = h264.ToAVCC(nil, make([]byte, 10), []uint32{0, 20}, 0, 4)
	require.ErrorIs(t, err, h264.ErrOffsets)
	_, err = h264.ToAVCC(nil, make([]byte, 10), []uint32{2}, 0, 4)
	require.ErrorIs(t, err, h264.ErrOffsets)
}

func FuzzFraming(f *testing.F) {
	f.Add([]byte{0, 0, 0, 2, 0x65, 1}, 4)
	f.Add([]byte{2, 9, 0xf0, 0, 1, 0}, 1)
	f.Fuzz(func(t *testing.T, sample []byte, lengthSize int) {
		data, offsets, injected, err := h264.ToAnnexB(nil, sample, lengthSize, [][]byte{{0x67}})
		if err != nil {
			return
		}
		back, err := h264.ToAVCC(nil, data, offsets, injected, lengthSize)
		require.NoError(t, err)
		require.Equal(t, append([]byte{}, sample...), append([]byte{}, back...))
	})
}
