package isobmff

import (
	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Run is a stretch of samples of one track in a fragment.
type Run struct {
	Track *Track
	// Samples lists them, except where Count says that there are so many alike.
	Samples []Sample
	Spans   []Span
}

// FragmentCursor walks the moof boxes of a file.
type FragmentCursor struct {
	src    Source
	movie  *Movie
	offset int64
	// next is the decode time that follows the last sample of each track, for
	// fragments without tfdt.
	next map[uint32]int64
	// frames counts samples of PCM.
	frames map[uint32]int64
	budget int64 // samples that the fragment being read may still list
}

// maxFragmentSamples bounds a fragment: samples of one size take no bytes in it.
const maxFragmentSamples = 1 << 20

// Fragments returns a cursor at the first moof.
func (m *Movie) Fragments(src Source) *FragmentCursor {
	c := &FragmentCursor{src: src, movie: m, offset: m.FirstMoof, next: map[uint32]int64{}, frames: map[uint32]int64{}}
	for _, t := range m.Tracks {
		c.frames[t.ID] = t.SampleCount()
		if t.SampleCount() > 0 {
			c.next[t.ID] = int64(t.Duration)
		}
	}
	return c
}

// Next returns the runs of the next fragment, or nil after the last. A file
// that ends inside a box gives a truncated_file fault, after every whole
// fragment has been handed out.
func (c *FragmentCursor) Next() ([]Run, error) {
	if c.movie.FirstMoof == 0 {
		return nil, nil
	}
	for c.offset < c.src.Size() {
		h, err := ReadHeader(c.src, c.offset)
		if err != nil {
			return nil, err
		}
		c.movie.IndexBytes += longHeader
		c.offset = h.End()
		if h.Type != "moof" {
			if h.End() > c.src.Size() {
				return nil, fault.Newf(fault.TruncatedFile, "the file ends at byte %d, inside the box %q that runs to %d", c.src.Size(), h.Type, h.End())
			}
			continue
		}
		moof, err := ReadBody(c.src, h, maxMoof)
		if err != nil {
			return nil, err
		}
		c.movie.IndexBytes += int64(len(moof))
		return c.readMoof(h, moof)
	}
	return nil, nil
}

func (c *FragmentCursor) readMoof(h Header, moof []byte) ([]Run, error) {
	c.budget = maxFragmentSamples
	runs := make([]Run, 0, len(c.movie.Tracks))
	// Without a base, data follows that of the track fragment before (8.8.7.1).
	follows := h.Offset
	first := true
	for box := range Children(moof) {
		if box.Type != "traf" {
			continue
		}
		tf := trackFragment{cursor: c, moof: h.Offset, base: follows}
		if first {
			tf.base = h.Offset
		}
		run, err := tf.read(box.Data)
		if err != nil {
			return nil, err
		}
		first, follows = false, tf.end
		if run.Track != nil {
			runs = append(runs, run)
		}
	}
	return runs, nil
}

// Flags of tfhd and trun (ISO/IEC 14496-12, 8.8.7 and 8.8.8).
const (
	tfhdBase        = 0x000001
	tfhdDescription = 0x000002
	tfhdDuration    = 0x000008
	tfhdSize        = 0x000010
	tfhdFlags       = 0x000020
	tfhdBaseIsMoof  = 0x020000

	trunOffset     = 0x000001
	trunFirstFlags = 0x000004
	trunDuration   = 0x000100
	trunSize       = 0x000200
	trunFlags      = 0x000400
	trunComposed   = 0x000800

	sampleIsNonSync = 0x010000
)

// trackFragment reads one traf.
type trackFragment struct {
	cursor   *FragmentCursor
	moof     int64
	base     int64
	end      int64 // after the data of the last run
	track    *Track
	defaults fragmentDefaults
	dts      int64
	run      Run
}

func (tf *trackFragment) read(traf []byte) (Run, error) {
	if err := tf.readHeader(Find(traf, "tfhd")); err != nil || tf.track == nil {
		tf.end = tf.base
		return Run{}, err
	}
	tf.dts = tf.cursor.next[tf.track.ID]
	if b := Find(traf, "tfdt"); b != nil {
		f := fields{b: b}
		version, _ := f.full()
		tf.dts = int64(f.word(version))
		if f.short || tf.dts < 0 || tf.dts > 1<<60 {
			return Run{}, malformed("the decode time of a fragment of track %d is impossible", tf.track.ID)
		}
	}
	tf.run.Track = tf.track
	tf.end = tf.base
	for box := range Children(traf) {
		if box.Type != "trun" {
			continue
		}
		if err := tf.readRun(box.Data); err != nil {
			return Run{}, err
		}
	}
	tf.cursor.next[tf.track.ID] = tf.dts
	return tf.run, nil
}

func (tf *trackFragment) readHeader(b []byte) error {
	f := fields{b: b}
	_, flags := f.full()
	id := f.u32()
	for _, t := range tf.cursor.movie.Tracks {
		if t.ID == id {
			tf.track, tf.defaults = t, t.defaults
		}
	}
	if tf.track == nil {
		return nil
	}
	if flags&tfhdBaseIsMoof != 0 {
		tf.base = tf.moof
	}
	if flags&tfhdBase != 0 {
		tf.base = int64(f.u64())
	}
	for _, field := range [...]struct {
		flag uint32
		to   *uint32
	}{
		{tfhdDescription, &tf.defaults.description}, {tfhdDuration, &tf.defaults.duration},
		{tfhdSize, &tf.defaults.size}, {tfhdFlags, &tf.defaults.flags},
	} {
		if flags&field.flag != 0 {
			*field.to = f.u32()
		}
	}
	tf.defaults.description = max(tf.defaults.description, 1)
	if f.short || tf.base < 0 || int(tf.defaults.description) > len(tf.track.Entries) {
		return malformed("the header of a fragment of track %d at byte %d is impossible", id, tf.moof)
	}
	return nil
}

func (tf *trackFragment) readRun(b []byte) error {
	f := fields{b: b}
	_, flags := f.full()
	count := f.u32()
	at := tf.end
	if flags&trunOffset != 0 {
		at = tf.base + int64(int32(f.u32()))
	}
	firstFlags, hasFirst := uint32(0), flags&trunFirstFlags != 0
	if hasFirst {
		firstFlags = f.u32()
	}
	width := uint64(0)
	for _, flag := range [...]uint32{trunDuration, trunSize, trunFlags, trunComposed} {
		if flags&flag != 0 {
			width += 4
		}
	}
	if f.short || at < 0 || uint64(count)*width > uint64(len(f.b)) {
		return malformed("a run of track %d at byte %d lists %d samples in %d bytes", tf.track.ID, tf.moof, count, len(b))
	}
	if tf.track.Entries[tf.defaults.description-1].IsPCM() && flags&trunSize == 0 {
		return tf.pcmRun(at, count)
	}
	if tf.cursor.budget -= int64(count); tf.cursor.budget < 0 {
		return fault.Newf(fault.UnsupportedFile, "the fragment at byte %d lists more than %d samples", tf.moof, maxFragmentSamples)
	}
	for i := range count {
		s := tf.sample(&f, flags)
		s.Offset = at
		if i == 0 && hasFirst {
			s.Sync = firstFlags&sampleIsNonSync == 0
		}
		at += int64(s.Size)
		tf.run.Samples = append(tf.run.Samples, s)
	}
	tf.end = at
	return nil
}

func (tf *trackFragment) sample(f *fields, flags uint32) Sample {
	s := Sample{Duration: tf.defaults.duration, Size: tf.defaults.size, Description: int(tf.defaults.description) - 1}
	if flags&trunDuration != 0 {
		s.Duration = f.u32()
	}
	if flags&trunSize != 0 {
		s.Size = f.u32()
	}
	sampleFlags := tf.defaults.flags
	if flags&trunFlags != 0 {
		sampleFlags = f.u32()
	}
	s.Sync = sampleFlags&sampleIsNonSync == 0
	s.DTS, s.PTS = tf.dts, tf.dts
	if flags&trunComposed != 0 {
		s.PTS += int64(int32(f.u32()))
	}
	tf.dts += int64(s.Duration)
	return s
}

// pcmRun takes a run of PCM as one span.
func (tf *trackFragment) pcmRun(at int64, count uint32) error {
	size := int64(tf.defaults.size) * int64(count)
	if tf.defaults.size == 0 || at+size > tf.cursor.src.Size() {
		return fault.Newf(fault.TruncatedFile, "a run of %d samples of track %d at byte %d reaches beyond the end of the file", count, tf.track.ID, at)
	}
	tf.run.Spans = append(tf.run.Spans, Span{
		Offset: at, First: tf.cursor.frames[tf.track.ID], Count: int64(count),
		Description: int(tf.defaults.description) - 1,
	})
	tf.cursor.frames[tf.track.ID] += int64(count)
	tf.dts += int64(count) * int64(tf.defaults.duration)
	tf.end = at + size
	return nil
}
