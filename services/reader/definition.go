package reader

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/formats/all"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
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
		deps := Deps{Twirp: env.Twirp(), Metrics: env.Metrics, Log: env.Log, Instance: env.Instance()}
		var err error
		if deps.Formats, err = all.Registry(); err != nil {
			return nil, err
		}
		if deps.Bus, err = env.Bus(ctx); err != nil {
			return nil, err
		}
		if deps.Sources, err = env.Sources(ctx); err != nil {
			return nil, err
		}
		url, client, err := env.Neighbour("job-api")
		if err != nil {
			return nil, err
		}
		deps.Reports = jobv1.NewReportsProtobufClient(url, client, serve.ClientOption())
		if url, client, err = env.Neighbour("media-store"); err != nil {
			return nil, err
		}
		deps.Store = mediastorev1.NewSegmentsProtobufClient(url, client, serve.ClientOption())
		objects, err := env.ObjectStore(ctx)
		if err != nil {
			return nil, err
		}
		deps.Objects = objects.HTTPClient()
		return New(config, deps)
	})
}
