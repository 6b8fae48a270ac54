package reader

import (
	"errors"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/config"
)

// Config is read from GRAINMESH_READER_*.
type Config struct {
	// Policy's Slots are how many chunks one instance reads at a time. Each holds one
	// open object a track, Uploads more on their way, and the ranges of its source.
	bus.Policy
	// Uploads is how many objects of one chunk are on their way at a time.
	Uploads int `envconfig:"UPLOADS" default:"3"`
	// ParallelRanges is how many ranges of the source are fetched at a time.
	ParallelRanges int `envconfig:"PARALLEL_RANGES" default:"4"`
	// RangeBytes is the size of one of them.
	RangeBytes int64 `envconfig:"RANGE_BYTES" default:"4194304"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	return errors.Join(c.Policy.Validate(), config.Positive(map[string]int64{
		"UPLOADS": int64(c.Uploads), "PARALLEL_RANGES": int64(c.ParallelRanges), "RANGE_BYTES": c.RangeBytes,
	}))
}
