package jobapi

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/formats/all"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	"github.com/grainmesh/grainmesh/services/job-api/migrations"
)

// Name is the service's name.
const Name = "job-api"

// Schema is its schema in the database.
const Schema = "job"

// Definition is how the service is made from its environment.
func Definition() service.Definition {
	return service.Define(Name, func(ctx context.Context, env *service.Env) (*Service, error) {
		var config Config
		if err := env.Config(&config); err != nil {
			return nil, err
		}
		registry, err := all.Registry()
		if err != nil {
			return nil, err
		}
		deps := Deps{
			Formats: registry, Trace: env.Trace(), Twirp: env.Twirp(), Metrics: env.Metrics, Log: env.Log, Region: env.Settings.Region, Instance: env.Instance(),
		}
		if deps.DB, err = env.Database(ctx, Schema, migrations.FS); err != nil {
			return nil, err
		}
		if deps.Bus, err = env.Bus(ctx); err != nil {
			return nil, err
		}
		if deps.Redis, err = env.Redis(ctx); err != nil {
			return nil, err
		}
		url, client, err := env.Neighbour("media-store")
		if err != nil {
			return nil, err
		}
		deps.Store = mediastorev1.NewSegmentsProtobufClient(url, client, serve.ClientOption())
		return New(config, deps)
	})
}
