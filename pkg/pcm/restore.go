package pcm

import (
	"fmt"
	"strconv"

	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
)

// LayoutOf returns how the source of a raw audio Flow stored its samples, as the
// tags that Layout.Flow wrote say, and how the store does where there are none;
// 8 bits count as unsigned, as WAV has them. It returns an error for a Flow that is
// not raw audio.
func LayoutOf(f *media.Flow) (Layout, error) {
	if f.Audio == nil || (f.Codec != media.CodecPCM && f.Codec != media.CodecPCMFloat) {
		return Layout{}, fmt.Errorf("flow %s is %s, want raw audio", f.ID, f.Codec)
	}
	stored := f.Audio.BytesPerSample()
	l := Layout{
		SampleRate: f.Audio.SampleRate, Channels: f.Audio.Channels, Float: f.Audio.Float,
		Bytes: number(f.Tags, tagSampleBytes, stored), BigEndian: len(f.Tags[tagByteOrder]) == 1 && f.Tags[tagByteOrder][0] == "big",
	}
	// Anyone may have changed the tags since; what contradicts the samples is not
	// believed.
	if l.StoredBytes() != stored {
		l.Bytes = stored
	}
	l.Unsigned = l.Bytes == 1
	l.ValidBits = number(f.Tags, tagValidBits, 8*l.Bytes)
	if l.ValidBits < 1 || l.ValidBits > 8*l.Bytes {
		l.ValidBits = 8 * l.Bytes
	}
	return l, l.Validate()
}

func number(tags media.Tags, name string, otherwise int) int {
	if len(tags[name]) != 1 {
		return otherwise
	}
	n, err := strconv.Atoi(tags[name][0])
	if err != nil {
		return otherwise
	}
	return n
}

// Restore converts samples from the store's layout to the file's and appends them
// to dst. It undoes Append.
func (l Layout) Restore(dst, stored []byte) []byte {
	switch {
	case l.Bytes == 1:
		bias := byte(0)
		if l.Unsigned {
			bias = 0x80
		}
		for i := 1; i < len(stored); i += 2 {
			dst = append(dst, stored[i]^bias)
		}
		return dst
	case l.BigEndian:
		return appendSwapped(dst, stored, l.Bytes)
	default:
		return append(dst, stored...)
	}
}

// AppendInterleaved appends the samples of one raw GSF grain to dst, interleaved
// and in the least number of bytes, as Layout has them. Grains of a GSF source may
// hold their channels in planes or pairs. It returns an error when data is not as
// long as the header says.
func AppendInterleaved(dst, data []byte, a *gsf.Audio) ([]byte, error) {
	raw, ok := a.Format.Raw()
	if !ok {
		return dst, fmt.Errorf("audio format %s is not raw", a.Format)
	}
	if want := a.Format.DataSize(a.Channels, a.Samples); int64(len(data)) != want {
		return dst, fmt.Errorf("%d bytes hold %d samples of %d channels in %s, want %d bytes", len(data), a.Samples, a.Channels, a.Format, want)
	}
	if raw.Type == "interleaved" {
		return append(dst, data...), nil
	}
	channels, samples, width := int(a.Channels), int(a.Samples), raw.BitDepth/8
	slot := width // what one sample takes in the grain
	if a.Format == gsf.AudioS24Planes {
		slot = 4
	}
	group := 1 // channels that stand together
	if raw.Type == "pairs" {
		group = 2
	}
	for sample := range samples {
		for channel := range channels {
			at := ((channel/group*samples+sample)*group + channel%group) * slot
			dst = append(dst, data[at:at+width]...)
		}
	}
	return dst, nil
}
