package reader

import (
	"time"

	"github.com/grainmesh/grainmesh/pkg/config"
)

// Config is read from GRAINMESH_READER_*.
type Config struct {
	// Slots is how many chunks one instance reads at a time.
	Slots int `envconfig:"SLOTS" default:"4"`
	// MaxInFlight bounds the chunks that all instances read at a time.
	MaxInFlight int `envconfig:"MAX_IN_FLIGHT" default:"4096"`
	// Uploads is how many objects of one chunk are on their way at a time.
	Uploads int `envconfig:"UPLOADS" default:"3"`
	// AckWait is how long an attempt may be silent before another is made.
	AckWait time.Duration `envconfig:"ACK_WAIT" default:"30s"`
	// RetryDelay is how long work waits when its owner could not be reached.
	RetryDelay time.Duration `envconfig:"RETRY_DELAY" default:"1s"`
	// ParallelRanges is how many ranges of the source are fetched at a time.
	ParallelRanges int `envconfig:"PARALLEL_RANGES" default:"4"`
	// RangeBytes is the size of one of them.
	RangeBytes int64 `envconfig:"RANGE_BYTES" default:"4194304"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	return config.Positive(map[string]int64{
		"SLOTS": int64(c.Slots), "MAX_IN_FLIGHT": int64(c.MaxInFlight), "UPLOADS": int64(c.Uploads), "ACK_WAIT": int64(c.AckWait),
		"RETRY_DELAY": int64(c.RetryDelay), "PARALLEL_RANGES": int64(c.ParallelRanges), "RANGE_BYTES": c.RangeBytes,
	})
}
