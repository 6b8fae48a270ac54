package portalbff

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/service"
)

// Name is the service's name.
const Name = "portal-bff"

// UserIssuer is the identity that signs users' tokens.
const UserIssuer = "portal"

// Definition is how the service is made from its environment.
func Definition() service.Definition {
	return service.Define(Name, func(ctx context.Context, env *service.Env) (*Service, error) {
		var config Config
		if err := env.Config(&config); err != nil {
			return nil, err
		}
		deps := Deps{Twirp: env.Twirp(), Metrics: env.Metrics, Log: env.Log, Settings: env.Settings}
		var err error
		if deps.Users, err = env.Signer(UserIssuer); err != nil {
			return nil, err
		}
		if deps.Bus, err = env.Bus(ctx); err != nil {
			return nil, err
		}
		if deps.Redis, err = env.Redis(ctx); err != nil {
			return nil, err
		}
		if deps.Bucket, err = env.Bucket(ctx); err != nil {
			return nil, err
		}
		if err := deps.Bucket.EnsureBucket(ctx, env.Settings.PublicURL); err != nil {
			return nil, err
		}
		return New(config, deps)
	})
}
