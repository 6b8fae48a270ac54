package isobmff

import (
	"math"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Entry is a sample entry of stsd.
type Entry struct {
	FourCC string
	Raw    []byte // the whole box
	// Video entries.
	Width, Height int
	// Audio entries.
	Channels   int
	SampleBits int
	SampleRate float64
	// FrameBytes is what one sample of all channels of PCM takes, where a QuickTime
	// description says so; else 0.
	FrameBytes int
	Flags      uint32 // formatSpecificFlags of version 2: 1 float, 2 big endian, 4 signed
	HasFlags   bool
	// Boxes is the part of the entry that holds further boxes.
	Boxes []byte
}

// Child returns the payload of a box in the entry, looking also in QuickTime's
// wave box, or nil.
func (e *Entry) Child(name string) []byte {
	if b := Find(e.Boxes, name); b != nil {
		return b
	}
	return Find(e.Boxes, "wave", name)
}

const (
	entryHeader = 8  // reserved, data reference
	videoFields = 70 // of VisualSampleEntry after that
	audioFields = 20 // of AudioSampleEntry after that
	maxEntries  = 1024
)

func readEntries(handler string, stsd []byte) ([]Entry, error) {
	f := fields{b: stsd}
	f.full()
	count := f.u32()
	if f.short || count > maxEntries {
		return nil, malformed("a sample description lists %d entries", count)
	}
	var entries []Entry
	for box := range Children(f.b) {
		if len(entries) == int(count) {
			break
		}
		e := Entry{FourCC: box.Type, Raw: box.Raw}
		var err error
		switch {
		case len(box.Data) < entryHeader:
			err = malformed("the sample entry %q has %d bytes", box.Type, len(box.Data))
		case handler == "vide":
			err = e.readVideo(box.Data[entryHeader:])
		case handler == "soun":
			err = e.readAudio(box.Data[entryHeader:])
		default:
			e.Boxes = box.Data[entryHeader:]
		}
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func (e *Entry) readVideo(b []byte) error {
	f := fields{b: b}
	f.skip(16)
	e.Width, e.Height = int(f.u16()), int(f.u16())
	f.skip(videoFields - 20)
	if f.short {
		return malformed("the video sample entry %q has %d bytes", e.FourCC, len(b))
	}
	e.Boxes = f.b
	return nil
}

// readAudio reads the description of sound in its three versions (QuickTime
// File Format, "Sound Sample Descriptions"; MP4 uses the first only).
func (e *Entry) readAudio(b []byte) error {
	f := fields{b: b}
	version := f.u16()
	f.skip(6)
	e.Channels, e.SampleBits = int(f.u16()), int(f.u16())
	f.skip(4)
	e.SampleRate = float64(f.u32()) / (1 << 16)
	switch version {
	case 0:
	case 1:
		f.skip(8) // samples per packet, bytes per packet
		e.FrameBytes = int(f.u32())
		f.skip(4)
	case 2:
		f.skip(4)
		e.SampleRate = math.Float64frombits(f.u64())
		channels := f.u32()
		f.skip(4)
		bits, flags, frame := f.u32(), f.u32(), f.u32()
		f.skip(4)
		if channels > 1<<16 || bits > 64 || frame > 1<<20 {
			return malformed("the sound description %q claims %d channels of %d bits", e.FourCC, channels, bits)
		}
		e.Channels, e.SampleBits, e.FrameBytes = int(channels), int(bits), int(frame)
		e.Flags, e.HasFlags = flags, true
	default:
		return fault.Newf(fault.UnsupportedFile, "the sound description %q has version %d, which is not known", e.FourCC, version)
	}
	if f.short {
		return malformed("the audio sample entry %q has %d bytes", e.FourCC, len(b))
	}
	if e.FrameBytes < 0 || e.FrameBytes > 1<<20 || !(e.SampleRate >= 0 && e.SampleRate < 1<<24) {
		return malformed("the sound description %q claims %d bytes a sample at %g Hz", e.FourCC, e.FrameBytes, e.SampleRate)
	}
	e.Boxes = f.b
	return nil
}
