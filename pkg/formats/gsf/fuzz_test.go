package gsf_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/formats/formattest"
	gsfformat "github.com/grainmesh/grainmesh/pkg/formats/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// FuzzIngest takes any bytes through all layers, in small chunks: what is refused
// is the customer's fault, and what is not has segments without overlap.
func FuzzIngest(f *testing.F) {
	for _, file := range append(plainFiles(), oddFiles()...) {
		b := file.Make(f)
		f.Add(b[:min(len(b), 4000)])
	}
	for _, b := range broken() {
		bytes := b.Make(f)
		f.Add(bytes[:min(len(bytes), 4000)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := ingest(t, b); err != nil {
			require.Equal(t, fault.Customer, fault.Of(err).Blame(), "%v", err)
		}
	})
}

func ingest(t *testing.T, b []byte) error {
	in := formattest.NewInput(b)
	a, err := gsfformat.Format{}.Probe(t.Context(), in)
	if err != nil {
		return err
	}
	flows, ends := map[int]*media.Flow{}, map[int]mediatime.Time{}
	for _, track := range a.Tracks {
		if track.Skipped == "" {
			flows[track.Number], ends[track.Number] = track.Flow, mediatime.Min
		}
	}
	sizes := formats.Sizes{ChunkBytes: 500, MaxChunkBytes: 4000, VideoObject: 1000, AudioObject: 1000, AudioDuration: mediatime.Second}
	req := &formats.PlanRequest{Analysis: a, Flows: flows, Range: mediatime.Eternity, Sizes: sizes}
	return gsfformat.Format{}.Plan(t.Context(), in, req, func(c *formats.Chunk) error {
		sink := formattest.NewCollector(flows)
		if err := (gsfformat.Format{}).Read(t.Context(), in, &formats.ReadRequest{Chunk: c, Flows: flows}, sink); err != nil {
			return err
		}
		objects, err := sink.Objects()
		for _, o := range objects {
			require.GreaterOrEqual(t, o.Segment.Start, ends[o.Track])
			require.Greater(t, o.Segment.End, o.Segment.Start)
			ends[o.Track] = o.Segment.End
		}
		return err
	})
}
