package chunker

import (
	"context"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/serve"
	chunkerv1 "github.com/grainmesh/grainmesh/rpc/chunker/v1"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// Routes implements service.Service.
func (s *Service) Routes() serve.Routes {
	server := chunkerv1.NewChunkerServer(s, s.deps.Twirp.Option(map[string]auth.Scope{"Plan": auth.Read}))
	return serve.Routes{Public: []serve.Route{serve.Twirp(server)}}
}

// maxShown bounds the chunks that one answer shows.
const maxShown = 10_000

// Plan implements chunkerv1.Chunker.
func (s *Service) Plan(ctx context.Context, r *chunkerv1.PlanRequest) (*chunkerv1.PlanResponse, error) {
	analysis, err := formats.AnalysisFromProto(r.GetAnalysis())
	if err != nil {
		return nil, fault.Newf(fault.InvalidArgument, "analysis: %w", err)
	}
	set, err := makeFlows(uuid.New(), 1, &jobv1.IngestSpec{Url: r.GetUrl()}, analysis)
	if err != nil {
		return nil, err
	}
	response := &chunkerv1.PlanResponse{}
	req := &formats.PlanRequest{Analysis: analysis, Flows: set.byTrack, Range: mediatime.Eternity, Sizes: formats.DefaultSizes()}
	file := s.later(ctx, auth.From(ctx).Tenant, r.GetUrl(), analysis)
	defer file.close()
	err = s.plan(ctx, file, file, req, func(c *formats.Chunk) error {
		if len(response.GetChunks()) == maxShown {
			return fault.Newf(fault.InvalidArgument, "the plan has more than %d chunks", maxShown)
		}
		chunk := c.Proto()
		chunk.State = nil
		response.Chunks = append(response.Chunks, chunk)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return response, nil
}
