package chunker

import "github.com/grainmesh/grainmesh/pkg/bus"

// Config is read from GRAINMESH_CHUNKER_*. The sizes of chunks and objects are those
// of the job, see job-api.
type Config struct {
	bus.Policy
}
