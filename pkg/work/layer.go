package work

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// ForLayer makes the worker of a layer whose owner is job-api, and the client with
// which its successes are reported.
func ForLayer(ctx context.Context, env *service.Env, layer subjects.Layer, policy bus.Policy) (*Worker, jobv1.Reports, error) {
	b, err := env.Bus(ctx)
	if err != nil {
		return nil, nil, err
	}
	url, client, err := env.Neighbour("job-api")
	if err != nil {
		return nil, nil, err
	}
	reports := jobv1.NewReportsProtobufClient(url, client, serve.ClientOption())
	return &Worker{Layer: layer, Policy: policy, Bus: b, Owner: reports, Name: env.Instance(), Log: env.Log}, reports, nil
}
