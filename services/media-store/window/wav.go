package window

import (
	"context"
	"io"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats/wav"
)

// checkWAV refuses what WAV cannot hold.
func checkWAV(t *track) error {
	if !isPCM(t.flow) {
		return fault.Newf(fault.NotRepresented, "flow %s is %s, WAV holds raw audio only; take format=mp4 or format=gsf", t.flow.ID, t.flow.Codec)
	}
	if err := interleaved(t); err != nil {
		return err
	}
	return continuous(t)
}

// wavSize is the size of the whole file in bytes.
func wavSize(t *track) int64 {
	return int64(len(wav.AppendHeader(nil, t.flow.Audio, t.samples))) + paddedSize(t.essenceSize())
}

// paddedSize is the size of a chunk's data: RIFF chunks end on even bytes.
func paddedSize(n int64) int64 { return n + n&1 }

// writeWAV writes a track of raw audio.
func (h *Handler) writeWAV(ctx context.Context, w io.Writer, t *track) error {
	if _, err := w.Write(wav.AppendHeader(nil, t.flow.Audio, t.samples)); err != nil {
		return err
	}
	if err := h.writeEssence(ctx, w, t); err != nil {
		return err
	}
	if size := t.essenceSize(); paddedSize(size) > size {
		_, err := w.Write([]byte{0})
		return err
	}
	return nil
}
