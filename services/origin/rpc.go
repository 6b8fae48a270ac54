package origin

import (
	"context"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/serve"
	originv1 "github.com/grainmesh/grainmesh/rpc/origin/v1"
)

var _ originv1.Playback = (*Service)(nil)

// Routes implements service.Service.
func (s *Service) Routes() serve.Routes {
	server := originv1.NewPlaybackServer(s, s.deps.Twirp.Option(map[string]auth.Scope{"GetLinks": auth.Read}))
	return serve.Routes{Public: []serve.Route{
		serve.Twirp(server),
		{Prefix: hlsPrefix, Scope: serve.ByRequest, Handler: s.hls()}, // a token may stand in the path
	}}
}

// GetLinks implements originv1.Playback.
func (s *Service) GetLinks(ctx context.Context, in *originv1.GetLinksRequest) (*originv1.GetLinksResponse, error) {
	caller, err := auth.Require(ctx, auth.Read)
	if err != nil {
		return nil, err
	}
	id, err := uuid.Parse(in.GetFlowId())
	if err != nil {
		return nil, fault.Newf(fault.InvalidArgument, "flow_id is %q, want a UUID", in.GetFlowId())
	}
	tracks, unplayable, err := s.look(ctx, caller.Tenant, id)
	if err != nil {
		return nil, err
	}
	response := &originv1.GetLinksResponse{Unplayable: unplayable}
	if tracks == 0 {
		return response, nil
	}
	token, err := s.deps.Signer.Issue(&auth.Identity{
		Kind: auth.KindPlay, Subject: caller.Subject, Tenant: caller.Tenant, Scopes: []auth.Scope{auth.Play}, Resource: id.String(),
	}, Name, s.config.LinkTTL)
	if err != nil {
		return nil, err
	}
	response.HlsUrl = hlsPrefix + token + "/" + id.String() + "/main.m3u8"
	response.ExpiresUnixNs = s.deps.Now().Add(s.config.LinkTTL).UnixNano()
	return response, nil
}

// look says how many tracks of a Flow can be played, and which not, without reading
// their index.
func (s *Service) look(ctx context.Context, tenant string, id uuid.UUID) (int, []string, error) {
	p := newPresentation(id, s.deps.Store, s.config.limits())
	flows, err := p.flows(auth.ForTenant(ctx, tenant))
	if err != nil {
		return 0, nil, err
	}
	p.adopt(flows)
	return len(p.tracks), p.unplayable, nil
}
