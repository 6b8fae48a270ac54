package mediastore

import (
	"fmt"
	"time"

	"github.com/grainmesh/grainmesh/pkg/config"
)

// Config are the settings of the service, GRAINMESH_MEDIA_STORE_*.
type Config struct {
	// UploadTTL is how long a signed upload is valid.
	UploadTTL time.Duration `envconfig:"UPLOAD_TTL" default:"1h"`
	// DownloadTTL is how long a signed download is valid.
	DownloadTTL time.Duration `envconfig:"DOWNLOAD_TTL" default:"1h"`
	// MinObjectTimeout is how long an object may stay without being registered. TAMS
	// asks for at least five minutes.
	MinObjectTimeout time.Duration `envconfig:"MIN_OBJECT_TIMEOUT" default:"24h"`
	// Grace is how long condemned objects keep their bytes. It is no shorter than
	// UploadTTL: a late upload would put bytes back that nobody knows of.
	Grace time.Duration `envconfig:"GRACE" default:"2h"`
	// CollectEvery is how often the collector runs.
	CollectEvery time.Duration `envconfig:"COLLECT_EVERY" default:"1m"`
	// Keep is how long the rows of deleted Flows and of ended runs stay, so that what
	// comes late is refused by name.
	Keep time.Duration `envconfig:"KEEP" default:"720h"`
	// AllowOrigins are the web origins whose pages may use signed URLs.
	AllowOrigins []string `envconfig:"ALLOW_ORIGINS" default:"*"`
	// WindowReads is how many ranges of objects one window reads at the same time.
	WindowReads int `envconfig:"WINDOW_READS" default:"4"`
	// WindowReadBytes is the most that one such read takes; a window holds no more than
	// WindowReads of them.
	WindowReadBytes int64 `envconfig:"WINDOW_READ_BYTES" default:"4194304"`
	// Windows is how many windows are served at the same time; more wait for a moment,
	// and are then told to come again.
	Windows int `envconfig:"WINDOWS" default:"32"`
}

// minTAMSTimeout is the least min_object_timeout that TAMS 8.2 allows.
const minTAMSTimeout = 5 * time.Minute

// Validate implements config.Validator.
func (c *Config) Validate() error {
	if err := config.Positive(map[string]int64{
		"UPLOAD_TTL": int64(c.UploadTTL), "DOWNLOAD_TTL": int64(c.DownloadTTL), "COLLECT_EVERY": int64(c.CollectEvery),
		"KEEP": int64(c.Keep), "WINDOW_READS": int64(c.WindowReads), "WINDOW_READ_BYTES": c.WindowReadBytes, "WINDOWS": int64(c.Windows),
	}); err != nil {
		return err
	}
	if c.MinObjectTimeout < max(minTAMSTimeout, c.UploadTTL) {
		return fmt.Errorf("MIN_OBJECT_TIMEOUT is %s, want at least %s and UPLOAD_TTL", c.MinObjectTimeout, minTAMSTimeout)
	}
	if c.Grace < c.UploadTTL {
		return fmt.Errorf("GRACE is %s, want at least UPLOAD_TTL, %s", c.Grace, c.UploadTTL)
	}
	return nil
}
