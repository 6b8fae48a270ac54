// Package ingest_test takes files through the whole mesh and looks at what comes out.
package ingest_test

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// wavFile makes a WAV of 16-bit stereo at 48 kHz with so many samples.
func wavFile(samples int) []byte {
	b := append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00"), 0x80, 0xbb, 0, 0, 0, 0xee, 2, 0, 4, 0, 16, 0)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, uint32(4*samples))
	for n := range samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(n))
		b = binary.LittleEndian.AppendUint16(b, uint16(n>>16))
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func TestWAVGoesThroughAllLayers(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	user := mesh.User(t, "acme")
	file := wavFile(10 * 48000)
	url := mesh.Source.Set("/take.wav", harness.File(file))

	job := user.Ingest(t, &jobv1.IngestSpec{Url: url, MimeType: "audio/wav"})
	require.Len(t, job.GetFlowIds(), 2, "an audio Flow and the multi Flow")

	flow, err := user.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: job.GetFlowIds()[0]})
	require.NoError(t, err)
	require.Equal(t, "[0:0_10:0)", flow.GetFlow().GetTimerange())
	require.EqualValues(t, 250, flow.GetGrains())
}
