package portalbff

import (
	"time"

	"github.com/grainmesh/grainmesh/pkg/config"
)

// Config is read from GRAINMESH_PORTAL_BFF_*.
type Config struct {
	// SessionTTL is how long a session lasts after the last visit.
	SessionTTL time.Duration `envconfig:"SESSION_TTL" default:"12h"`
	// TokenTTL is how long the token lasts that a session gives to a browser.
	TokenTTL time.Duration `envconfig:"TOKEN_TTL" default:"1h"`
	// CodeTTL is how long a log-in link holds.
	CodeTTL time.Duration `envconfig:"CODE_TTL" default:"10m"`
	// PartBytes is the least size of a part of an upload. S3 asks for 5 MB.
	PartBytes int64 `envconfig:"PART_BYTES" default:"16777216"`
	// MaxUpload is the largest file that may be uploaded. S3 allows 5 TiB.
	MaxUpload int64 `envconfig:"MAX_UPLOAD" default:"5497558138880"`
	// UploadTTL is how long a signed part holds.
	UploadTTL time.Duration `envconfig:"UPLOAD_TTL" default:"6h"`
	// KeepUploads is how long an uploaded file is kept for the jobs that read it.
	KeepUploads time.Duration `envconfig:"KEEP_UPLOADS" default:"72h"`
	// KeepUnfinished is how long after its beginning an upload may be completed.
	KeepUnfinished time.Duration `envconfig:"KEEP_UNFINISHED" default:"24h"`
	// SecureCookies sends cookies over https only; to be set wherever there is https.
	SecureCookies bool `envconfig:"SECURE_COOKIES" default:"false"`
}

// Validate implements config.Validator.
func (c *Config) Validate() error {
	return config.Positive(map[string]int64{
		"SESSION_TTL": int64(c.SessionTTL), "TOKEN_TTL": int64(c.TokenTTL), "CODE_TTL": int64(c.CodeTTL),
		"PART_BYTES": c.PartBytes, "MAX_UPLOAD": c.MaxUpload, "UPLOAD_TTL": int64(c.UploadTTL),
		"KEEP_UPLOADS": int64(c.KeepUploads), "KEEP_UNFINISHED": int64(c.KeepUnfinished),
	})
}
