package jobapi

import (
	"errors"
	"time"

	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// Config is read from GRAINMESH_JOB_API_*.
type Config struct {
	bus.Policy // of layer close, whose worker sits here
	// OutstandingPerJob is how many chunks of one job may be handed out at a time:
	// not above the number of reader slots in the fleet.
	OutstandingPerJob int `envconfig:"OUTSTANDING_PER_JOB" default:"4"`
	// Windows are how much work of a layer may be handed out at a time. What is handed
	// out goes first come, first served; a window of about twice the slots of the fleet
	// keeps all of them busy and leaves the order between tenants with job-api.
	AnalyseWindow int `envconfig:"ANALYSE_WINDOW" default:"32"`
	ChunkWindow   int `envconfig:"CHUNK_WINDOW" default:"32"`
	ReadWindow    int `envconfig:"READ_WINDOW" default:"16"`
	CloseWindow   int `envconfig:"CLOSE_WINDOW" default:"32"`
	// MaxAttempts is after how many attempts work is dead.
	MaxAttempts int `envconfig:"MAX_ATTEMPTS" default:"5"`
	// RetryBase is the first delay before a failed attempt is repeated.
	RetryBase time.Duration `envconfig:"RETRY_BASE" default:"1s"`
	// Redrive is after how long work without a report is published again.
	Redrive time.Duration `envconfig:"REDRIVE" default:"5s"`
	// KeepJobs is how long ended jobs are kept.
	KeepJobs time.Duration `envconfig:"KEEP_JOBS" default:"2160h"`
	// Sizes of chunks and objects that new jobs get, media rules 17 and 18.
	ChunkBytes      int64         `envconfig:"CHUNK_BYTES" default:"104857600"`
	MaxChunkBytes   int64         `envconfig:"MAX_CHUNK_BYTES" default:"1073741824"`
	ChunkDuration   time.Duration `envconfig:"CHUNK_DURATION" default:"2s"`
	VideoObject     int64         `envconfig:"VIDEO_OBJECT_BYTES" default:"8388608"`
	AudioObject     int64         `envconfig:"AUDIO_OBJECT_BYTES" default:"1048576"`
	AudioDuration   time.Duration `envconfig:"AUDIO_OBJECT_DURATION" default:"30s"`
	GrainsPerObject int           `envconfig:"GRAINS_PER_OBJECT" default:"0"` // 0 for no cap
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	return errors.Join(c.Policy.Validate(), config.Positive(map[string]int64{
		"OUTSTANDING_PER_JOB": int64(c.OutstandingPerJob), "ANALYSE_WINDOW": int64(c.AnalyseWindow), "CHUNK_WINDOW": int64(c.ChunkWindow),
		"READ_WINDOW": int64(c.ReadWindow), "CLOSE_WINDOW": int64(c.CloseWindow), "MAX_ATTEMPTS": int64(c.MaxAttempts),
		"RETRY_BASE": int64(c.RetryBase), "REDRIVE": int64(c.Redrive), "KEEP_JOBS": int64(c.KeepJobs),
		"CHUNK_BYTES": c.ChunkBytes, "MAX_CHUNK_BYTES": c.MaxChunkBytes, "CHUNK_DURATION": int64(c.ChunkDuration),
		"VIDEO_OBJECT_BYTES": c.VideoObject, "AUDIO_OBJECT_BYTES": c.AudioObject, "AUDIO_OBJECT_DURATION": int64(c.AudioDuration),
		"GRAINS_PER_OBJECT (0 for no cap)": int64(c.GrainsPerObject) + 1,
	}))
}

func (c *Config) windows() map[subjects.Layer]int {
	return map[subjects.Layer]int{
		subjects.Analyse: c.AnalyseWindow, subjects.Chunk: c.ChunkWindow, subjects.Read: c.ReadWindow, subjects.Close: c.CloseWindow,
	}
}

func (c *Config) sizes() *jobv1.Sizes {
	return &jobv1.Sizes{
		ChunkBytes: c.ChunkBytes, MaxChunkBytes: c.MaxChunkBytes, ChunkDurationNs: int64(c.ChunkDuration),
		VideoObjectBytes: c.VideoObject, AudioObjectBytes: c.AudioObject, AudioObjectDurationNs: int64(c.AudioDuration),
		GrainsPerObject: int32(c.GrainsPerObject),
	}
}
