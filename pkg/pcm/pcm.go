// Package pcm brings raw audio from files into the form in which the store keeps
// it: little-endian, interleaved, in whole bytes of 16, 24, 32 or 64 bits (media
// rule 11), and cuts it into grains.
package pcm

import (
	"fmt"
	"strconv"

	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Layout is how a file stores samples.
type Layout struct {
	SampleRate int
	Channels   int
	Bytes      int // of one sample of one channel: 1, 2, 3, 4 or 8
	ValidBits  int // at most 8*Bytes
	Float      bool
	BigEndian  bool
	Unsigned   bool // as 8 bit WAV is
}

// Bounds of what is taken.
const (
	MaxSampleRate = 768_000
	MaxChannels   = 256
)

// Validate says what is wrong with a layout.
func (l Layout) Validate() error {
	switch {
	case l.SampleRate <= 0 || l.SampleRate > MaxSampleRate:
		return fmt.Errorf("sample rate is %d, want 1 to %d", l.SampleRate, MaxSampleRate)
	case l.Channels <= 0 || l.Channels > MaxChannels:
		return fmt.Errorf("there are %d channels, want 1 to %d", l.Channels, MaxChannels)
	case l.Float && l.Bytes != 4 && l.Bytes != 8:
		return fmt.Errorf("floating-point samples have %d bytes, want 4 or 8", l.Bytes)
	case !l.Float && (l.Bytes < 1 || l.Bytes > 4):
		return fmt.Errorf("samples have %d bytes, want 1 to 4", l.Bytes)
	case l.ValidBits < 1 || l.ValidBits > 8*l.Bytes:
		return fmt.Errorf("samples have %d valid bits in %d bytes", l.ValidBits, l.Bytes)
	}
	return nil
}

// FrameBytes is the size in the file of one sample of all channels.
func (l Layout) FrameBytes() int64 { return int64(l.Bytes) * int64(l.Channels) }

// StoredBytes is the size in the store of one sample of one channel.
func (l Layout) StoredBytes() int { return max(l.Bytes, 2) }

// StoredFrameBytes is the size in the store of one sample of all channels.
func (l Layout) StoredFrameBytes() int64 { return int64(l.StoredBytes()) * int64(l.Channels) }

// grainsPerSecond is how long a grain of raw audio is where the sample rate allows:
// a 25th of a second, which is a whole number of samples at every usual rate.
const grainsPerSecond = 25

// fallbackSamples is the length of a grain at other rates.
const fallbackSamples = 1024

// SamplesPerGrain returns how many samples of each channel one grain holds.
func (l Layout) SamplesPerGrain() int64 {
	if l.SampleRate%grainsPerSecond == 0 {
		return int64(l.SampleRate / grainsPerSecond)
	}
	return fallbackSamples
}

// Tags of a Flow that say how its source stored the samples.
const (
	tagByteOrder   = "source_byte_order"   // "little" or "big"
	tagValidBits   = "source_valid_bits"   // of a sample
	tagSampleBytes = "source_sample_bytes" // of one sample of one channel
)

// Flow returns the Flow that a track of this layout becomes, without ids. What the
// store does not keep (byte order, valid bits) goes to tags.
func (l Layout) Flow() (*media.Flow, error) {
	code, ok := gsf.AudioFormatOf(gsf.RawAudio{BitDepth: 8 * l.StoredBytes(), Float: l.Float, Type: "interleaved"})
	if !ok {
		return nil, fmt.Errorf("there is no GSF code for %d-bit samples (floating point: %t)", 8*l.StoredBytes(), l.Float)
	}
	codec := media.CodecPCM
	if l.Float {
		codec = media.CodecPCMFloat
	}
	order := "little"
	if l.BigEndian {
		order = "big"
	}
	return &media.Flow{
		Format: media.FormatAudio, Codec: codec, Container: media.ContainerGSF,
		GrainRate: mediatime.NewRate(int64(l.SampleRate), l.SamplesPerGrain()), Timescale: int64(l.SampleRate),
		Audio: &media.Audio{
			SampleRate: l.SampleRate, Channels: l.Channels, BitDepth: 8 * l.StoredBytes(), UncType: "interleaved",
			Float: l.Float, GSFFormat: uint32(code),
		},
		Tags: media.Tags{
			tagByteOrder: {order}, tagValidBits: {strconv.Itoa(l.ValidBits)}, tagSampleBytes: {strconv.Itoa(l.Bytes)},
		},
	}, nil
}

// Append converts samples from the file's layout to the store's and appends them
// to dst. Widening keeps every bit, so that it can be undone.
func (l Layout) Append(dst, src []byte) []byte {
	switch {
	case l.Bytes == 1:
		return appendWidened(dst, src, l.Unsigned)
	case l.BigEndian:
		return appendSwapped(dst, src, l.Bytes)
	default:
		return append(dst, src...)
	}
}

// appendWidened puts 8 bits into the high byte of 16.
func appendWidened(dst, src []byte, unsigned bool) []byte {
	bias := byte(0)
	if unsigned {
		bias = 0x80
	}
	for _, b := range src {
		dst = append(dst, 0, b^bias)
	}
	return dst
}

func appendSwapped(dst, src []byte, width int) []byte {
	for ; len(src) >= width; src = src[width:] {
		for i := width - 1; i >= 0; i-- {
			dst = append(dst, src[i])
		}
	}
	return dst
}
