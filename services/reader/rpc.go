package reader

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/serve"
	readerv1 "github.com/grainmesh/grainmesh/rpc/reader/v1"
)

// Routes implements service.Service.
func (s *Service) Routes() serve.Routes {
	server := readerv1.NewStatusServer(s, s.deps.Twirp.Option(map[string]auth.Scope{"GetStatus": auth.Service}))
	return serve.Routes{Internal: []serve.Route{serve.Twirp(server)}}
}

// GetStatus implements readerv1.Status.
func (s *Service) GetStatus(context.Context, *readerv1.GetStatusRequest) (*readerv1.GetStatusResponse, error) {
	s.active.mu.Lock()
	defer s.active.mu.Unlock()
	response := &readerv1.GetStatusResponse{Slots: int32(s.config.Slots)}
	for id, p := range s.active.chunks {
		response.Chunks = append(response.Chunks, &readerv1.ActiveChunk{
			WorkId: id, JobId: p.task.GetJobId(), BytesDone: p.done.Load(), BytesTotal: p.total, StartedUnixNs: p.started.UnixNano(),
		})
	}
	return response, nil
}
