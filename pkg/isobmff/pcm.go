package isobmff

// PCM says how the samples of a track of raw audio are written.
type PCM struct {
	Bits       int // valid bits of a sample: 8, 16, 20, 24, 32 or 64
	Float      bool
	BigEndian  bool
	Unsigned   bool // 8 bits only: 128 is silence
	Channels   int
	SampleRate float64
	FrameBytes int // of one sample of all channels
}

// Flags of a version 2 sound description (Core Audio's formatSpecificFlags).
const (
	lpcmFloat     = 1
	lpcmBigEndian = 2
	lpcmSigned    = 4
)

// IsPCM says whether the entry describes raw audio that PCM can tell about.
func (e *Entry) IsPCM() bool {
	_, ok := e.PCM()
	return ok
}

// PCM tells how raw audio is written, or false for other entries (QuickTime File
// Format, "Sound Media"; ISO/IEC 23003-5 for ipcm and fpcm).
func (e *Entry) PCM() (PCM, bool) {
	p := PCM{Bits: e.SampleBits, BigEndian: true, Channels: e.Channels, SampleRate: e.SampleRate}
	switch e.FourCC {
	case "sowt":
		p.BigEndian = false
	case "twos":
	case "raw ", "NONE", "\x00\x00\x00\x00":
		p.Unsigned = p.Bits <= 8
	case "in24":
		p.Bits = 24
	case "in32":
		p.Bits = 32
	case "fl32":
		p.Bits, p.Float = 32, true
	case "fl64":
		p.Bits, p.Float = 64, true
	case "lpcm":
		if !e.HasFlags {
			return PCM{}, false
		}
		p.Float, p.BigEndian = e.Flags&lpcmFloat != 0, e.Flags&lpcmBigEndian != 0
		p.Unsigned = e.Flags&(lpcmSigned|lpcmFloat) == 0
	case "ipcm", "fpcm":
		config := e.Child("pcmC")
		if len(config) < 6 {
			return PCM{}, false
		}
		p.BigEndian, p.Bits, p.Float = config[4]&1 == 0, int(config[5]), e.FourCC == "fpcm"
	default:
		return PCM{}, false
	}
	if enda := e.Child("enda"); len(enda) >= 2 && enda[1] == 1 {
		p.BigEndian = false
	}
	ok := p.settle(e)
	return p, ok
}

// settle works out the size of a sample and says whether the description makes
// sense. Samples that do not fill their bytes, which only lpcm can have, are not
// taken: their alignment would have to be guessed.
func (p *PCM) settle(e *Entry) bool {
	if p.Channels < 1 || p.Channels > 1024 || p.SampleRate < 1 || p.Bits < 1 || p.Bits > 64 {
		return false
	}
	each := (p.Bits + 7) / 8
	p.FrameBytes = each * p.Channels
	if e.HasFlags && e.FrameBytes != p.FrameBytes {
		return false
	}
	switch {
	case p.Float:
		return p.Bits == 32 || p.Bits == 64
	case p.Unsigned:
		return p.Bits == 8
	}
	return p.Bits <= 32
}
