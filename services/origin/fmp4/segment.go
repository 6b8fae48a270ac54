package fmp4

import "encoding/binary"

// Sample is one coded frame.
type Sample struct {
	Data []byte
	// Duration in ticks, from its decode time to that of the next.
	Duration uint32
	// Offset is presentation time - decode time, in ticks.
	Offset int32
	// Sync says that decoding can start here.
	Sync bool
}

// Flags of samples and boxes (8.8.3.1, 8.8.7, 8.8.8).
const (
	flagsSync    = 2 << 24         // depends on no other
	flagsNonSync = 1<<24 | 1<<16   // depends on others; no sync sample
	baseIsMoof   = 0x020000        // of tfhd
	trunFields   = 0x000f01        // of trun: data offset, and of each sample all four fields
	trunSample   = 16              // bytes of one sample in it
	moofFixed    = 8 + 16 + 8 + 16 // moof, mfhd, traf, tfhd
	tfdtSize     = 20
	trunFixed    = 20
	mdatHeader   = 8
)

// Size returns how many bytes Append writes for so many samples and bytes of data.
func Size(samples int, data int64) int64 {
	return moofFixed + tfdtSize + trunFixed + trunSample*int64(samples) + mdatHeader + data
}

// Append appends a fragment, moof and mdat: samples that follow one another in
// decode order, the first at the given decode time. Sequence counts fragments.
func Append(dst []byte, sequence uint32, decodeTime uint64, samples []Sample) []byte {
	w := &boxes{dst}
	moof := len(w.b)
	var offsetAt int
	w.box("moof", func() {
		w.full("mfhd", 0, 0, func() { w.u32(sequence) })
		w.box("traf", func() {
			w.full("tfhd", 0, baseIsMoof, func() { w.u32(trackID) })
			w.full("tfdt", 1, 0, func() { w.u64(decodeTime) })
			w.full("trun", 1, trunFields, func() {
				w.u32(uint32(len(samples)))
				offsetAt = len(w.b)
				w.u32(0)
				describe(w, samples)
			})
		})
	})
	binary.BigEndian.PutUint32(w.b[offsetAt:], uint32(len(w.b)-moof+mdatHeader))
	w.box("mdat", func() {
		for i := range samples {
			w.raw(samples[i].Data)
		}
	})
	return w.b
}

func describe(w *boxes, samples []Sample) {
	for i := range samples {
		s := &samples[i]
		w.u32(s.Duration)
		w.u32(uint32(len(s.Data)))
		if s.Sync {
			w.u32(flagsSync)
		} else {
			w.u32(flagsNonSync)
		}
		w.u32(uint32(s.Offset))
	}
}
