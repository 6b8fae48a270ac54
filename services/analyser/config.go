package analyser

import "github.com/grainmesh/grainmesh/pkg/bus"

// Config is read from GRAINMESH_ANALYSER_*.
type Config struct {
	bus.Policy
}
