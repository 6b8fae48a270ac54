package mediastore

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/service"

	"github.com/grainmesh/grainmesh/services/media-store/migrations"
)

// Name is the service's name.
const Name = "media-store"

// Schema is its schema in the database.
const Schema = "store"

// Definition is how the service is made from its environment.
func Definition() service.Definition {
	return service.Define(Name, func(ctx context.Context, env *service.Env) (*Service, error) {
		var config Config
		if err := env.Config(&config); err != nil {
			return nil, err
		}
		deps := Deps{Twirp: env.Twirp(), Trace: env.Trace(), Metrics: env.Metrics, Log: env.Log, Region: env.Settings.Region, Version: env.Settings.Version}
		var err error
		if deps.DB, err = env.Database(ctx, Schema, migrations.FS); err != nil {
			return nil, err
		}
		if deps.Queue, err = env.Bus(ctx); err != nil {
			return nil, err
		}
		if deps.Bucket, err = env.Bucket(ctx); err != nil {
			return nil, err
		}
		if err := deps.Bucket.EnsureBucket(ctx, config.AllowOrigins...); err != nil {
			return nil, err
		}
		return New(config, deps)
	})
}
