package mux

func (m *movie) sampleTable(i int, wide bool) {
	t := m.tracks[i]
	m.descriptions(t)
	m.times(t)
	if !t.pcm() {
		m.syncSamples(t)
		m.compositionOffsets(t)
	}
	m.chunkMap(i)
	m.sizes(t)
	name := "stco"
	if wide {
		name = "co64"
	}
	m.full(name, 0, 0, func() {
		m.counted(func(put func()) {
			for _, c := range m.chunks {
				if c.track != i {
					continue
				}
				put()
				if wide {
					m.u64(uint64(m.base + c.offset))
				} else {
					m.u32(uint32(m.base + c.offset))
				}
			}
		})
	})
}

// counted writes a 32-bit count and then what body writes; body calls put once
// before each entry.
func (m *boxes) counted(body func(put func())) {
	at := len(m.b)
	m.u32(0)
	n := uint32(0)
	body(func() { n++ })
	m.patch(at, n)
}

func (m *boxes) descriptions(t *Track) {
	m.full("stsd", 0, 0, func() {
		m.u32(uint32(len(t.Entries)))
		for _, entry := range t.Entries {
			m.raw(entry)
		}
	})
}

// runs writes a table of runs of equal values.
func (m *boxes) runs(count int, value func(i int) (length, v uint32)) {
	m.counted(func(put func()) {
		for i := 0; i < count; {
			length, v := value(i)
			for i++; i < count; i++ {
				more, next := value(i)
				if next != v {
					break
				}
				length += more
			}
			put()
			m.u32(length)
			m.u32(v)
		}
	})
}

func (m *boxes) times(t *Track) {
	m.full("stts", 0, 0, func() {
		m.runs(len(t.Samples), func(i int) (uint32, uint32) {
			s := &t.Samples[i]
			if s.Count > 0 {
				return s.Count, s.Duration / s.Count
			}
			return 1, s.Duration
		})
	})
}

func (m *boxes) compositionOffsets(t *Track) {
	needed := false
	for i := range t.Samples {
		needed = needed || t.Samples[i].Offset != 0
	}
	if !needed {
		return
	}
	m.full("ctts", 0, 0, func() {
		m.runs(len(t.Samples), func(i int) (uint32, uint32) { return 1, t.Samples[i].Offset })
	})
}

func (m *boxes) syncSamples(t *Track) {
	if t.allSync() {
		return
	}
	m.full("stss", 0, 0, func() {
		m.counted(func(put func()) {
			for i := range t.Samples {
				if t.Samples[i].Sync {
					put()
					m.u32(uint32(i) + 1)
				}
			}
		})
	})
}

// samplesIn counts the samples of a chunk as the tables do.
func (t *Track) samplesIn(c *chunk) uint32 {
	if !t.pcm() {
		return uint32(c.count)
	}
	n := uint32(0)
	for _, s := range t.Samples[c.first : c.first+c.count] {
		n += s.Count
	}
	return n
}

func (m *movie) chunkMap(i int) {
	t := m.tracks[i]
	m.full("stsc", 0, 0, func() {
		m.counted(func(put func()) {
			number, last := uint32(0), [2]uint32{}
			for k := range m.chunks {
				c := &m.chunks[k]
				if c.track != i {
					continue
				}
				number++
				now := [2]uint32{t.samplesIn(c), uint32(t.Samples[c.first].Entry) + 1}
				if now == last {
					continue
				}
				last = now
				put()
				m.u32(number)
				m.u32(now[0])
				m.u32(now[1])
			}
		})
	})
}

func (m *boxes) sizes(t *Track) {
	m.full("stsz", 0, 0, func() {
		if t.pcm() {
			total := uint32(0)
			for i := range t.Samples {
				total += t.Samples[i].Count
			}
			m.u32(t.Samples[0].Size / t.Samples[0].Count)
			m.u32(total)
			return
		}
		m.u32(0)
		m.u32(uint32(len(t.Samples)))
		for i := range t.Samples {
			m.u32(t.Samples[i].Size)
		}
	})
}
