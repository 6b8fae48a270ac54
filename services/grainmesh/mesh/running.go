package mesh

import (
	"strings"

	"github.com/grainmesh/grainmesh/pkg/service"
)

// Running is where a mesh that is ready can be reached.
type Running struct {
	// PublicURL is for users, InternalURL for services.
	PublicURL, InternalURL string
	// Env is what another process of this machine needs in its environment to run
	// services beside those of the mesh. It holds secrets.
	Env map[string]string
}

// running says how to join a mesh whose neighbours are those of the settings.
func running(s *service.Settings, publicURL, internalURL string) Running {
	internal, public := make([]string, 0, len(Services())), make([]string, 0, len(Services()))
	for _, name := range Names() {
		internal = append(internal, name+"="+internalURL)
		public = append(public, name+"="+publicURL)
	}
	return Running{PublicURL: publicURL, InternalURL: internalURL, Env: map[string]string{
		// Any port: those of the mesh are taken.
		"GRAINMESH_LISTEN":            "127.0.0.1:0",
		"GRAINMESH_INTERNAL_LISTEN":   "127.0.0.1:0",
		"GRAINMESH_PUBLIC_URL":        publicURL,
		"GRAINMESH_DATABASE_URL":      s.DatabaseURL.Reveal(),
		"GRAINMESH_NATS_URL":          s.NATSURL,
		"GRAINMESH_REDIS_URL":         s.RedisURL.Reveal(),
		"GRAINMESH_S3_URL":            s.S3URL.Reveal(),
		"GRAINMESH_S3_PUBLIC_URL":     s.S3PublicURL,
		"GRAINMESH_S3_BUCKET":         s.S3Bucket,
		"GRAINMESH_KEYS":              s.Keys,
		"GRAINMESH_REGION":            s.Region,
		"GRAINMESH_ALLOW_HOSTS":       strings.Join(s.AllowHosts, ","),
		"GRAINMESH_NEIGHBOURS":        strings.Join(internal, ","),
		"GRAINMESH_PUBLIC_NEIGHBOURS": strings.Join(public, ","),
	}}
}
