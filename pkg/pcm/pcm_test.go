package pcm_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/pcm"
)

func drawLayout(t *rapid.T) pcm.Layout {
	l := pcm.Layout{
		SampleRate: rapid.SampledFrom([]int{8000, 11025, 37800, 44100, 48000, 96000, 192000}).Draw(t, "rate"),
		Channels:   rapid.IntRange(1, 8).Draw(t, "channels"),
		Float:      rapid.Bool().Draw(t, "float"),
		BigEndian:  rapid.Bool().Draw(t, "big endian"),
	}
	if l.Float {
		l.Bytes = rapid.SampledFrom([]int{4, 8}).Draw(t, "bytes")
	} else {
		l.Bytes = rapid.IntRange(1, 4).Draw(t, "bytes")
	}
	l.Unsigned = l.Bytes == 1
	l.ValidBits = rapid.IntRange(1, 8*l.Bytes).Draw(t, "valid")
	return l
}

// Whatever a file holds comes back from the store bit for bit.
func TestRestoreUndoesAppend(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := drawLayout(t)
		l.Unsigned = l.Bytes == 1 && rapid.Bool().Draw(t, "unsigned")
		frames := rapid.IntRange(0, 9).Draw(t, "frames")
		n := frames * int(l.FrameBytes())
		in := rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "samples")
		stored := l.Append([]byte("before"), in)
		require.Equal(t, "before", string(stored[:6]))
		stored = stored[6:]
		require.Len(t, stored, frames*int(l.StoredFrameBytes()))
		require.Equal(t, append([]byte("x"), in...), l.Restore([]byte("x"), stored))
	})
}

// A Flow says how its source stored the samples, also when it came over the wire.
func TestLayoutOfFlow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := drawLayout(t)
		flow, err := l.Flow()
		require.NoError(t, err)
		sent, err := media.FlowFromProto(flow.Proto())
		require.NoError(t, err)
		got, err := pcm.LayoutOf(sent)
		require.NoError(t, err)
		require.Equal(t, l, got)
		require.Equal(t, l.StoredBytes(), flow.Audio.BytesPerSample())
		require.Equal(t, l.StoredFrameBytes()*l.SamplesPerGrain(), gsf.AudioFormat(flow.Audio.GSFFormat).DataSize(uint16(l.Channels), uint32(l.SamplesPerGrain())))
		require.Equal(t, mediatime.NewRate(int64(l.SampleRate), l.SamplesPerGrain()), flow.GrainRate)
	})
}

// Tags may have been edited since; what contradicts the samples is not believed.
func TestLayoutOfEditedFlow(t *testing.T) {
	t.Parallel()
	l := pcm.Layout{SampleRate: 48000, Channels: 2, Bytes: 3, ValidBits: 20}
	for name, value := range map[string]string{"source_sample_bytes": "2", "source_valid_bits": "99", "source_byte_order": "middle"} {
		flow, err := l.Flow()
		require.NoError(t, err)
		flow.Tags[name] = []string{value}
		got, err := pcm.LayoutOf(flow)
		require.NoError(t, err)
		require.Equal(t, 3, got.Bytes, name)
		require.False(t, got.BigEndian, name)
	}
	flow, err := l.Flow()
	require.NoError(t, err)
	flow.Tags = nil
	got, err := pcm.LayoutOf(flow)
	require.NoError(t, err)
	require.Equal(t, pcm.Layout{SampleRate: 48000, Channels: 2, Bytes: 3, ValidBits: 24}, got)
	flow.Codec = media.CodecAAC
	flow.ID = uuid.UUID{7}
	_, err = pcm.LayoutOf(flow)
	require.ErrorContains(t, err, "want raw audio")
}

