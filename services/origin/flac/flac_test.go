package flac_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	decoder "github.com/mewkiz/flac"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/grainmesh/grainmesh/services/origin/flac"
)

// encode makes a whole stream and returns where its frames begin.
func encode(t require.TestingT, f flac.Format, pcm []byte, block int) []byte {
	e, err := flac.NewEncoder(f)
	require.NoError(t, err)
	out := append([]byte("fLaC\x80\x00\x00\x22"), f.StreamInfo()...)
	frame := f.Bits / 8 * f.Channels
	for at := 0; at < len(pcm); at += block * frame {
		out, err = e.Append(out, pcm[at:min(at+block*frame, len(pcm))], uint64(at/frame))
		require.NoError(t, err)
	}
	return out
}

// decode reads a stream with another implementation, which checks its checksums, and
// returns its samples as they were given to the encoder.
func decode(t require.TestingT, f flac.Format, stream []byte) []byte {
	s, err := decoder.New(bytes.NewReader(stream))
	require.NoError(t, err)
	var pcm []byte
	number := uint64(0)
	for {
		frame, err := s.ParseNext()
		if errors.Is(err, io.EOF) {
			return pcm
		}
		require.NoError(t, err)
		require.Equal(t, number, frame.Num, "frames carry the number of their first sample")
		number += uint64(frame.BlockSize)
		for i := range int(frame.BlockSize) {
			for _, c := range frame.Subframes {
				v := c.Samples[i]
				pcm = append(pcm, byte(v), byte(v>>8))
				if f.Bits == 24 {
					pcm = append(pcm, byte(v>>16))
				}
			}
		}
	}
}

func TestEverySampleComesBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := flac.Format{
			Rate: 48000, Channels: rapid.IntRange(1, 8).Draw(t, "channels"), Bits: rapid.SampledFrom([]int{16, 24}).Draw(t, "bits"),
		}
		// Blocks of noise, silence and full scale, which try every kind of subframe.
		seed := rapid.Uint64().Draw(t, "seed")
		noise := rand.New(rand.NewPCG(seed, 1))
		var pcm []byte
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			n := rapid.IntRange(1, 900).Draw(t, "samples") * f.Channels * f.Bits / 8
			kind := rapid.IntRange(0, 3).Draw(t, "kind")
			for i := range n {
				switch kind {
				case 0:
					pcm = append(pcm, byte(noise.Uint32()))
				case 1:
					pcm = append(pcm, 0)
				case 2:
					pcm = append(pcm, byte(noise.Uint32())&0x80*0xff)
				default:
					pcm = append(pcm, byte(i/f.Channels))
				}
			}
		}
		stream := encode(t, f, pcm, rapid.IntRange(16, flac.MaxBlock).Draw(t, "block"))
		require.Equal(t, pcm, decode(t, f, stream))
	})
}

func TestLargeSampleNumbersFit(t *testing.T) {
	t.Parallel()
	f := flac.Format{Rate: 96000, Channels: 2, Bits: 16}
	for _, first := range []uint64{0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 1 << 21, 1 << 26, 1<<31 - 1, 1 << 31, 1<<36 - 1} {
		e, err := flac.NewEncoder(f)
		require.NoError(t, err)
		stream, err := e.Append(append([]byte("fLaC\x80\x00\x00\x22"), f.StreamInfo()...), make([]byte, 4*64), first)
		require.NoError(t, err)
		s, err := decoder.New(bytes.NewReader(stream))
		require.NoError(t, err)
		frame, err := s.ParseNext()
		require.NoError(t, err)
		require.Equal(t, first, frame.Num)
	}
}

func TestToneIsMuchSmaller(t *testing.T) {
	t.Parallel()
	f := flac.Format{Rate: 48000, Channels: 2, Bits: 16}
	var pcm []byte
	for i := range 48000 {
		v := int16(12000 * wave(float64(i)/109))
		pcm = append(pcm, byte(v), byte(uint16(v)>>8), byte(v), byte(uint16(v)>>8))
	}
	require.Less(t, len(encode(t, f, pcm, 4096)), len(pcm)/4)
}

// wave is a parabola that comes near a sine.
func wave(x float64) float64 {
	x -= float64(int(x))
	return 16 * x * (0.5 - x) * sign(x)
}

func sign(x float64) float64 {
	if x < 0.5 {
		return 1
	}
	return (1 - x) / x
}

func TestBlocksAreAlmostEqual(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		samples := rapid.IntRange(1, 1_000_000).Draw(t, "samples")
		next := 0
		flac.Blocks(samples, func(first, count int) {
			require.Equal(t, next, first)
			require.LessOrEqual(t, count, flac.MaxBlock)
			if samples > flac.MaxBlock {
				require.GreaterOrEqual(t, count, flac.MinBlock)
			}
			next += count
		})
		require.Equal(t, samples, next)
	})
}

func TestBadFormatsAreRefused(t *testing.T) {
	t.Parallel()
	for _, f := range []flac.Format{{Rate: 48000, Channels: 9, Bits: 16}, {Rate: 700_000, Channels: 2, Bits: 16}, {Rate: 48000, Channels: 2, Bits: 32}} {
		_, err := flac.NewEncoder(f)
		require.Error(t, err)
	}
	e, err := flac.NewEncoder(flac.Format{Rate: 48000, Channels: 2, Bits: 16})
	require.NoError(t, err)
	for _, size := range []int{0, 3, 4 * (flac.MaxBlock + 1)} {
		_, err = e.Append(nil, make([]byte, size), 0)
		require.Error(t, err)
	}
}

func BenchmarkEncode(b *testing.B) {
	e, err := flac.NewEncoder(flac.Format{Rate: 48000, Channels: 2, Bits: 24})
	require.NoError(b, err)
	noise := rand.New(rand.NewPCG(1, 2))
	pcm := make([]byte, 0, flac.MaxBlock*6)
	for i := range flac.MaxBlock * 2 {
		v := int32(1<<20*wave(float64(i)/310)) + int32(noise.Uint32()>>20)
		pcm = append(pcm, byte(v), byte(v>>8), byte(v>>16))
	}
	b.SetBytes(int64(len(pcm)))
	var out []byte
	for b.Loop() {
		if out, err = e.Append(out[:0], pcm, 0); err != nil {
			b.Fatal(err)
		}
	}
}
