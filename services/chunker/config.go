package chunker

import (
	"time"

	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Config is read from GRAINMESH_CHUNKER_*.
type Config struct {
	Slots       int           `envconfig:"SLOTS" default:"16"`
	MaxInFlight int           `envconfig:"MAX_IN_FLIGHT" default:"1024"`
	AckWait     time.Duration `envconfig:"ACK_WAIT" default:"30s"`
	RetryDelay  time.Duration `envconfig:"RETRY_DELAY" default:"1s"`
	// Sizes of chunks and objects, media rules 17 and 18.
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
	return config.Positive(map[string]int64{
		"SLOTS": int64(c.Slots), "MAX_IN_FLIGHT": int64(c.MaxInFlight), "ACK_WAIT": int64(c.AckWait), "RETRY_DELAY": int64(c.RetryDelay),
		"CHUNK_BYTES": c.ChunkBytes, "MAX_CHUNK_BYTES": c.MaxChunkBytes, "CHUNK_DURATION": int64(c.ChunkDuration),
		"VIDEO_OBJECT_BYTES": c.VideoObject, "AUDIO_OBJECT_BYTES": c.AudioObject, "AUDIO_OBJECT_DURATION": int64(c.AudioDuration),
		"GRAINS_PER_OBJECT (0 for no cap)": int64(c.GrainsPerObject) + 1,
	})
}

func (c *Config) sizes() formats.Sizes {
	return formats.Sizes{
		ChunkBytes: c.ChunkBytes, MaxChunkBytes: c.MaxChunkBytes, ChunkDuration: mediatime.Time(c.ChunkDuration),
		VideoObject: c.VideoObject, AudioObject: c.AudioObject, AudioDuration: mediatime.Time(c.AudioDuration),
		Grains: c.GrainsPerObject,
	}
}
