package formattest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// created is when all Flows of a test were made.
func created() time.Time { return time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC) }

// probe is layer 1, with what it found sent over the wire.
func (s Suite) probe(ctx context.Context, in formats.Input) (*formats.Analysis, error) {
	a, err := s.Format.Probe(ctx, in)
	if err != nil {
		return nil, err
	}
	a.Format, a.MIMEType, a.ETag = s.Format.Name(), s.Format.MIMETypes()[0], `"an-etag"`
	sent, err := resend(a.Proto(), &mediav1.Analysis{})
	if err != nil {
		return nil, err
	}
	return formats.AnalysisFromProto(sent)
}

// resend sends a message over the wire.
func resend[M proto.Message](in, out M) (M, error) {
	b, err := proto.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("marshal: %w", err)
	}
	if err := proto.Unmarshal(b, out); err != nil {
		return out, fmt.Errorf("unmarshal: %w", err)
	}
	return out, nil
}

// plan is a request and what became of it.
type plan struct {
	req    *formats.PlanRequest
	chunks []*formats.Chunk
}

// request asks for all tracks of a file, as the chunker does.
func request(a *formats.Analysis) *formats.PlanRequest {
	req := &formats.PlanRequest{Analysis: a, Flows: map[int]*media.Flow{}, Range: mediatime.Eternity, Sizes: formats.DefaultSizes()}
	for _, t := range a.Tracks {
		if t.Skipped != "" {
			continue
		}
		flow := *t.Flow
		flow.ID, flow.SourceID = t.GivenFlow, t.GivenSource
		if flow.ID == uuid.Nil {
			flow.ID = uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "flow %d", t.Number))
		}
		if flow.SourceID == uuid.Nil {
			flow.SourceID = uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "source %d", t.Number))
		}
		flow.Status, flow.Created = media.StatusIngesting, created()
		req.Flows[t.Number] = &flow
	}
	return req
}

// plan is layer 2, with its chunks sent over the wire.
func (s Suite) plan(ctx context.Context, in formats.Input, req *formats.PlanRequest) (*plan, error) {
	p := &plan{req: req}
	err := s.Format.Plan(ctx, in, req, func(c *formats.Chunk) error {
		sent, err := resend(c.Proto(), &mediav1.Chunk{})
		if err != nil {
			return err
		}
		chunk, err := formats.ChunkFromProto(sent)
		p.chunks = append(p.chunks, chunk)
		return err
	})
	return p, err
}

// readRequest is what a reader of a chunk is given.
func (p *plan) readRequest(c *formats.Chunk) (*formats.ReadRequest, error) {
	req := &formats.ReadRequest{Chunk: c, Flows: map[int]*media.Flow{}}
	for _, t := range c.Tracks {
		flow := p.req.Flows[t.Number]
		if flow == nil || flow.ID != t.Flow {
			return nil, fmt.Errorf("chunk %d names flow %s for track %d, which is not asked for", c.Number, t.Flow, t.Number)
		}
		sent, err := resend(flow.Proto(), &mediav1.Flow{})
		if err != nil {
			return nil, err
		}
		if req.Flows[t.Number], err = media.FlowFromProto(sent); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// read is layer 3 for one chunk.
func (s Suite) read(ctx context.Context, in formats.Input, p *plan, c *formats.Chunk) ([]Object, error) {
	req, err := p.readRequest(c)
	if err != nil {
		return nil, err
	}
	sink := NewCollector(req.Flows)
	if err := s.Format.Read(ctx, in, req, sink); err != nil {
		return nil, err
	}
	return sink.Objects()
}

// ingest takes an input through all layers.
func (s Suite) ingest(t testing.TB, in *Input) error {
	t.Helper()
	a, err := s.probe(t.Context(), in)
	if err != nil {
		return err
	}
	p, err := s.plan(t.Context(), in, request(a))
	if err != nil {
		return err
	}
	for _, c := range p.chunks {
		if _, err := s.read(t.Context(), in, p, c); err != nil {
			return err
		}
	}
	return nil
}

// result is a file that was taken through all layers.
type result struct {
	*plan
	// objects of each chunk.
	objects [][]Object
}

// of returns the objects of one track, in order.
func (r *result) of(track int) []Object {
	var out []Object
	for _, o := range slices.Concat(r.objects...) {
		if o.Track == track {
			out = append(out, o)
		}
	}
	return out
}

// tracks returns the numbers of the tracks that were asked for.
func (r *result) tracks() []int { return slices.Sorted(maps.Keys(r.req.Flows)) }

// run plans and reads an input, and holds each step against the rules.
func (s Suite) run(t *testing.T, in *Input, req *formats.PlanRequest) *result {
	t.Helper()
	p, err := s.plan(t.Context(), in, req)
	require.NoError(t, err)
	again, err := s.plan(t.Context(), in, req)
	require.NoError(t, err)
	require.Equal(t, p.chunks, again.chunks, "the same request gives the same chunks")
	checkChunks(t, in, p.chunks)

	r := &result{plan: p, objects: make([][]Object, len(p.chunks))}
	var fetched int64
	for i, c := range p.chunks {
		part := in.Within(c.Start, c.End)
		r.objects[i], err = s.read(t.Context(), part, p, c)
		require.NoError(t, err, "chunk %d", i)
		require.False(t, part.Strayed(), "chunk %d was read outside of [%d, %d)", i, c.Start, c.End)
		fetched += part.BytesRead()
		checkChunkObjects(t, c, r.objects[i])
	}
	require.LessOrEqual(t, float64(fetched), 1.02*float64(in.Size()), "bytes fetched against the file's")
	return r
}
