package wav_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats/formattest"
	"github.com/grainmesh/grainmesh/pkg/formats/wav"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// FuzzProbe takes any bytes through all layers: what is not refused with the
// customer's fault is read to the last sample.
func FuzzProbe(f *testing.F) {
	for _, file := range files() {
		if file.Make != nil {
			b := file.Make(f)
			f.Add(b[:min(len(b), 2000)])
		}
	}
	for _, b := range broken() {
		bytes := b.Make(f)
		f.Add(bytes[:min(len(bytes), 2000)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in := formattest.NewInput(b)
		a, err := wav.Format{}.Probe(t.Context(), in)
		if err != nil {
			require.Equal(t, fault.Customer, fault.Of(err).Blame(), "%v", err)
			return
		}
		require.False(t, in.Strayed())
		track := &a.Tracks[0]
		require.LessOrEqual(t, track.Bytes, in.Size())
		require.False(t, track.Range.IsEmpty())
		audio := track.Flow.Audio
		frames := mediatime.NewRate(int64(audio.SampleRate), 1).Index(track.Range.End)
		require.InDelta(t, frames*int64(audio.Channels*audio.BytesPerSample()), len(ingest(t, b, a)), float64(audio.Channels*audio.BytesPerSample()))
	})
}
