package isobmff

import "encoding/binary"

// TimecodeFormat is a tmcd sample entry (QuickTime File Format, "Timecode
// Sample Description").
type TimecodeFormat struct {
	DropFrame     bool
	Counter       bool // samples are plain counters, not times of day
	Timescale     uint32
	FrameDuration uint32
	Frames        uint8 // frames per second of the label: 30 for 29.97
}

// Flags of a tmcd entry.
const (
	timecodeDrop    = 1
	timecodeCounter = 8
)

// Timecode reads the entry of a timecode track.
func (e *Entry) Timecode() (TimecodeFormat, bool) {
	if e.FourCC != "tmcd" {
		return TimecodeFormat{}, false
	}
	f := fields{b: e.Boxes}
	f.skip(4)
	flags := f.u32()
	t := TimecodeFormat{
		DropFrame: flags&timecodeDrop != 0, Counter: flags&timecodeCounter != 0,
		Timescale: f.u32(), FrameDuration: f.u32(), Frames: f.u8(),
	}
	return t, !f.short && t.Frames > 0
}

// ReadTimecode returns the frame number in the first sample of a timecode track.
func ReadTimecode(src Source, t *Track) (uint32, bool) {
	span, ok, err := t.Spans().Next()
	if err != nil || !ok {
		return 0, false
	}
	var b [4]byte
	if n, _ := src.ReadAt(b[:], span.Offset); n < len(b) {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[:]), true
}
