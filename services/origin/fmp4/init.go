package fmp4

// Track describes the one track of a segment.
type Track struct {
	// Timescale is ticks per second.
	Timescale uint32
	// SampleEntry is the whole box that says how to decode it.
	SampleEntry []byte
	// Audio says that it is sound; else it is video.
	Audio bool
	// Width and Height are those of the picture as presented, in pixels.
	Width, Height int
	// Skip is how many ticks at the start of the media come before time 0 of the
	// presentation, and are there for the decoder only.
	Skip int64
}

// trackID is the number of the one track.
const trackID = 1

// Init writes the media initialization section of a track: ftyp and moov.
func Init(t *Track) []byte {
	w := &boxes{}
	w.box("ftyp", func() { w.text("iso6\x00\x00\x00\x00iso6cmfcmp41") })
	w.box("moov", func() {
		w.full("mvhd", 0, 0, func() { movieHeader(w, t) })
		w.box("trak", func() {
			w.full("tkhd", 0, 3, func() { trackHeader(w, t) })
			if t.Skip > 0 {
				w.box("edts", func() { w.full("elst", 1, 0, func() { edit(w, t) }) })
			}
			w.box("mdia", func() { media(w, t) })
		})
		w.box("mvex", func() { w.full("trex", 0, 0, func() { w.u32(trackID); w.u32(1); w.zeros(12) }) })
	})
	return w.b
}

func movieHeader(w *boxes, t *Track) { // 8.2.2
	w.zeros(8)
	w.u32(t.Timescale)
	w.u32(0)
	w.u32(0x10000) // rate 1
	w.u16(0x100)   // volume 1
	w.zeros(10)
	w.matrix()
	w.zeros(24)
	w.u32(trackID + 1)
}

func trackHeader(w *boxes, t *Track) { // 8.3.2
	w.zeros(8)
	w.u32(trackID)
	w.zeros(20)
	if t.Audio {
		w.u16(0x100)
	} else {
		w.u16(0)
	}
	w.u16(0)
	w.matrix()
	w.u32(uint32(t.Width) << 16)
	w.u32(uint32(t.Height) << 16)
}

// edit appends one edit to the end of all that follows, as length 0 means in
// fragmented files (8.6.6).
func edit(w *boxes, t *Track) {
	w.u32(1)
	w.u64(0)
	w.u64(uint64(t.Skip))
	w.u16(1)
	w.u16(0)
}

func media(w *boxes, t *Track) {
	const undetermined = 0x55c4 // "und" in three times five bits (8.4.2)
	w.full("mdhd", 0, 0, func() {
		w.zeros(8)
		w.u32(t.Timescale)
		w.u32(0)
		w.u16(undetermined)
		w.u16(0)
	})
	handler, name := "vide", "Video\x00"
	if t.Audio {
		handler, name = "soun", "Sound\x00"
	}
	w.full("hdlr", 0, 0, func() { w.u32(0); w.text(handler); w.zeros(12); w.text(name) })
	w.box("minf", func() {
		if t.Audio {
			w.full("smhd", 0, 0, func() { w.u32(0) })
		} else {
			w.full("vmhd", 0, 1, func() { w.u64(0) })
		}
		w.box("dinf", func() {
			w.full("dref", 0, 0, func() { w.u32(1); w.full("url ", 0, 1, func() {}) })
		})
		w.box("stbl", func() { sampleTables(w, t) })
	})
}

// sampleTables appends the sample entry and tables that are empty, for all samples
// are in fragments.
func sampleTables(w *boxes, t *Track) {
	w.full("stsd", 0, 0, func() { w.u32(1); w.raw(t.SampleEntry) })
	for _, name := range []string{"stts", "stsc", "stco"} {
		w.full(name, 0, 0, func() { w.u32(0) })
	}
	w.full("stsz", 0, 0, func() { w.u64(0) })
}
