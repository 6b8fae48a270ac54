package reader

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/formats/all"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/work"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// Name is the service's name.
const Name = "reader"

// Definition is how the service is made from its environment.
func Definition() service.Definition {
	return service.Define(Name, func(ctx context.Context, env *service.Env) (*Service, error) {
		var config Config
		if err := env.Config(&config); err != nil {
			return nil, err
		}
		deps := Deps{Twirp: env.Twirp(), Metrics: env.Metrics}
		var err error
		if deps.Formats, err = all.Registry(); err != nil {
			return nil, err
		}
		if deps.Worker, deps.Reports, err = work.ForLayer(ctx, env, subjects.Read, config.Policy); err != nil {
			return nil, err
		}
		if deps.Sources, err = env.Sources(ctx); err != nil {
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
