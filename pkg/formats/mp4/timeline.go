package mp4

import (
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

const normalRate = 1 << 16

// timeline settles the track's clock and what of it is presented.
func (t *probeTrack) timeline(m *isobmff.Movie) error {
	gap, edit, err := t.edit(m)
	if err != nil {
		return err
	}
	if t.state.Kind == kindPCM {
		return t.pcmTimeline(m, gap, edit)
	}
	c := t.survey.clock()
	c.Gap = gap
	end := t.survey.end
	if t.state.Kind == kindH264 && c.constant() {
		// Writers often get the length of the last sample wrong.
		rate := c.grainRate()
		end = t.survey.lowest + mulDivRound(t.survey.count, c.Timescale*rate.Den, rate.Num)
	}
	t.state.Begin, t.state.End = t.survey.lowest, end
	if edit != nil {
		c.MediaTime = edit.MediaTime
		t.state.Begin = max(t.state.Begin, edit.MediaTime)
		t.state.End = t.editEnd(m, edit, end)
	}
	t.state.Clock = c
	if t.state.End <= t.state.Begin {
		return fault.Newf(fault.UnsupportedFile, "the edit list of track %d shows nothing of it", t.state.Number)
	}
	return nil
}

// edit returns the empty edits before the one media edit, and that.
func (t *probeTrack) edit(m *isobmff.Movie) (gap mediatime.Time, edit *isobmff.Edit, err error) {
	for i := range t.Edits {
		e := &t.Edits[i]
		switch {
		case e.MediaTime == -1 && edit == nil:
			gap += mediatime.Rescale(int64(min(e.Duration, 1<<62)), int64(m.Timescale))
		case e.MediaTime == -1:
			// An empty edit at the end shows nothing.
		case edit != nil:
			return 0, nil, fault.Newf(fault.UnsupportedFile, "the edit list of track %d has several media edits, which is not supported", t.state.Number)
		case e.Rate != normalRate || e.MediaTime < 0:
			return 0, nil, fault.Newf(fault.UnsupportedFile, "the edit list of track %d plays it at a rate other than 1, which is not supported", t.state.Number)
		default:
			edit = e
		}
	}
	return gap, edit, nil
}

// editEnd returns the tick at which the edit ends. Its length counts in the
// movie's ticks, which are coarser than the media's: an end that is within one
// of them of the media's own end means that.
func (t *probeTrack) editEnd(m *isobmff.Movie, e *isobmff.Edit, mediaEnd int64) int64 {
	scale := int64(m.Timescale)
	if e.Duration == 0 || e.Duration > 1<<60 {
		return mediaEnd
	}
	end := e.MediaTime + mulDivRound(int64(e.Duration), int64(t.Timescale), scale)
	tick := mulDivRound(1, int64(t.Timescale), scale) + 1
	if end > mediaEnd-tick {
		return mediaEnd
	}
	return end
}

// pcmTimeline works in samples, whatever the track's time scale is.
func (t *probeTrack) pcmTimeline(m *isobmff.Movie, gap mediatime.Time, edit *isobmff.Edit) error {
	rate := int64(t.pcm.SampleRate)
	c := clock{Timescale: rate, Gap: gap, Step: 1}
	t.state.Begin, t.state.End = 0, t.survey.count
	if edit != nil {
		scaled := *edit
		scaled.MediaTime = mulDivRound(edit.MediaTime, rate, int64(t.Timescale))
		c.MediaTime = scaled.MediaTime
		t.state.Begin = scaled.MediaTime
		ticks := t.editEnd(m, edit, mulDivRound(t.survey.count, int64(t.Timescale), rate))
		t.state.End = min(t.survey.count, mulDivRound(ticks, rate, int64(t.Timescale)))
	}
	t.state.Clock = c
	if t.state.End <= t.state.Begin {
		return fault.Newf(fault.UnsupportedFile, "the edit list of track %d shows nothing of it", t.state.Number)
	}
	return nil
}
