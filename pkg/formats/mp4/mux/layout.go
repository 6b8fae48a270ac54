package mux

import (
	"fmt"
	"math"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Kind is the flavour of file.
type Kind uint8

// The kinds.
const (
	MP4 Kind = iota
	QuickTime
)

// Options say how a file is written.
type Options struct {
	Kind Kind
	// Created is the creation time in seconds since 1904; 0 keeps files repeatable.
	Created uint32
	// Timecode labels the first frame that is shown, in QuickTime files; nil for no
	// timecode track.
	Timecode *mediatime.Timecode
}

// Layout is a file of which everything but the samples is known.
type Layout struct {
	// Head is the file up to the payload of mdat.
	Head []byte
	// Order lists the samples in the order in which they follow.
	Order []Ref
	// Size is that of the whole file.
	Size   int64
	tracks []*Track
	last   []byte // payload that the layout brings itself: the timecode sample
}

// Ref names a sample: a position in New's tracks and one in its Samples.
type Ref struct{ Track, Sample int }

// chunk is a stretch of one track's samples in mdat.
type chunk struct {
	track, first, count int
	offset              int64 // in mdat's payload
	bytes               int64
}

const (
	// interleave is how much time the samples of one track take in a row.
	interleave = mediatime.Second / 2
	// maxMovieTimescale is the greatest time scale that players take without harm.
	maxMovieTimescale = math.MaxInt32
)

// New lays out a file of the given tracks. It returns ErrTooLarge where lengths or
// time scales do not fit.
func New(tracks []*Track, o Options) (*Layout, error) {
	l := &Layout{tracks: tracks}
	scale := int64(1)
	for _, t := range tracks {
		if scale = mediatime.LCM(scale, t.Timescale); scale > maxMovieTimescale {
			return nil, fmt.Errorf("movie time scale: %w", ErrTooLarge)
		}
	}
	all := tracks
	if code := timecodeTrack(tracks, o); code != nil {
		all = append(append([]*Track(nil), tracks...), code)
		l.last = code.payload()
	}
	chunks := arrange(all)
	total := int64(0)
	for i := range chunks {
		chunks[i].offset = total
		total += chunks[i].bytes
		if chunks[i].track >= len(tracks) {
			continue // the timecode is ours
		}
		for k := range chunks[i].count {
			l.Order = append(l.Order, Ref{chunks[i].track, chunks[i].first + k})
		}
	}
	m := movie{tracks: all, chunks: chunks, scale: scale, options: o}
	l.Head = m.head(total)
	l.Size = int64(len(l.Head)) + total
	return l, nil
}

// arrange cuts tracks into chunks of half a second and puts them in the order of
// time. The timecode comes last.
func arrange(tracks []*Track) []chunk {
	next := make([]int, len(tracks))
	var chunks []chunk
	for {
		first, when := -1, mediatime.Max
		for i, t := range tracks {
			if next[i] == len(t.Samples) {
				continue
			}
			at := mediatime.Rescale(t.Samples[next[i]].DTS-t.MediaTime, t.Timescale)
			if t.Handler == "tmcd" {
				at = mediatime.Max - 1
			}
			if at < when {
				first, when = i, at
			}
		}
		if first < 0 {
			return chunks
		}
		t := tracks[first]
		c := chunk{track: first, first: next[first]}
		end := t.Samples[c.first].DTS + mediatime.Ticks(interleave, t.Timescale)
		for n := c.first; n < len(t.Samples) && t.Samples[n].DTS < end && t.Samples[n].Entry == t.Samples[c.first].Entry; n++ {
			c.count++
			c.bytes += int64(t.Samples[n].Size)
		}
		next[first] += c.count
		chunks = append(chunks, c)
	}
}
