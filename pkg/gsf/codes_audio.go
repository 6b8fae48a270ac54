package gsf

import "fmt"

// AudioFormat is the code of an audio format. Its lowest two bits say how the
// channels are arranged: each in a plane, interleaved in pairs, or all together.
type AudioFormat uint32

// Formats without compression; samples are little-endian. 24 bits in planes
// stand in the low part of 32.
const (
	AudioS16Planes         AudioFormat = 0x00
	AudioS16Pairs          AudioFormat = 0x01
	AudioS16Interleaved    AudioFormat = 0x02
	AudioS24Planes         AudioFormat = 0x04
	AudioS24Pairs          AudioFormat = 0x05
	AudioS24Interleaved    AudioFormat = 0x06
	AudioS32Planes         AudioFormat = 0x08
	AudioS32Pairs          AudioFormat = 0x09
	AudioS32Interleaved    AudioFormat = 0x0a
	AudioS64Invalid        AudioFormat = 0x0c
	AudioFloatPlanes       AudioFormat = 0x18
	AudioFloatPairs        AudioFormat = 0x19
	AudioFloatInterleaved  AudioFormat = 0x1a
	AudioDoublePlanes      AudioFormat = 0x2c
	AudioDoublePairs       AudioFormat = 0x2d
	AudioDoubleInterleaved AudioFormat = 0x2e
)

// Coded formats, and none.
const (
	AudioMP1     AudioFormat = 0x200
	AudioAAC     AudioFormat = 0x201
	AudioOpus    AudioFormat = 0x202
	AudioUnknown AudioFormat = 0xfffffffe
	AudioInvalid AudioFormat = 0xffffffff
)

// Bits of an AudioFormat.
const (
	audioArrangement = 0x03
	audioPlanes      = 0
	audioPairs       = 1
	audioInterleaved = 2
	audioWidth       = 0x0c // 0, 4, 8, 12: 16, 24, 32, 64 bits
	audioFloat       = 0x30
	audioCoded       = 0x200
)

// Coded says that the samples are compressed.
func (f AudioFormat) Coded() bool { return f < AudioUnknown && f&audioCoded != 0 }

// raw says that the code is one of samples without compression.
func (f AudioFormat) raw() bool {
	_, named := rawAudioName(f &^ audioArrangement)
	return named && f&audioArrangement <= audioInterleaved && f != AudioS64Invalid
}

// BitDepth gives the bits of a sample, 0 if coded or unknown.
func (f AudioFormat) BitDepth() int {
	if !f.raw() {
		return 0
	}
	return [...]int{16, 24, 32, 64}[f&audioWidth>>2]
}

// Float says that samples are floating-point numbers.
func (f AudioFormat) Float() bool { return f.raw() && f&audioFloat != 0 }

// String gives the reference's name of the format, or its number.
func (f AudioFormat) String() string {
	switch f {
	case AudioMP1:
		return "MP1"
	case AudioAAC:
		return "AAC"
	case AudioOpus:
		return "OPUS"
	case AudioS64Invalid:
		return "S64_INVALID"
	case AudioUnknown:
		return "UNKNOWN"
	case AudioInvalid:
		return "INVALID"
	default:
		if !f.raw() {
			return fmt.Sprintf("0x%03x", uint32(f))
		}
		name, _ := rawAudioName(f &^ audioArrangement)
		return name + [...]string{"_PLANES", "_PAIRS", "_INTERLEAVED"}[f&audioArrangement]
	}
}

// rawAudioName names the samples of a code whose arrangement bits are cleared.
func rawAudioName(f AudioFormat) (string, bool) {
	switch f {
	case AudioS16Planes:
		return "S16", true
	case AudioS24Planes:
		return "S24", true
	case AudioS32Planes:
		return "S32", true
	case AudioFloatPlanes:
		return "FLOAT", true
	case AudioDoublePlanes:
		return "DOUBLE", true
	default:
		return "", false
	}
}

// sampleBytes gives how much room a sample takes.
func (f AudioFormat) sampleBytes() int {
	if f == AudioS24Planes {
		return 4
	}
	return f.BitDepth() / 8
}

// DataSize gives the size in bytes of a grain of samples per channel, 0 if the
// format is coded or unknown. In pairs, an odd channel has an empty partner.
func (f AudioFormat) DataSize(channels uint16, samples uint32) int64 {
	n := int64(channels)
	if f.raw() && f&audioArrangement == audioPairs {
		n += n & 1
	}
	return n * int64(samples) * int64(f.sampleBytes())
}

// RawAudio describes samples without compression as TAMS does (bbc/tams,
// schemas/flow-audio.json).
type RawAudio struct {
	Type     string // unc_type: "planar", "pairs" or "interleaved"
	BitDepth int    // 16, 24, 32 or 64
	Float    bool   // codec audio/x-raw-float rather than audio/x-raw-int
}

// Raw gives the description of a format, false if it is coded or unknown.
func (f AudioFormat) Raw() (RawAudio, bool) {
	if !f.raw() {
		return RawAudio{}, false
	}
	return RawAudio{
		Type:     [...]string{"planar", "pairs", "interleaved"}[f&audioArrangement],
		BitDepth: f.BitDepth(),
		Float:    f.Float(),
	}, true
}

// AudioFormatOf gives the format of a description, false if there is none.
func AudioFormatOf(r RawAudio) (AudioFormat, bool) {
	for _, base := range [...]AudioFormat{AudioS16Planes, AudioS24Planes, AudioS32Planes, AudioFloatPlanes, AudioDoublePlanes} {
		for arrangement := AudioFormat(audioPlanes); arrangement <= audioInterleaved; arrangement++ {
			if found, _ := (base | arrangement).Raw(); found == r {
				return base | arrangement, true
			}
		}
	}
	return AudioInvalid, false
}
