package origin

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// Name is the service's name.
const Name = "origin"

// PlayIssuer is the identity that signs links to play.
const PlayIssuer = "origin-play"

// Definition is how the service is made from its environment.
func Definition() service.Definition {
	return service.Define(Name, func(ctx context.Context, env *service.Env) (*Service, error) {
		var config Config
		if err := env.Config(&config); err != nil {
			return nil, err
		}
		deps := Deps{Twirp: env.Twirp(), Verifier: env.Verifier(), Metrics: env.Metrics, Log: env.Log}
		var err error
		if deps.Signer, err = env.Signer(PlayIssuer); err != nil {
			return nil, err
		}
		url, client, err := env.Neighbour("media-store")
		if err != nil {
			return nil, err
		}
		deps.Store = mediastorev1.NewSegmentsProtobufClient(url, client, serve.ClientOption())
		objects, err := env.Objects(ctx)
		if err != nil {
			return nil, err
		}
		deps.Objects = objects.HTTPClient()
		return New(config, deps)
	})
}
