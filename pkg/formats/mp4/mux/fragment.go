package mux

import (
	"fmt"
	"math"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Clock places the grains of all renditions of one presentation on the time line
// of its fragments: a grain is presented at PTS - Origin + Shift. Shift is the same
// for all tracks, at least the greatest Delay and their priming, so that no decode
// time is negative (media rule 23).
type Clock struct {
	Origin, Shift mediatime.Time
}

// Delay returns how much earlier than it is shown a picture must be decoded: the
// most by which a picture is shown before the one at its place.
func Delay(index media.Index) mediatime.Time {
	delay := mediatime.Time(0)
	for i := range index {
		delay = max(delay, index[i].Order-index[i].PTS)
	}
	return delay
}

// VideoFragment lays out grains of H.264 that follow one another as the samples of
// a fragment. Delay is that of the whole Flow. It returns ErrNoConfig for a Flow
// without configuration.
func VideoFragment(flow *media.Flow, index media.Index, c Clock, delay mediatime.Time) (*Track, error) {
	t, configs, err := newVideoTrack(flow)
	if err != nil {
		return nil, err
	}
	scale := timescaleOf(flow)
	if scale.source {
		// Ticks of the source are not on the store's time line.
		scale = timescale{ticks: varyingScale}
	}
	t.Timescale = scale.ticks
	shift, late := mediatime.Ticks(c.Shift, scale.ticks), mediatime.Ticks(delay, scale.ticks)
	for i := range index {
		g := &index[i]
		if int(g.Config) >= len(configs) {
			return nil, fmt.Errorf("grain at %s has configuration %d of %d: %w", g.PTS, g.Config+1, len(configs), ErrNoConfig)
		}
		size, err := configs[g.Config].sampleSize(g)
		if err != nil {
			return nil, err
		}
		turn := media.Grain{PTS: g.Order}
		dts := scale.at(&turn, c.Origin) + shift - late
		offset := scale.at(&g.Grain, c.Origin) + shift - dts
		if dts < 0 || offset < 0 || offset > math.MaxInt32 {
			return nil, fmt.Errorf("grain at %s would be decoded at tick %d, %d before it is shown: %w", g.PTS, dts, offset, ErrTooLarge)
		}
		t.Grains = append(t.Grains, i)
		t.Samples = append(t.Samples, Sample{Size: size, DTS: dts, Offset: uint32(offset), Sync: g.Access == media.Clean, Entry: int(g.Config)})
	}
	for i := range t.Samples {
		s := &t.Samples[i]
		s.Duration = uint32(scale.length(&index[i].Grain))
		if i+1 < len(t.Samples) {
			s.Duration = uint32(t.Samples[i+1].DTS - s.DTS)
		}
	}
	t.convertVideo(index, configs)
	return t, nil
}

// AACFragment lays out grains of AAC that follow one another as the samples of a
// fragment.
func AACFragment(flow *media.Flow, index media.Index, c Clock) (*Track, error) {
	t, err := newAACTrack(flow)
	if err != nil || len(index) == 0 {
		return t, err
	}
	dts := mediatime.Ticks(index[0].PTS-c.Origin+c.Shift, t.Timescale)
	if dts < 0 {
		return nil, fmt.Errorf("grain at %s would be decoded at tick %d: %w", index[0].PTS, dts, ErrTooLarge)
	}
	for i := range index {
		g := &index[i]
		t.Grains = append(t.Grains, i)
		t.Samples = append(t.Samples, Sample{Size: uint32(g.Size), DTS: dts, Duration: g.Samples, Sync: true, Entry: min(int(g.Config), len(t.Entries)-1)})
		dts += int64(g.Samples)
	}
	return t, nil
}

// InitSegment returns the initialisation segment of a track (ISO/IEC 14496-12,
// 8.16; CMAF header), whatever samples it holds.
func InitSegment(t *Track) []byte {
	bare := *t
	bare.Samples, bare.MediaTime, bare.Duration, bare.Delay = nil, 0, 0, 0
	m := movie{tracks: []*Track{&bare}, scale: t.Timescale}
	m.box("ftyp", func() {
		m.text("iso6")
		m.u32(0)
		m.text("iso6cmfcmp41")
	})
	m.box("moov", func() {
		m.header()
		m.track(0, false)
		m.box("mvex", func() {
			m.full("trex", 0, 0, func() {
				m.u32(1)
				m.u32(1)
				m.zero(12)
			})
		})
	})
	return m.b
}

// Flags of samples (ISO/IEC 14496-12, 8.8.3.1).
const (
	flagsSync    = 0x02000000 // depends on no other
	flagsNonSync = 0x01010000 // depends on others, is no sync sample
)

// SegmentHead returns a media segment up to the payload of mdat, which is the
// track's samples one after another. All samples must be of one sample entry.
func SegmentHead(t *Track, sequence uint32) ([]byte, error) {
	payload := int64(8)
	for i := range t.Samples {
		payload += int64(t.Samples[i].Size)
		if t.Samples[i].Entry != t.Samples[0].Entry {
			return nil, fmt.Errorf("sample %d has another sample entry than the first: %w", i+1, ErrNoConfig)
		}
	}
	if len(t.Samples) == 0 || payload > math.MaxUint32 {
		return nil, fmt.Errorf("segment of %d samples, %d bytes: %w", len(t.Samples), payload, ErrTooLarge)
	}
	var w boxes
	w.box("styp", func() {
		w.text("msdh")
		w.u32(0)
		w.text("msdhmsix")
	})
	start, offsetAt := len(w.b), 0
	w.box("moof", func() {
		w.full("mfhd", 0, 0, func() { w.u32(sequence) })
		w.box("traf", func() { offsetAt = w.trackFragment(t) })
	})
	w.patch(offsetAt, uint32(len(w.b)-start)+8)
	w.u32(uint32(payload))
	w.text("mdat")
	return w.b, nil
}

// trackFragment writes the boxes of a traf and returns where its data offset
// stands.
func (m *boxes) trackFragment(t *Track) (offsetAt int) {
	const baseIsMoof, hasDescription = 0x020000, 0x000002
	m.full("tfhd", 0, baseIsMoof|hasDescription, func() {
		m.u32(1)
		m.u32(uint32(t.Samples[0].Entry) + 1)
	})
	m.full("tfdt", 1, 0, func() { m.u64(uint64(t.Samples[0].DTS)) })
	const dataOffset, durations, sizes, flags, offsets = 0x1, 0x100, 0x200, 0x400, 0x800
	m.full("trun", 1, dataOffset|durations|sizes|flags|offsets, func() {
		m.u32(uint32(len(t.Samples)))
		offsetAt = len(m.b)
		m.u32(0)
		for i := range t.Samples {
			s := &t.Samples[i]
			m.u32(s.Duration)
			m.u32(s.Size)
			if s.Sync {
				m.u32(flagsSync)
			} else {
				m.u32(flagsNonSync)
			}
			m.u32(s.Offset)
		}
	})
	return offsetAt
}
