package window

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/fault"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// planMovie plans MP4 and MOV.
func (h *Handler) planMovie(_ context.Context, _ *planner, _ []*store.Flow, req *request) (*file, error) {
	return nil, fault.Newf(fault.NotRepresented, "format %s is not written yet; take format=gsf", req.format)
}
