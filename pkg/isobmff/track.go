package isobmff

func readTrack(trak []byte, fileSize int64) (*Track, error) {
	t := &Track{}
	if err := t.readHeader(Find(trak, "tkhd")); err != nil {
		return nil, err
	}
	if err := t.readMediaHeader(Find(trak, "mdia", "mdhd")); err != nil {
		return nil, err
	}
	if hdlr := Find(trak, "mdia", "hdlr"); len(hdlr) >= 12 {
		t.Handler = string(hdlr[8:12])
	}
	if err := t.readEdits(Find(trak, "edts", "elst")); err != nil {
		return nil, err
	}
	for refs := Find(trak, "tref", "tmcd"); len(refs) >= 4; refs = refs[4:] {
		f := fields{b: refs}
		t.Timecode = append(t.Timecode, f.u32())
	}
	stbl := Find(trak, "mdia", "minf", "stbl")
	if stbl == nil {
		return t, nil
	}
	var err error
	if t.Entries, err = readEntries(t.Handler, Find(stbl, "stsd")); err != nil {
		return nil, err
	}
	if t.table, err = readSampleTable(stbl); err != nil {
		return nil, err
	}
	s := &t.table.sizes
	if t.Handler != "soun" && int64(s.constant)*int64(s.count) > fileSize {
		return nil, malformed("track %d lists %d samples of %d bytes in a file of %d bytes", t.ID, s.count, s.constant, fileSize)
	}
	return t, nil
}

func (t *Track) readHeader(b []byte) error {
	f := fields{b: b}
	version, flags := f.full()
	f.word(version)
	f.word(version)
	t.ID = f.u32()
	f.skip(4)
	f.word(version)
	f.skip(16)
	for i := range t.Matrix {
		t.Matrix[i] = int32(f.u32())
	}
	t.Enabled = flags&1 != 0
	if f.short || t.ID == 0 {
		return malformed("a track header is missing or cut short")
	}
	return nil
}

func (t *Track) readMediaHeader(b []byte) error {
	f := fields{b: b}
	version, _ := f.full()
	f.word(version)
	f.word(version)
	t.Timescale = f.u32()
	t.Duration = f.word(version)
	language := f.u16()
	if f.short || t.Timescale == 0 || t.Timescale > 1<<31 {
		return malformed("the media header of track %d is missing or has an impossible time scale", t.ID)
	}
	if unknown := uint64(1)<<32 - 1; t.Duration == unknown || t.Duration > 1<<62 {
		t.Duration = 0
	}
	// Smaller numbers are Macintosh language codes, the greatest means none.
	if language >= 0x400 && language < 0x7fff {
		for shift := 10; shift >= 0; shift -= 5 {
			t.Language += string(rune('`' + language>>shift&31))
		}
	}
	return nil
}

func (t *Track) readEdits(b []byte) error {
	if b == nil {
		return nil
	}
	f := fields{b: b}
	version, _ := f.full()
	count, size := f.u32(), 12
	if version == 1 {
		size = 20
	}
	if uint64(count)*uint64(size) > uint64(len(f.b)) {
		return malformed("the edit list of track %d has %d entries in %d bytes", t.ID, count, len(b))
	}
	for range count {
		e := Edit{Duration: f.word(version)}
		if version == 1 {
			e.MediaTime = int64(f.u64())
		} else {
			e.MediaTime = int64(int32(f.u32()))
		}
		e.Rate = int32(f.u32())
		t.Edits = append(t.Edits, e)
	}
	return nil
}
