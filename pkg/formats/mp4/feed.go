package mp4

import (
	"github.com/grainmesh/grainmesh/pkg/isobmff"
)

// feed hands out the samples of several tracks, each in decode order, from the
// moov box and from moof boxes, which are read only when a track runs dry.
type feed struct {
	fragments *isobmff.FragmentCursor
	tracks    map[*isobmff.Track]*feedTrack
	done      bool // there are no more fragments
}

type feedTrack struct {
	feed    *feed
	samples *isobmff.Cursor
	spans   *isobmff.SpanCursor
	queued  []isobmff.Sample
	stored  []isobmff.Span
}

func newFeed(src isobmff.Source, m *isobmff.Movie) *feed {
	return &feed{fragments: m.Fragments(src), tracks: map[*isobmff.Track]*feedTrack{}}
}

// open returns the feed of one track. All are opened before any is read.
func (f *feed) open(t *isobmff.Track) *feedTrack {
	ft := &feedTrack{feed: f, samples: t.Samples(), spans: t.Spans()}
	f.tracks[t] = ft
	return ft
}

// more reads a fragment and gives each track its part.
func (f *feed) more() error {
	runs, err := f.fragments.Next()
	if err != nil {
		return err
	}
	f.done = runs == nil
	for _, run := range runs {
		if t := f.tracks[run.Track]; t != nil {
			t.queued = append(t.queued, run.Samples...)
			t.stored = append(t.stored, run.Spans...)
		}
	}
	return nil
}

// sample returns the track's next sample, or false after the last.
func (t *feedTrack) sample() (isobmff.Sample, bool, error) {
	if t.samples != nil {
		s, ok, err := t.samples.Next()
		if err != nil || ok {
			return s, ok, err
		}
		t.samples = nil
	}
	return take(t.feed, &t.queued)
}

// span returns the track's next stretch of PCM, or false after the last.
func (t *feedTrack) span() (isobmff.Span, bool, error) {
	if t.spans != nil {
		s, ok, err := t.spans.Next()
		if err != nil || ok {
			return s, ok, err
		}
		t.spans = nil
	}
	return take(t.feed, &t.stored)
}

// take returns the first of what fragments have brought, reading more of them where
// nothing is left, or false after the last.
func take[T any](f *feed, queue *[]T) (first T, ok bool, err error) {
	for len(*queue) == 0 && !f.done {
		if err := f.more(); err != nil {
			return first, false, err
		}
	}
	if len(*queue) == 0 {
		return first, false, nil
	}
	first = (*queue)[0]
	*queue = (*queue)[1:]
	return first, true, nil
}
