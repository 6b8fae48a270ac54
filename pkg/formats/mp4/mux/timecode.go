package mux

import "encoding/binary"

// timecodeTrack makes the track that labels the first frame shown, or nil.
func timecodeTrack(tracks []*Track, o Options) *Track {
	if o.Kind != QuickTime || o.Timecode == nil || o.Timecode.Rate.IsZero() {
		return nil
	}
	for _, t := range tracks {
		if t.Handler != "vide" {
			continue
		}
		code := &Track{Handler: "tmcd", Timescale: t.Timescale, Duration: t.Duration, Delay: t.Delay, timecode: o.Timecode}
		code.Entries = [][]byte{code.timecodeEntry()}
		code.Samples = []Sample{{Size: 4, Duration: uint32(t.Duration), Sync: true}}
		for _, u := range tracks {
			u.timecodeTrack = len(tracks) + 1
		}
		return code
	}
	return nil
}

// payload is the one sample of a timecode track.
func (t *Track) payload() []byte {
	return binary.BigEndian.AppendUint32(nil, uint32(t.timecode.Frames))
}

// timecodeEntry is the sample entry (QuickTime File Format, "Timecode Sample
// Description").
func (t *Track) timecodeEntry() []byte {
	var w boxes
	rate := t.timecode.Rate
	w.box("tmcd", func() {
		w.zero(6)
		w.u16(1)
		w.zero(4)
		flags := uint32(2) // wraps at midnight
		if t.timecode.Drop {
			flags |= 1
		}
		w.u32(flags)
		w.u32(uint32(rate.Num))
		w.u32(uint32(rate.Den))
		w.u8(uint8((rate.Num + rate.Den - 1) / rate.Den))
		w.u8(0)
	})
	return w.b
}

// timecodeStyle writes tcmi, which says how a player may print the label.
func (m *boxes) timecodeStyle() {
	m.full("tcmi", 0, 0, func() {
		m.zero(4)
		m.u16(12) // size of the font
		m.zero(2)
		m.zero(6)
		for range 3 {
			m.u16(0xffff) // background
		}
		m.u8(0)
	})
}
