package isobmff

// Descriptor tags of ISO/IEC 14496-1, 7.2.2.1.
const (
	tagES            = 3
	tagDecoderConfig = 4
	tagDecoderInfo   = 5
)

// DecoderConfig is what an esds box says of an elementary stream.
type DecoderConfig struct {
	ObjectType uint8  // objectTypeIndication: 0x40 is MPEG-4 audio
	MaxBitRate uint32 // bit/s
	AvgBitRate uint32 // bit/s
	Specific   []byte // DecoderSpecificInfo: for audio an AudioSpecificConfig
}

// DecoderConfig reads the entry's esds box, or says that there is none.
func (e *Entry) DecoderConfig() (DecoderConfig, bool) {
	esds := e.Child("esds")
	if len(esds) < 4 {
		return DecoderConfig{}, false
	}
	es, ok := descriptor(esds[4:], tagES)
	if !ok {
		return DecoderConfig{}, false
	}
	f := fields{b: es}
	f.u16()
	flags := f.u8()
	if flags&0x80 != 0 {
		f.u16() // depends on another stream
	}
	if flags&0x40 != 0 {
		f.skip(int(f.u8())) // address
	}
	if flags&0x20 != 0 {
		f.u16() // clock reference
	}
	body, ok := descriptor(f.b, tagDecoderConfig)
	if !ok {
		return DecoderConfig{}, false
	}
	f = fields{b: body}
	c := DecoderConfig{ObjectType: f.u8()}
	f.u32() // stream type, buffer size
	c.MaxBitRate, c.AvgBitRate = f.u32(), f.u32()
	if f.short {
		return DecoderConfig{}, false
	}
	c.Specific, _ = descriptor(f.b, tagDecoderInfo)
	return c, true
}

// descriptor returns the body of the first descriptor of a tag.
func descriptor(b []byte, tag byte) ([]byte, bool) {
	for len(b) >= 2 {
		kind, size, at := b[0], 0, 1
		for at < len(b) && at <= 4 {
			size = size<<7 | int(b[at]&0x7f)
			at++
			if b[at-1]&0x80 == 0 {
				break
			}
		}
		if size > len(b)-at {
			return nil, false
		}
		if kind == tag {
			return b[at : at+size : at+size], true
		}
		b = b[at+size:]
	}
	return nil, false
}
