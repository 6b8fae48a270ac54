package jobapi

import (
	"time"

	"github.com/grainmesh/grainmesh/pkg/config"
)

// Config is read from GRAINMESH_JOB_API_*.
type Config struct {
	// OutstandingPerJob is how many chunks of one job may be handed out at a time:
	// not above the number of reader slots in the fleet.
	OutstandingPerJob int `envconfig:"OUTSTANDING_PER_JOB" default:"4"`
	// Window is how much work of one layer may be handed out at a time.
	Window int `envconfig:"WINDOW" default:"64"`
	// MaxAttempts is after how many attempts work is dead.
	MaxAttempts int `envconfig:"MAX_ATTEMPTS" default:"5"`
	// RetryBase is the first delay before a failed attempt is repeated.
	RetryBase time.Duration `envconfig:"RETRY_BASE" default:"1s"`
	// Redrive is after how long work without a report is published again.
	Redrive time.Duration `envconfig:"REDRIVE" default:"5s"`
	// AckWait is how long an attempt may be silent before another is made.
	AckWait time.Duration `envconfig:"ACK_WAIT" default:"30s"`
	// KeepJobs is how long ended jobs are kept.
	KeepJobs time.Duration `envconfig:"KEEP_JOBS" default:"2160h"`
	// CloseSlots is how many runs are closed at a time.
	CloseSlots int `envconfig:"CLOSE_SLOTS" default:"8"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	return config.Positive(map[string]int64{
		"OUTSTANDING_PER_JOB": int64(c.OutstandingPerJob), "WINDOW": int64(c.Window), "MAX_ATTEMPTS": int64(c.MaxAttempts),
		"RETRY_BASE": int64(c.RetryBase), "REDRIVE": int64(c.Redrive), "ACK_WAIT": int64(c.AckWait),
		"KEEP_JOBS": int64(c.KeepJobs), "CLOSE_SLOTS": int64(c.CloseSlots),
	})
}
