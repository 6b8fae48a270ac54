package window

import (
	"context"
	"errors"
	"io"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// frameBytes is the size of one sample of all channels of interleaved raw audio; 0
// for any other essence.
func (t *track) frameBytes() int64 {
	if !isPCM(t.flow) {
		return 0
	}
	return int64(t.flow.Audio.BytesPerSample()) * int64(t.flow.Audio.Channels)
}

// essenceSize is how many bytes the essence of a track takes.
func (t *track) essenceSize() int64 {
	if frame := t.frameBytes(); frame > 0 {
		return t.samples * frame
	}
	var sum int64
	for i := range t.pieces {
		sum += t.pieces[i].Size
	}
	return sum
}

// writeEssence writes the data of a track's grains one after the other.
func (h *Handler) writeEssence(ctx context.Context, w io.Writer, t *track) error {
	needs := essence(t.frameBytes())
	bytes := h.fetcher.open(ctx, reads(t, h.config.ReadBytes, needs))
	defer bytes.close()
	for {
		r, data, err := bytes.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range r.pieces {
			from, to := needs(&r.pieces[i])
			if _, err := w.Write(data[from-r.from : to-r.from]); err != nil {
				return err
			}
		}
	}
}

// continuous refuses a track of raw audio in which samples are missing: the formats
// that have no times would pull what follows forward.
func continuous(t *track) error {
	rate := int64(t.flow.Audio.SampleRate)
	var at mediatime.Time
	for i := range t.pieces {
		p := &t.pieces[i]
		start := p.at(p.from, t.flow)
		if i > 0 && mediatime.Ticks(start-at, rate) != 0 {
			return fault.Newf(fault.NotRepresented, "flow %s has a gap at %s, which this format cannot hold; take the parts on each side, or format=gsf",
				t.flow.ID, mediatime.NewRange(at, start))
		}
		at = p.at(p.to, t.flow)
	}
	return nil
}

// interleaved refuses raw audio of another layout.
func interleaved(t *track) error {
	if unc := t.flow.Audio.UncType; unc != "" && unc != "interleaved" {
		return fault.Newf(fault.NotRepresented, "flow %s is raw audio in %s, not interleaved; take format=gsf", t.flow.ID, unc)
	}
	return nil
}

// checkSound refuses raw audio that cannot be written one sample after the other.
func checkSound(t *track) error {
	if err := interleaved(t); err != nil {
		return err
	}
	return continuous(t)
}