func TestWidening(t *testing.T) {
	t.Parallel()
	unsigned := pcm.Layout{Bytes: 1, Channels: 1, Unsigned: true}
	require.Equal(t, []byte{0, 0x80, 0, 0, 0, 0x7f}, unsigned.Append(nil, []byte{0, 0x80, 0xff}), "silence is 0x80")
	signed := pcm.Layout{Bytes: 1, Channels: 1}
	require.Equal(t, []byte{0, 0x80, 0, 0, 0, 0x7f}, signed.Append(nil, []byte{0x80, 0, 0x7f}))
	big := pcm.Layout{Bytes: 3, Channels: 1, BigEndian: true}
	require.Equal(t, []byte{3, 2, 1, 6, 5, 4}, big.Append(nil, []byte{1, 2, 3, 4, 5, 6}))
}

func TestValidate(t *testing.T) {
	t.Parallel()
	good := pcm.Layout{SampleRate: 48000, Channels: 2, Bytes: 2, ValidBits: 16}
	require.NoError(t, good.Validate())
	for name, change := range map[string]func(*pcm.Layout){
		"sample rate":    func(l *pcm.Layout) { l.SampleRate = 0 },
		"768001":         func(l *pcm.Layout) { l.SampleRate = 768_001 },
		"0 channels":     func(l *pcm.Layout) { l.Channels = 0 },
		"257 channels":   func(l *pcm.Layout) { l.Channels = 257 },
		"0 bytes":        func(l *pcm.Layout) { l.Bytes = 0 },
		"5 bytes":        func(l *pcm.Layout) { l.Bytes = 5 },
		"floating-point": func(l *pcm.Layout) { l.Float = true },
		"0 valid bits":   func(l *pcm.Layout) { l.ValidBits = 0 },
		"17 valid bits":  func(l *pcm.Layout) { l.ValidBits = 17 },
	} {
		l := good
		change(&l)
		require.ErrorContains(t, l.Validate(), name)
	}
}

// sample is one sample of one channel, as wide as its format.
func sample(channel, n, width int) []byte {
	return []byte{byte(n), byte(channel), byte(n >> 8), 0x40}[:width]
}

// Channels in planes and pairs come out interleaved, 24 bits without the byte that
// planes add.
func TestAppendInterleaved(t *testing.T) {
	t.Parallel()
	for format, width := range map[gsf.AudioFormat]int{
		gsf.AudioS16Planes: 2, gsf.AudioS16Pairs: 2, gsf.AudioS16Interleaved: 2,
		gsf.AudioS24Planes: 3, gsf.AudioS24Pairs: 3, gsf.AudioS32Planes: 4, gsf.AudioFloatPairs: 4,
	} {
		for _, channels := range []int{1, 2, 3, 6} {
			const samples = 5
			a := &gsf.Audio{Format: format, Channels: uint16(channels), Samples: samples, SampleRate: 48000}
			var data, want []byte
			for n := range samples {
				for c := range channels {
					want = append(want, sample(c, n, width)...)
				}
			}
			raw, _ := format.Raw()
			switch raw.Type {
			case "planar":
				for c := range channels {
					for n := range samples {
						data = append(data, sample(c, n, width)...)
						data = append(data, make([]byte, int(format.DataSize(1, 1))-width)...)
					}
				}
			case "pairs":
				for c := 0; c < channels; c += 2 {
					for n := range samples {
						data = append(data, sample(c, n, width)...)
						if c+1 < channels {
							data = append(data, sample(c+1, n, width)...)
						} else {
							data = append(data, make([]byte, width)...)
						}
					}
				}
			default:
				data = want
			}
			got, err := pcm.AppendInterleaved([]byte{9}, data, a)
			require.NoError(t, err, "%s of %d channels", format, channels)
			require.Equal(t, append([]byte{9}, want...), got, "%s of %d channels", format, channels)
			_, err = pcm.AppendInterleaved(nil, data[1:], a)
			require.ErrorContains(t, err, "want")
		}
	}
	_, err := pcm.AppendInterleaved(nil, nil, &gsf.Audio{Format: gsf.AudioAAC})
	require.ErrorContains(t, err, "not raw")
}
