package mux

import (
	"math"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// movie writes the boxes around the samples.
type movie struct {
	boxes
	tracks  []*Track
	chunks  []chunk
	scale   int64
	options Options
	base    int64 // offset in the file of mdat's payload
}

// head returns ftyp, moov and the header of mdat.
func (m *movie) head(payload int64) []byte {
	m.write(payload, false)
	wide := int64(len(m.b))+payload > math.MaxUint32
	m.write(payload, wide)
	// Offsets do not change the size of their table.
	m.base = int64(len(m.b))
	m.write(payload, wide)
	return m.b
}

// write writes it all; wide says that offsets need 64 bits.
func (m *movie) write(payload int64, wide bool) {
	m.b = m.b[:0]
	m.box("ftyp", m.brands)
	m.box("moov", func() {
		m.header()
		for i := range m.tracks {
			m.track(i, wide)
		}
	})
	if wide {
		m.u32(1)
		m.text("mdat")
		m.u64(uint64(payload) + 16)
		return
	}
	m.u32(uint32(payload) + 8)
	m.text("mdat")
}

func (m *movie) brands() {
	if m.options.Kind == QuickTime {
		m.text("qt  ")
		m.u32(0x20050300)
		m.text("qt  ")
		return
	}
	m.text("isom")
	m.u32(0x200)
	m.text("isomiso2avc1mp41")
}

// ticks converts a track's ticks to the movie's; the movie's scale is a multiple.
func (m *movie) ticks(t *Track, n int64) uint64 { return uint64(n * (m.scale / t.Timescale)) }

// shown is the length of a track on the movie's time line.
func (m *movie) shown(t *Track) uint64 { return m.delay(t) + m.ticks(t, t.Duration) }

func (m *movie) delay(t *Track) uint64 { return uint64(mediatime.Ticks(t.Delay, m.scale)) }

func (m *movie) duration() uint64 {
	longest := uint64(0)
	for _, t := range m.tracks {
		longest = max(longest, m.shown(t))
	}
	return longest
}

func (m *movie) header() {
	m.full("mvhd", 1, 0, func() {
		m.header64(m.options.Created)
		m.u32(uint32(m.scale))
		m.u64(m.duration())
		m.u32(1 << 16) // rate
		m.u16(1 << 8)  // volume
		m.zero(10)
		m.matrix()
		m.zero(24)
		m.u32(uint32(len(m.tracks)) + 1)
	})
}

func (m *movie) track(i int, wide bool) {
	t := m.tracks[i]
	m.box("trak", func() {
		m.trackHeader(i, m.shown(t))
		if t.Duration > 0 {
			m.edits(t)
		}
		if t.timecodeTrack > 0 {
			m.box("tref", func() { m.box("tmcd", func() { m.u32(uint32(t.timecodeTrack)) }) })
		}
		m.box("mdia", func() {
			m.mediaHeader(t, uint64(t.mediaDuration()))
			m.handler(t)
			m.box("minf", func() {
				m.mediaInformation(t)
				m.dataReference()
				m.box("stbl", func() { m.sampleTable(i, wide) })
			})
		})
	})
}

// header64 writes the times of creation and change.
func (m *boxes) header64(created uint32) {
	m.u64(uint64(created))
	m.u64(uint64(created))
}

func (m *movie) trackHeader(i int, duration uint64) {
	t := m.tracks[i]
	flags := uint32(3) // enabled, in movie
	if t.Handler == "tmcd" {
		flags = 0
	}
	m.full("tkhd", 1, flags, func() {
		m.header64(m.options.Created)
		m.u32(uint32(i) + 1)
		m.zero(4)
		m.u64(duration)
		m.zero(12)
		if t.Handler == "soun" {
			m.u16(1 << 8) // volume
		} else {
			m.u16(0)
		}
		m.zero(2)
		m.matrix()
		m.u32(uint32(t.Width) << 16)
		m.u32(uint32(t.Height) << 16)
	})
}

func (m *movie) edits(t *Track) {
	m.box("edts", func() {
		m.full("elst", 1, 0, func() {
			count := uint32(1)
			if m.delay(t) > 0 {
				count = 2
			}
			m.u32(count)
			if m.delay(t) > 0 {
				m.u64(m.delay(t))
				m.u64(math.MaxUint64) // -1: nothing is shown
				m.u32(1 << 16)
			}
			m.u64(m.ticks(t, t.Duration))
			m.u64(uint64(t.MediaTime))
			m.u32(1 << 16)
		})
	})
}

func (m *movie) mediaHeader(t *Track, duration uint64) {
	m.full("mdhd", 1, 0, func() {
		m.header64(m.options.Created)
		m.u32(uint32(t.Timescale))
		m.u64(duration)
		m.u16(language(t.Language))
		m.u16(0)
	})
}

// language packs an ISO 639-2 code.
func language(code string) uint16 {
	if len(code) != 3 {
		code = "und"
	}
	v := uint16(0)
	for _, c := range []byte(code) {
		v = v<<5 | uint16(c-0x60)&31
	}
	return v
}

func (m *movie) handler(t *Track) {
	m.full("hdlr", 0, 0, func() {
		component := "\x00\x00\x00\x00"
		if m.options.Kind == QuickTime {
			component = "mhlr"
		}
		m.text(component)
		m.text(t.Handler)
		m.zero(12)
		name := map[string]string{"vide": "VideoHandler", "soun": "SoundHandler"}[t.Handler]
		if m.options.Kind == QuickTime {
			m.u8(uint8(len(name)))
			m.text(name)
			return
		}
		m.text(name + "\x00")
	})
}

func (m *movie) mediaInformation(t *Track) {
	switch t.Handler {
	case "vide":
		m.full("vmhd", 0, 1, func() { m.zero(8) })
	case "soun":
		m.full("smhd", 0, 0, func() { m.zero(4) })
	default:
		m.box("gmhd", func() {
			m.full("gmin", 0, 0, func() {
				m.u16(0x40)
				m.zero(10)
			})
			m.box("tmcd", func() { m.timecodeStyle() })
		})
	}
	if m.options.Kind == QuickTime {
		m.full("hdlr", 0, 0, func() {
			m.text("dhlrurl ")
			m.zero(12)
			m.u8(0)
		})
	}
}

func (m *boxes) dataReference() {
	m.box("dinf", func() {
		m.full("dref", 0, 0, func() {
			m.u32(1)
			m.full("url ", 0, 1, func() {})
		})
	})
}
