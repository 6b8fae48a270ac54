package origin

import (
	"time"

	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/origin/plan"
)

// Config is read from GRAINMESH_ORIGIN_*.
type Config struct {
	// SegmentMin is the least length of a segment but the last.
	SegmentMin time.Duration `envconfig:"SEGMENT_MIN" default:"4s"`
	// SegmentMax is the most, and the target duration of every playlist. A group of
	// pictures that is longer is cut inside.
	SegmentMax time.Duration `envconfig:"SEGMENT_MAX" default:"12s"`
	// LinkTTL is how long a link to play stays valid.
	LinkTTL time.Duration `envconfig:"LINK_TTL" default:"12h"`
	// Refresh is how old what is known of a Flow may be when a playlist is asked for.
	Refresh time.Duration `envconfig:"REFRESH" default:"1s"`
	// Builds is how many segments are made at a time.
	Builds int `envconfig:"BUILDS" default:"8"`
	// CacheBytes is how much memory made segments may take.
	CacheBytes int64 `envconfig:"CACHE_BYTES" default:"268435456"`
	// Presentations is how many Flows are remembered with their segments' times; each
	// takes some 100 kB an hour.
	Presentations int64 `envconfig:"PRESENTATIONS" default:"256"`
	// ParallelRanges is how many ranges of objects are fetched at a time for one
	// segment.
	ParallelRanges int `envconfig:"PARALLEL_RANGES" default:"4"`
	// RangeBytes is the size of one of them.
	RangeBytes int64 `envconfig:"RANGE_BYTES" default:"4194304"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	if err := config.Positive(map[string]int64{
		"LINK_TTL": int64(c.LinkTTL), "REFRESH": int64(c.Refresh), "BUILDS": int64(c.Builds), "CACHE_BYTES": c.CacheBytes,
		"PRESENTATIONS": c.Presentations, "PARALLEL_RANGES": int64(c.ParallelRanges), "RANGE_BYTES": c.RangeBytes,
	}); err != nil {
		return err
	}
	return c.limits().Validate()
}

func (c *Config) limits() plan.Limits {
	return plan.Limits{Min: mediatime.Time(c.SegmentMin), Max: mediatime.Time(c.SegmentMax)}
}
