package service

import (
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/grainmesh/grainmesh/pkg/config"
)

// Settings say where a process listens and where its neighbours are. They are read
// from GRAINMESH_*; a service's own settings are GRAINMESH_<SERVICE>_*.
type Settings struct {
	Listen         string        `envconfig:"LISTEN" default:"127.0.0.1:8080"`
	InternalListen string        `envconfig:"INTERNAL_LISTEN" default:"127.0.0.1:8081"`
	PublicURL      string        `envconfig:"PUBLIC_URL"` // as users see it; the listener's if empty
	DatabaseURL    config.Secret `envconfig:"DATABASE_URL"`
	NATSURL        string        `envconfig:"NATS_URL" default:"nats://127.0.0.1:4222"`
	RedisURL       config.Secret `envconfig:"REDIS_URL"`
	S3URL          config.Secret `envconfig:"S3_URL"`        // http://KEY:SECRET@host:port
	S3PublicURL    string        `envconfig:"S3_PUBLIC_URL"` // what browsers see
	S3Bucket       string        `envconfig:"S3_BUCKET" default:"grainmesh"`
	Keys           string        `envconfig:"KEYS" default:"/etc/grainmesh/keys"` // folder, see pkg/auth
	Region         string        `envconfig:"REGION" default:"local"`
	OTLPURL        string        `envconfig:"OTLP_URL"`
	LogLevel       slog.Level    `envconfig:"LOG_LEVEL" default:"INFO"`
	// AllowHosts are the exceptions of the guard of outside URLs, as host:port.
	AllowHosts []string `envconfig:"ALLOW_HOSTS"`
	// Neighbours are the internal addresses of the other services, by name:
	// "job-api=http://10.0.0.5:8081,media-store=...". Those in this process need none.
	Neighbours neighbours `envconfig:"NEIGHBOURS"`
	// PublicNeighbours are their public addresses, for the portal's proxy.
	PublicNeighbours neighbours `envconfig:"PUBLIC_NEIGHBOURS"`
	// StopTimeout bounds how long a stop may take.
	StopTimeout time.Duration `envconfig:"STOP_TIMEOUT" default:"30s"`
	Version     string        `envconfig:"VERSION" default:"dev"`
}

// Validate implements config.Validator.
func (s *Settings) Validate() error {
	if s.Listen == "" || s.InternalListen == "" {
		return fmt.Errorf("GRAINMESH_LISTEN and GRAINMESH_INTERNAL_LISTEN are empty, want addresses such as 127.0.0.1:8080")
	}
	return nil
}

// LoadSettings reads the settings from the environment.
func LoadSettings() (Settings, error) {
	var s Settings
	if err := config.Load("GRAINMESH", &s); err != nil {
		return Settings{}, err
	}
	return s, nil
}

// neighbours maps a service's name to its address.
type neighbours map[string]string

// Decode implements envconfig.Decoder.
func (n *neighbours) Decode(text string) error {
	out := neighbours{}
	for pair := range strings.SplitSeq(text, ",") {
		name, url, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || !strings.HasPrefix(url, "http") {
			return fmt.Errorf("%q, want name=http://host:port", pair)
		}
		out[name] = strings.TrimSuffix(url, "/")
	}
	*n = out
	return nil
}

// with returns the neighbours and the given one for every name that has none.
func (n neighbours) with(names []string, url string) neighbours {
	out := maps.Clone(n)
	if out == nil {
		out = neighbours{}
	}
	for _, name := range names {
		if out[name] == "" {
			out[name] = url
		}
	}
	return out
}
