package wav_test

import (
	"bytes"
	"io"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats/formattest"
	"github.com/grainmesh/grainmesh/pkg/formats/wav"
	"github.com/grainmesh/grainmesh/pkg/pcm"
)

// write makes a WAV of samples as the store has them.
func write(t *testing.T, spec wav.Spec, stored []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := wav.NewWriter(&out, spec)
	require.NoError(t, err)
	frame := int(spec.Layout.StoredFrameBytes())
	for piece := 7 * frame; len(stored) > 0; stored = stored[piece:] {
		piece = min(piece, len(stored))
		n, err := w.Write(stored[:piece])
		require.NoError(t, err)
		require.Equal(t, piece, n)
	}
	require.NoError(t, w.Close())
	size, err := wav.Size(spec)
	require.NoError(t, err)
	require.EqualValues(t, size, out.Len())
	return out.Bytes()
}

// A WAV that was taken in and is written again has the samples of the first, in the
// same form.
func TestWriteGivesBackWhatWasRead(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]essence{
		"8 bit, odd":       {tag: 1, rate: 44100, channels: 1, bits: 8, frames: 999},
		"16 bit":           {tag: 1, rate: 48000, channels: 2, bits: 16, frames: 1000},
		"20 bit in 24":     {tag: 1, rate: 48000, channels: 1, bits: 24, valid: 20, frames: 1001},
		"24 bit":           {tag: 1, rate: 96000, channels: 2, bits: 24, frames: 1000},
		"24 bit, 6 tracks": {tag: 1, rate: 48000, channels: 6, bits: 24, valid: 24, frames: 333},
		"32 bit":           {tag: 1, rate: 37800, channels: 1, bits: 32, frames: 1000},
		"float":            {tag: 3, rate: 48000, channels: 2, bits: 32, frames: 1000},
		"double":           {tag: 3, rate: 48000, channels: 1, bits: 64, frames: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := wav.Format{}.Probe(t.Context(), formattest.NewInput(riff(e.fmt(), e.data())))
			require.NoError(t, err)
			layout, err := pcm.LayoutOf(a.Tracks[0].Flow)
			require.NoError(t, err)
			got := write(t, wav.Spec{Layout: layout, Frames: int64(e.frames)}, e.stored())

			require.True(t, bytes.HasSuffix(got, e.data()), "the samples stand at the end")
			again, err := wav.Format{}.Probe(t.Context(), formattest.NewInput(got))
			require.NoError(t, err)
			require.Empty(t, again.Warnings)
			require.Equal(t, a.Tracks[0].Flow, again.Tracks[0].Flow)
			require.Equal(t, e.stored(), decode(t, got, a.Tracks[0].Flow))
		})
	}
}

func TestWriteBroadcast(t *testing.T) {
	t.Parallel()
	e := cd(100)
	made := time.Date(2026, 11, 21, 4, 5, 6, 0, time.UTC)
	spec := wav.Spec{
		Layout: pcm.Layout{SampleRate: 44100, Channels: 2, Bytes: 2, ValidBits: 16}, Frames: 100,
		Broadcast: &wav.Broadcast{Description: "Take 3", Originator: "Grainmesh", Created: made, TimeReference: 3600 * 44100},
	}
	a, err := wav.Format{}.Probe(t.Context(), formattest.NewInput(write(t, spec, e.stored())))
	require.NoError(t, err)
	require.Equal(t, made.UnixNano(), a.CreationTime)
	require.Equal(t, "01:00:00:00", a.Tracks[0].Flow.StartTimecode)
	require.Equal(t, "Take 3", a.Tracks[0].Flow.Label)
}

// What does not fit 32 bits becomes an RF64 that Probe reads, byte for byte at the
// border between the two.
func TestWriteRF64(t *testing.T) {
	t.Parallel()
	layout := pcm.Layout{SampleRate: 48000, Channels: 1, Bytes: 1, ValidBits: 8}
	const largest = math.MaxUint32 - 36 // with the 36 bytes of RIFF's body before the samples
	for frames, id := range map[int64]string{
		largest - 1: "RIFF", largest: "RF64", largest + 1: "RF64", 1 << 40: "RF64",
	} {
		var header bytes.Buffer
		spec := wav.Spec{Layout: layout, Frames: frames}
		_, err := wav.NewWriter(&header, spec)
		require.NoError(t, err)
		require.Equal(t, id, header.String()[:4], "%d samples", frames)

		size, err := wav.Size(spec)
		require.NoError(t, err)
		require.Equal(t, int64(header.Len())+frames+frames%2, size)
		a, err := wav.Format{}.Probe(t.Context(), formattest.NewInputAt(hole(header.Bytes()), size))
		require.NoError(t, err)
		require.Empty(t, a.Warnings)
		require.Equal(t, frames, a.Tracks[0].Bytes)
	}
}

func TestWriteRefuses(t *testing.T) {
	t.Parallel()
	layout := pcm.Layout{SampleRate: 48000, Channels: 2, Bytes: 2, ValidBits: 16}
	w, err := wav.NewWriter(io.Discard, wav.Spec{Layout: layout, Frames: 10})
	require.NoError(t, err)
	_, err = w.Write(make([]byte, 6))
	require.ErrorIs(t, err, wav.ErrSamples, "half a sample")
	_, err = w.Write(make([]byte, 44))
	require.ErrorIs(t, err, wav.ErrSamples, "too many")
	_, err = w.Write(make([]byte, 36))
	require.NoError(t, err)
	require.ErrorIs(t, w.Close(), wav.ErrSamples, "too few")

	for name, spec := range map[string]wav.Spec{
		"no layout":           {Frames: 1},
		"negative":            {Layout: layout, Frames: -1},
		"sizes that overflow": {Layout: layout, Frames: math.MaxInt64 / 3},
	} {
		_, err := wav.NewWriter(io.Discard, spec)
		require.Error(t, err, name)
		_, err = wav.Size(spec)
		require.Error(t, err, name)
	}
}
