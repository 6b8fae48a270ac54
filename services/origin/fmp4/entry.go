package fmp4

// AVC writes a sample entry for H.264 that no container described: avc3, whose
// parameter sets may stand in the samples (ISO/IEC 14496-15, 5.4.2). Config is the
// payload of its avcC box.
func AVC(config []byte, width, height int) []byte {
	w := &boxes{}
	w.box("avc3", func() {
		entryHead(w)
		w.zeros(16)
		w.u16(uint16(width))
		w.u16(uint16(height))
		w.u32(72 << 16) // dots per inch
		w.u32(72 << 16)
		w.u32(0)
		w.u16(1) // frames in a sample
		w.zeros(32)
		w.u16(24) // depth
		w.u16(0xffff)
		w.box("avcC", func() { w.raw(config) })
	})
	return w.b
}

// FLAC writes a sample entry for FLAC ("Encapsulation of FLAC in ISO Base Media
// File Format", 3.3.1). StreamInfo is the body of that metadata block. A rate that
// its field cannot hold is left to StreamInfo.
func FLAC(streamInfo []byte, channels, bits, rate int) []byte {
	w := &boxes{}
	w.box("fLaC", func() {
		soundHead(w, channels, bits, rate)
		w.full("dfLa", 0, 0, func() {
			const lastStreamInfo = 0x80
			w.octets(lastStreamInfo, 0, 0, byte(len(streamInfo)))
			w.raw(streamInfo)
		})
	})
	return w.b
}

// AAC writes a sample entry for AAC that no container described, from its
// AudioSpecificConfig (ISO/IEC 14496-14, 6.7.2).
func AAC(config []byte, channels, rate int) []byte {
	const (
		esTag, decoderTag, specificTag, syncTag = 3, 4, 5, 6
		mpeg4Audio                              = 0x40
		audioStream                             = 5<<2 | 1
	)
	decoder := append([]byte{mpeg4Audio, audioStream, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, descriptor(specificTag, config)...)
	es := append([]byte{0, 0, 0}, descriptor(decoderTag, decoder)...)
	es = append(es, descriptor(syncTag, []byte{2})...)
	w := &boxes{}
	w.box("mp4a", func() {
		soundHead(w, channels, 16, rate)
		w.full("esds", 0, 0, func() { w.raw(descriptor(esTag, es)) })
	})
	return w.b
}

// descriptor writes a descriptor with a size of four bytes (ISO/IEC 14496-1, 8.3.3).
func descriptor(tag byte, body []byte) []byte {
	n := len(body)
	return append([]byte{tag, 0x80 | byte(n>>21), 0x80 | byte(n>>14&0x7f), 0x80 | byte(n>>7&0x7f), byte(n & 0x7f)}, body...)
}

// entryHead appends what all sample entries begin with (8.5.2).
func entryHead(w *boxes) {
	w.zeros(6)
	w.u16(1) // data reference
}

func soundHead(w *boxes, channels, bits, rate int) { // 12.2.3
	entryHead(w)
	w.zeros(8)
	w.u16(uint16(channels))
	w.u16(uint16(bits))
	w.u32(0)
	if rate > 0xffff {
		rate = 0
	}
	w.u32(uint32(rate) << 16)
}
