package window

import (
	"context"
	"io"

	"github.com/grainmesh/grainmesh/pkg/formats/wav"
	"github.com/grainmesh/grainmesh/pkg/pcm"
)

// wavSpec describes a track of raw audio as the store has it.
func wavSpec(t *track) wav.Spec {
	audio := t.flow.Audio
	return wav.Spec{Frames: t.samples, Layout: pcm.Layout{
		SampleRate: audio.SampleRate, Channels: audio.Channels, Bytes: audio.BytesPerSample(), ValidBits: 8 * audio.BytesPerSample(), Float: audio.Float,
	}}
}

// wavSize is the size of the whole file in bytes; 0 for what WAV cannot hold, which
// writing then says.
func wavSize(t *track) int64 {
	size, err := wav.Size(wavSpec(t))
	if err != nil {
		return 0
	}
	return size
}

// writeWAV writes a track of raw audio.
func (h *Handler) writeWAV(ctx context.Context, w io.Writer, t *track) error {
	out, err := wav.NewWriter(w, wavSpec(t))
	if err != nil {
		return err
	}
	if err := h.writeEssence(ctx, out, t); err != nil {
		return err
	}
	return out.Close()
}
