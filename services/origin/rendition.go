package origin

import (
	"fmt"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/media"

	"github.com/grainmesh/grainmesh/services/origin/flac"
)

// rendition is a Flow and how it is played.
type rendition struct {
	flow  *media.Flow
	audio bool
	raw   *rawAudio // for raw audio, which is played as FLAC
	// timescale is ticks per second of its segments.
	timescale int64
	// preroll is how many coded frames a decoder needs before the first that is heard.
	preroll int
}

// Sizes of a long AAC frame without and with spectral band replication.
const aacFrame = 1024

// newRendition says how a Flow is played, or why it is not: media rule 24.
func newRendition(f *media.Flow) (*rendition, error) {
	switch {
	case f.Codec == media.CodecH264 && f.Video != nil:
		return &rendition{flow: f, timescale: videoTimescale(f)}, nil
	case f.Codec == media.CodecAAC && f.Audio != nil:
		return newAAC(f)
	case (f.Codec == media.CodecPCM || f.Codec == media.CodecPCMFloat) && f.Audio != nil:
		raw, err := newRawAudio(f.Audio)
		if err != nil {
			return nil, err
		}
		return &rendition{flow: f, audio: true, raw: raw, timescale: int64(f.Audio.SampleRate)}, nil
	case f.Format == media.FormatMulti:
		return nil, fmt.Errorf("it collects other Flows itself")
	default:
		return nil, fmt.Errorf("browsers do not play %s", f.Codec)
	}
}

func newAAC(f *media.Flow) (*rendition, error) {
	if f.Audio.SampleRate <= 0 {
		return nil, fmt.Errorf("its sample rate is not known")
	}
	for i := range f.Configs {
		if len(f.Configs[i].Decoder) == 0 {
			return nil, fmt.Errorf("its decoder configuration is not known")
		}
	}
	if len(f.Configs) == 0 {
		return nil, fmt.Errorf("its decoder configuration is not known")
	}
	preroll := 1
	if f.Audio.CodedFrameSize > aacFrame {
		preroll = 2
	}
	return &rendition{flow: f, audio: true, timescale: int64(f.Audio.SampleRate), preroll: preroll}, nil
}

const (
	// fineTimescale is what a time scale should reach, so that other times than
	// those of the constant rate come near too.
	fineTimescale = 10_000
	maxTimescale  = 10_000_000
	usualScale    = 90_000
)

// videoTimescale returns ticks in which all times of the Flow are whole: those of
// its rate, or of its source.
func videoTimescale(f *media.Flow) int64 {
	if rate := f.GrainRate; !rate.IsZero() && rate.Num < maxTimescale {
		scale := rate.Num
		for scale < fineTimescale {
			scale *= 10
		}
		return scale
	}
	if f.Timescale >= 1000 && f.Timescale <= maxTimescale {
		return f.Timescale
	}
	return usualScale
}

// config returns a sample entry of the Flow, an empty one where it has none.
func (r *rendition) config(n uint16) media.CodecConfig {
	if int(n) < len(r.flow.Configs) {
		return r.flow.Configs[n]
	}
	return media.CodecConfig{}
}

// described says that a sample entry says how its pictures are framed; else they
// are taken for a byte stream with its parameter sets inside.
func described(c media.CodecConfig) bool { return len(c.SampleEntry) > 0 && len(c.Decoder) > 0 }

// display returns the size at which pictures are shown, in square pixels.
func (r *rendition) display() (width, height int) {
	v := r.flow.Video
	if v == nil {
		return 0, 0
	}
	if p := v.PixelAspect; !p.IsZero() {
		return int(int64(v.Width) * p.Num / p.Den), v.Height
	}
	return v.Width, v.Height
}

// codec names the coding as in RFC 6381.
func (r *rendition) codec() string {
	switch c := r.config(0); {
	case r.raw != nil:
		return "fLaC"
	case r.audio:
		return fmt.Sprintf("mp4a.40.%d", objectType(c.Decoder))
	case described(c) && len(c.Decoder) > 3:
		return fmt.Sprintf("%s.%X", c.FourCC, c.Decoder[1:4])
	default:
		v := r.flow.Video
		return fmt.Sprintf("avc3.%02X%02X%02X", v.Profile&0xff, v.ProfileFlags&0xff, v.Level&0xff)
	}
}

// objectType reads the object type of an AudioSpecificConfig (ISO/IEC 14496-3,
// 1.6.2.1).
func objectType(config []byte) int {
	const escape = 31
	if len(config) == 0 {
		return 2
	}
	if t := int(config[0] >> 3); t != escape || len(config) < 2 {
		return t
	}
	return 32 + int(config[0]&7)<<3 + int(config[1]>>5)
}

// name is what people are shown of it.
func (r *rendition) name(position int) string {
	label := strings.Map(func(c rune) rune {
		if c < ' ' || c == '"' {
			return -1
		}
		return c
	}, r.flow.Label)
	a := r.flow.Audio
	if label == "" {
		return fmt.Sprintf("Audio %d (%d channels)", position, a.Channels)
	}
	return fmt.Sprintf("%s, audio %d (%d channels)", label, position, a.Channels)
}

// rawAudio is how raw audio becomes FLAC.
type rawAudio struct {
	format flac.Format
	bytes  int // of a stored sample of one channel
	float  bool
}

// newRawAudio says how raw audio is encoded. What has more than 24 bits is brought
// to 24, for that is the most that players of FLAC take; the store keeps the rest.
func newRawAudio(a *media.Audio) (*rawAudio, error) {
	raw := &rawAudio{format: flac.Format{Rate: a.SampleRate, Channels: a.Channels, Bits: 24}, bytes: a.BytesPerSample(), float: a.Float}
	if raw.bytes == 2 {
		raw.format.Bits = 16
	}
	if a.UncType != "" && a.UncType != "interleaved" {
		return nil, fmt.Errorf("its channels are stored %s, only interleaved ones are played", a.UncType)
	}
	return raw, raw.format.Validate()
}

// frameBytes is the size of a stored sample of all channels.
func (r *rawAudio) frameBytes() int64 { return int64(r.bytes) * int64(r.format.Channels) }
