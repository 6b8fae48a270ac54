package analyser

import (
	"time"

	"github.com/grainmesh/grainmesh/pkg/config"
)

// Config is read from GRAINMESH_ANALYSER_*.
type Config struct {
	// Slots is how many files one instance looks into at a time.
	Slots int `envconfig:"SLOTS" default:"16"`
	// MaxInFlight bounds the files that all instances look into at a time.
	MaxInFlight int `envconfig:"MAX_IN_FLIGHT" default:"1024"`
	// AckWait is how long an attempt may be silent before another is made.
	AckWait time.Duration `envconfig:"ACK_WAIT" default:"30s"`
	// RetryDelay is how long work waits when its owner could not be reached.
	RetryDelay time.Duration `envconfig:"RETRY_DELAY" default:"1s"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	return config.Positive(map[string]int64{
		"SLOTS": int64(c.Slots), "MAX_IN_FLIGHT": int64(c.MaxInFlight), "ACK_WAIT": int64(c.AckWait), "RETRY_DELAY": int64(c.RetryDelay),
	})
}
