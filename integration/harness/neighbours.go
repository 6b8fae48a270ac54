package harness

import (
	"net/url"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// neighbours gives a test its own share of everything.
func (m *Mesh) neighbours(t testing.TB) service.Settings {
	t.Helper()
	keys := t.TempDir()
	if m.options.Handed != "" {
		keys = filepath.Join(m.options.Handed, mesh.KeysFolder)
	}
	_, users, err := mesh.EnsureKeys(keys)
	require.NoError(t, err)
	bucket := meshtest.Bucket(t)
	s3, err := url.Parse(bucket.Endpoint)
	require.NoError(t, err)
	s3.User = url.UserPassword(bucket.AccessKey, bucket.SecretKey)
	settings := service.Settings{
		Listen: "127.0.0.1:0", InternalListen: "127.0.0.1:0", Keys: keys, Region: "test",
		RedisURL: config.Secret(meshtest.Redis(t)), S3URL: config.Secret(s3.String()), S3Bucket: bucket.Bucket,
		AllowHosts: []string{m.Source.Host()},
	}
	if m.options.Own {
		m.own = startOwn(t, users)
		settings.DatabaseURL, settings.NATSURL = config.Secret(m.own.postgres.URL()), m.own.nats.URL()
		return settings
	}
	settings.DatabaseURL, settings.NATSURL = config.Secret(meshtest.Database(t, meshtest.Template{})), m.options.NATSURL
	if m.options.Handed == "" {
		account := meshtest.NATS(t)
		for _, user := range users {
			account.AddUser(t, user)
		}
		settings.NATSURL = account.URL
	}
	return settings
}

// Database opens the mesh's database, for what no API tells.
func (m *Mesh) Database(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), m.Settings.DatabaseURL.Reveal())
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool
}
