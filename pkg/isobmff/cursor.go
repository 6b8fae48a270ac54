package isobmff

import "math"

// Sample is one sample of a track.
type Sample struct {
	Offset      int64 // in the file
	Size        uint32
	DTS         int64 // decode time in the track's ticks
	PTS         int64 // composition time in the track's ticks, before the edit list
	Duration    uint32
	Sync        bool // the container calls it a sync sample
	Description int  // index into Track.Entries, from 0
}

// End returns the offset after the sample.
func (s *Sample) End() int64 { return s.Offset + int64(s.Size) }

// run counts down the entries of a run-length table.
type run struct {
	next int // entry to be read
	left uint32
}

func (r *run) step(t table) bool {
	for r.left == 0 {
		if r.next >= t.len() {
			return false
		}
		r.left = t.at(r.next, 0)
		r.next++
	}
	r.left--
	return true
}

// Cursor walks the samples of a track in decode order.
type Cursor struct {
	track   *Track
	spans   SpanCursor
	span    Span
	inSpan  int64 // samples of the span handed out
	at      int64 // offset of the next sample
	number  uint32
	dts     int64
	times   run
	offsets run
	syncAt  int
}

// Samples returns a cursor at the track's first sample in the moov box. For
// tracks of PCM use Spans.
func (t *Track) Samples() *Cursor { return &Cursor{track: t, spans: *t.Spans()} }

// Next returns the next sample, or false after the last. It returns a fault
// where the tables do not agree.
func (c *Cursor) Next() (Sample, bool, error) {
	tab := c.track.table
	if tab == nil || c.number >= tab.sizes.count {
		return Sample{}, false, nil
	}
	for c.inSpan >= c.span.Count {
		span, ok, err := c.spans.Next()
		if err != nil {
			return Sample{}, false, err
		}
		if !ok {
			return Sample{}, false, malformed("track %d lists %d samples, but its chunks hold %d", c.track.ID, tab.sizes.count, c.number)
		}
		c.span, c.inSpan, c.at = span, 0, span.Offset
	}
	if !c.times.step(tab.times) {
		return Sample{}, false, malformed("track %d lists %d samples, but times of %d only", c.track.ID, tab.sizes.count, c.number)
	}
	s := Sample{
		Offset: c.at, Size: tab.sizes.at(c.number), DTS: c.dts, PTS: c.dts,
		Duration: tab.times.at(c.times.next-1, 1), Sync: tab.allSync, Description: c.span.Description,
	}
	if c.offsets.step(tab.offsets) {
		s.PTS += int64(int32(tab.offsets.at(c.offsets.next-1, 1)))
	}
	c.number++
	c.inSpan++
	c.at += int64(s.Size)
	c.dts += int64(s.Duration)
	s.Sync = s.Sync || c.listed()
	if c.dts > math.MaxInt64/4 || c.at < 0 {
		return Sample{}, false, malformed("sample %d of track %d lies beyond all bounds", c.number, c.track.ID)
	}
	return s, true, nil
}

// listed says whether the sample just numbered stands in stss.
func (c *Cursor) listed() bool {
	sync := c.track.table.sync
	for c.syncAt < sync.len() && sync.at(c.syncAt, 0) < c.number {
		c.syncAt++
	}
	return c.syncAt < sync.len() && sync.at(c.syncAt, 0) == c.number
}

// Span is a stretch of samples that stand one after another in the file: a
// chunk of the sample table.
type Span struct {
	Offset      int64
	First       int64 // number of its first sample, from 0
	Count       int64
	Description int
}

// SpanCursor walks a track's chunks without looking at samples.
type SpanCursor struct {
	track *Track
	chunk int
	entry int
	first int64
}

// Spans returns a cursor at the track's first chunk.
func (t *Track) Spans() *SpanCursor { return &SpanCursor{track: t} }

// Next returns the next chunk, or false after the last. The last is cut to the
// number of samples that the track lists.
func (c *SpanCursor) Next() (Span, bool, error) {
	tab := c.track.table
	if tab == nil {
		return Span{}, false, nil
	}
	left := int64(tab.sizes.count) - c.first
	if c.chunk >= tab.chunks.len() || left <= 0 {
		return Span{}, false, nil
	}
	for c.entry+1 < tab.toChunk.len() && int64(tab.toChunk.at(c.entry+1, 0)) <= int64(c.chunk)+1 {
		c.entry++
	}
	if tab.toChunk.len() == 0 || tab.toChunk.at(c.entry, 2) == 0 {
		return Span{}, false, malformed("track %d does not say what is in its chunk %d", c.track.ID, c.chunk+1)
	}
	span := Span{
		Offset: tab.chunkOffset(c.chunk), First: c.first,
		Count:       min(int64(tab.toChunk.at(c.entry, 1)), left),
		Description: int(tab.toChunk.at(c.entry, 2)) - 1,
	}
	if span.Description >= len(c.track.Entries) || span.Offset < 0 {
		return Span{}, false, malformed("chunk %d of track %d names sample entry %d of %d", c.chunk+1, c.track.ID, span.Description+1, len(c.track.Entries))
	}
	c.chunk++
	c.first += span.Count
	return span, true, nil
}
