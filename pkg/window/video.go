package window

import (
	"errors"
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Selection is the grains of a window.
type Selection struct {
	// Grains are positions in the index, in decode order.
	Grains []int
	// Wanted counts those that are to be shown.
	Wanted int
	// Present is the time that is to be shown.
	Present mediatime.Range
	// Carried is the time from the first to the last instant of all that is there.
	Carried mediatime.Range
}

// ErrEmpty says that no grain starts within the range.
var ErrEmpty = errors.New("no grain lies within the range")

// ErrPreroll says that the index begins too late: the random access point from
// which the first wanted picture decodes lies before it.
var ErrPreroll = errors.New("no random access point to decode the range from")

// snapDistance is how near to a grain's start a bound means that start.
const snapDistance = mediatime.Microsecond

// Snap moves the bounds of want to starts of grains that are within a
// microsecond.
func Snap(index media.Index, want mediatime.Range) mediatime.Range {
	for i := range index {
		pts := index[i].PTS
		if near(pts, want.Start) {
			want.Start = pts
		}
		if near(pts, want.End) {
			want.End = pts
		}
	}
	return want
}

func near(a, b mediatime.Time) bool { return a-b <= snapDistance && b-a <= snapDistance }

// Video chooses the pictures that show want. The index may begin and end
// anywhere. It returns ErrEmpty, or ErrPreroll when it begins too late; the
// caller may then try again with more grains before it.
func Video(index media.Index, want mediatime.Range) (Selection, error) {
	want = Snap(index, want)
	first, last, wanted := -1, -1, 0
	earliest := mediatime.Max
	present := mediatime.Range{}
	for i := range index {
		g := &index[i].Grain
		if !want.Contains(g.PTS) {
			continue
		}
		if first < 0 {
			first = i
		}
		last = i
		wanted++
		earliest = min(earliest, g.PTS)
		present = present.Union(g.Range())
	}
	if wanted == 0 {
		return Selection{}, fmt.Errorf("range %s: %w", want, ErrEmpty)
	}
	start, ok := startFor(index, first, last, earliest)
	if !ok {
		return Selection{}, fmt.Errorf("range %s: %w", want, ErrPreroll)
	}
	s := Selection{Wanted: wanted, Present: mediatime.NewRange(earliest, min(present.End, max(want.End, earliest+1)))}
	for i := start; i <= last; i++ {
		if i > start && undecodable(index, start, i) {
			continue
		}
		s.Grains = append(s.Grains, i)
		s.Carried = s.Carried.Union(index[i].Range())
	}
	return s, nil
}

// settling is how many pictures a window needs before players are sure to show
// all of it when it starts at an open GOP. ffmpeg 5.1 calls a picture sound when it
// is decoded after the access point has been put out, and with one thread it stops at
// the first that is not when the stream ends: twice the 16 pictures that H.264 may
// hold back.
const settling = 32

// startFor returns the last random access point, at or before first in decode
// order, from which all pictures up to last that are shown from earliest on decode:
// a clean one, or one that leaves time to settle, or else the first there is.
func startFor(index media.Index, first, last int, earliest mediatime.Time) (int, bool) {
	open := -1
	for i := first; i >= 0; i-- {
		clean, ok := cleanFrom(index, i)
		if !ok || clean > earliest {
			continue
		}
		if index[i].Access == media.Clean || last-i >= settling {
			return i, true
		}
		open = i // further back is better
	}
	return open, open >= 0
}

// cleanFrom returns the time from which pictures are right when decoding starts
// at a picture, or false if it cannot.
func cleanFrom(index media.Index, at int) (mediatime.Time, bool) {
	g := &index[at].Grain
	switch g.Access {
	case media.NotRandom:
	case media.Clean:
		return mediatime.Min, true
	case media.OpenGOP:
		return g.PTS, true
	case media.Recovery:
		return recovered(index, at)
	}
	return 0, false
}

// recovered finds the picture from which all is right when decoding starts at a
// recovery point: the one that the next recovery point leads to. One's own count
// is not enough: x264 starts a period with the columns of the last one not yet
// done when periods are short, and its pictures are right a whole period later
// than recovery_frame_cnt says (measured: keyint 8, 6 columns, every other point).
func recovered(index media.Index, at int) (mediatime.Time, bool) {
	for i := at + 1; i < len(index); i++ {
		switch index[i].Access {
		case media.NotRandom:
		case media.Clean, media.OpenGOP:
			return index[i].PTS, true
		case media.Recovery:
			return promised(index, i)
		}
	}
	return 0, false
}

// promised returns the time of the picture that a recovery point names: the
// first, in decode order, whose frame number is the point's plus
// recovery_frame_cnt (H.264 D.2.8). Frame numbers grow by one after each picture
// that others refer to.
func promised(index media.Index, at int) (mediatime.Time, bool) {
	left := int(index[at].RecoveryFrames)
	for i := at; i < len(index); i++ {
		if left == 0 {
			return index[i].PTS, true
		}
		if !index[i].Disposable {
			left--
		}
	}
	return 0, false
}

// undecodable says whether a picture is lost when decoding starts at start: a
// leading picture of an open GOP. Nothing that can be shown refers to it.
func undecodable(index media.Index, start, i int) bool {
	return index[start].Access == media.OpenGOP && index[i].PTS < index[start].PTS
}
