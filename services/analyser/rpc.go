package analyser

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/serve"
	analyserv1 "github.com/grainmesh/grainmesh/rpc/analyser/v1"
)

// Routes implements service.Service.
func (s *Service) Routes() serve.Routes {
	server := analyserv1.NewAnalyserServer(s, s.deps.Twirp.Option(map[string]auth.Scope{"Probe": auth.Read}))
	return serve.Routes{Public: []serve.Route{serve.Twirp(server)}}
}

// Probe implements analyserv1.Analyser.
func (s *Service) Probe(ctx context.Context, r *analyserv1.ProbeRequest) (*analyserv1.ProbeResponse, error) {
	analysis, read, err := s.analyse(ctx, auth.From(ctx).Tenant, r.GetUrl(), r.GetMimeType(), func(in formats.Input) formats.Input { return in })
	if err != nil {
		return nil, err
	}
	return &analyserv1.ProbeResponse{Analysis: analysis.Proto(), BytesRead: read}, nil
}
