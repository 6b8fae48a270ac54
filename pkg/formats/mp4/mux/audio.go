package mux

import (
	"bytes"
	"fmt"
	"math"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/window"
)

// AACTrack lays out a cut of AAC. The window starts at from, which may be before
// the first sample; a hole lengthens the frame before it. It returns ErrNoConfig for
// a Flow without configuration, and ErrTooLarge for a hole of hours.
func AACTrack(flow *media.Flow, index media.Index, cut window.Cut, from mediatime.Time) (*Track, error) {
	t, err := newAACTrack(flow)
	if err != nil {
		return nil, err
	}
	t.Grains = cut.Grains
	// Of what nobody hears holes are left out: ffmpeg 5.1 counts the samples that it
	// skips, not their time.
	dts, hidden := int64(0), len(cut.Grains)-cut.Wanted
	for n, at := range cut.Grains {
		g := &index[at]
		length := int64(g.Samples)
		if n >= hidden && n+1 < len(cut.Grains) {
			length = window.FrameTicks(index, at, t.Timescale)
		}
		if length > math.MaxUint32 {
			return nil, fmt.Errorf("hole after %s: %w", g.End(), ErrTooLarge)
		}
		t.Samples = append(t.Samples, Sample{
			Size: uint32(g.Size), DTS: dts, Duration: uint32(length), Sync: true, Entry: min(int(g.Config), len(t.Entries)-1),
		})
		dts += length
	}
	t.MediaTime, t.Duration = cut.Skip, cut.Samples
	t.Delay = late(cut, from)
	return t, nil
}

// newAACTrack makes a track without samples.
func newAACTrack(flow *media.Flow) (*Track, error) {
	t := &Track{Handler: "soun", Timescale: int64(flow.Audio.SampleRate), Language: languageOf(flow)}
	for i := range flow.Configs {
		c := &flow.Configs[i]
		if len(c.Decoder) == 0 || len(c.Decoder) > 64 {
			return nil, fmt.Errorf("flow %s: %w", flow.ID, ErrNoConfig)
		}
		entry := c.SampleEntry
		if len(entry) == 0 || quickTimeSound(entry) {
			entry = newAACEntry(flow.Audio, c.Decoder)
		}
		t.Entries = append(t.Entries, entry)
	}
	if len(t.Entries) == 0 {
		return nil, fmt.Errorf("flow %s: %w", flow.ID, ErrNoConfig)
	}
	return t, nil
}

// late returns how long after the start of the window its first sample is.
func late(cut window.Cut, from mediatime.Time) mediatime.Time {
	if d := cut.Present.Start - from; d > mediatime.Microsecond {
		return d
	}
	return 0
}

// newAACEntry makes a sample entry around an AudioSpecificConfig (ISO/IEC
// 14496-14, 5.6; descriptors of ISO/IEC 14496-1, 7.2.6).
func newAACEntry(a *media.Audio, config []byte) []byte {
	var w boxes
	w.box("mp4a", func() {
		w.zero(6)
		w.u16(1)
		w.zero(8)
		w.u16(uint16(a.Channels))
		w.u16(16)
		w.zero(4)
		rate := uint32(a.SampleRate)
		if rate > 0xffff {
			rate = 0
		}
		w.u32(rate << 16)
		w.full("esds", 0, 0, func() {
			info := len(config)
			decoder := 13 + 2 + info
			w.raw([]byte{3, byte(3 + 2 + decoder + 3), 0, 0, 0, 4, byte(decoder), 0x40, 0x15})
			w.zero(3 + 4 + 4)
			w.raw([]byte{5, byte(info)})
			w.raw(config)
			w.raw([]byte{6, 1, 2})
		})
	})
	return w.b
}

// PCMTrack lays out a cut of raw audio, exact to the sample without an edit.
func PCMTrack(flow *media.Flow, index media.Index, cut window.Cut, from mediatime.Time, kind Kind) (*Track, error) {
	a := flow.Audio
	frame := uint32(a.BytesPerSample() * a.Channels)
	t := &Track{Handler: "soun", Timescale: int64(a.SampleRate), Language: languageOf(flow), Grains: cut.Grains}
	t.Entries = [][]byte{newPCMEntry(a, kind)}
	skip, left, dts := cut.Skip, cut.Samples, int64(0)
	for _, at := range cut.Grains {
		g := &index[at]
		count := min(int64(g.Samples)-skip, left)
		if count <= 0 || int64(g.Samples)*int64(frame) != g.Size {
			return nil, fmt.Errorf("grain at %s has %d samples in %d bytes: %w", g.PTS, g.Samples, g.Size, ErrSize)
		}
		t.Samples = append(t.Samples, Sample{
			Size: uint32(count) * frame, DTS: dts, Duration: uint32(count), Count: uint32(count), Sync: true, skip: uint32(skip),
		})
		skip, left, dts = 0, left-count, dts+count
	}
	t.Duration, t.Delay = cut.Samples, late(cut, from)
	t.convert = func(dst []byte, i int, data []byte, _ []uint32) ([]byte, error) {
		s := &t.Samples[i]
		begin := int(s.skip * frame)
		if begin+int(s.Size) > len(data) {
			return dst, fmt.Errorf("grain %d has %d bytes: %w", i, len(data), ErrSize)
		}
		return append(dst, data[begin:begin+int(s.Size)]...), nil
	}
	return t, nil
}

// newPCMEntry makes lpcm of version 2 for QuickTime ("Sound Sample Description
// (Version 2)"), and ipcm or fpcm for MP4 (ISO/IEC 23003-5).
func newPCMEntry(a *media.Audio, kind Kind) []byte {
	var w boxes
	bits := uint32(8 * a.BytesPerSample())
	if kind == MP4 {
		name := "ipcm"
		if a.Float {
			name = "fpcm"
		}
		w.box(name, func() {
			w.zero(6)
			w.u16(1)
			w.zero(8)
			w.u16(uint16(a.Channels))
			w.u16(uint16(bits)) // pcmC has it too, which older decoders do not read (FFmpeg 5)
			w.zero(4)
			w.u32(uint32(min(a.SampleRate, 0xffff)) << 16)
			w.full("pcmC", 0, 0, func() {
				w.u8(1) // little-endian
				w.u8(uint8(bits))
			})
		})
		return w.b
	}
	flags := uint32(4 | 8) // signed, packed
	if a.Float {
		flags = 1 | 8
	}
	w.box("lpcm", func() {
		w.zero(6)
		w.u16(1)
		w.u16(2)
		w.zero(6)
		w.raw(bytes.Join([][]byte{{0, 3, 0, 16, 0xff, 0xfe, 0, 0}, {0, 1, 0, 0}, {0, 0, 0, 72}}, nil))
		w.u64(math.Float64bits(float64(a.SampleRate)))
		w.u32(uint32(a.Channels))
		w.u32(0x7f000000)
		w.u32(bits)
		w.u32(flags)
		w.u32(uint32(a.BytesPerSample() * a.Channels))
		w.u32(1)
	})
	return w.b
}
