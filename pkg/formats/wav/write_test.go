package wav_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats/wav"
	"github.com/grainmesh/grainmesh/pkg/media"
)

// longFile is a header and as many zeros as make up the size.
type longFile struct {
	head []byte
	size int64
}

func (f longFile) Size() int64 { return f.size }

func (f longFile) ReadAt(b []byte, at int64) (int, error) {
	if at >= f.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), f.size-at))
	clear(b[:n])
	if at < int64(len(f.head)) {
		copy(b[:n], f.head[at:])
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func TestHeaderIsReadBackAsWritten(t *testing.T) {
	t.Parallel()
	for _, audio := range []media.Audio{
		{SampleRate: 48000, Channels: 2, BitDepth: 16}, {SampleRate: 44100, Channels: 1, BitDepth: 24},
		{SampleRate: 96000, Channels: 6, BitDepth: 32}, {SampleRate: 48000, Channels: 2, BitDepth: 32, Float: true},
		{SampleRate: 48000, Channels: 16, BitDepth: 64, Float: true},
	} {
		for _, samples := range []int64{0, 1, 48001, 1 << 31} {
			t.Run(fmt.Sprintf("%d-bit/%d", audio.BitDepth, samples), func(t *testing.T) {
				t.Parallel()
				head := wav.AppendHeader(nil, &audio, samples)
				data := samples * int64(audio.BytesPerSample()*audio.Channels)
				file := longFile{head, int64(len(head)) + data + data&1}
				if data > 1<<32 {
					require.True(t, bytes.HasPrefix(head, []byte("RF64")))
				}
				analysis, err := wav.Format{}.Probe(context.Background(), file)
				if samples == 0 {
					require.Error(t, err)
					return
				}
				require.NoError(t, err)
				require.Empty(t, analysis.Warnings)
				got := analysis.Tracks[0].Flow.Audio
				require.Equal(t, audio.SampleRate, got.SampleRate)
				require.Equal(t, audio.Channels, got.Channels)
				require.Equal(t, audio.BitDepth, got.BitDepth)
				require.Equal(t, audio.Float, got.Float)
				require.Equal(t, data, analysis.Tracks[0].Bytes)
			})
		}
	}
}
