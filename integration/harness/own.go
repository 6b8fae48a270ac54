package harness

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

// ownServers are a Postgres and a NATS of one test, which it may stop and start again.
type ownServers struct {
	dir      string
	users    []embed.User
	postgres *embed.Postgres
	nats     *embed.NATS
	stores   int // folders that NATS has had
}

func startOwn(t testing.TB, users []embed.User) *ownServers {
	t.Helper()
	o := &ownServers{dir: t.TempDir(), users: users}
	o.startPostgres(t, 0)
	o.startNATS(t, 0)
	t.Cleanup(func() {
		o.stopNATS(t)
		require.NoError(t, o.postgres.Stop(context.Background()))
	})
	return o
}

func (o *ownServers) startPostgres(t testing.TB, port int) {
	t.Helper()
	var err error
	// Without the durability that a crash of the machine would need; one of a process
	// needs none of it.
	o.postgres, err = embed.StartPostgres(context.Background(), embed.PostgresConfig{Dir: filepath.Join(o.dir, "postgres"), Port: port, Volatile: true})
	require.NoError(t, err)
}

// startNATS starts a NATS on an empty folder.
func (o *ownServers) startNATS(t testing.TB, port int) {
	t.Helper()
	o.stores++
	dir := filepath.Join(o.dir, "nats-"+strconv.Itoa(o.stores))
	require.NoError(t, os.MkdirAll(dir, 0o700))
	var err error
	o.nats, err = embed.StartNATS(context.Background(), embed.NATSConfig{Dir: dir, Port: port, Users: o.users})
	require.NoError(t, err)
}

func (o *ownServers) stopNATS(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	require.NoError(t, o.nats.Stop(ctx))
}

// WipeNATS takes away the whole JetStream store of a mesh with own servers, with every
// stream and consumer in it, while the services run.
func (m *Mesh) WipeNATS(t testing.TB) {
	t.Helper()
	port := portOf(t, m.own.nats.URL())
	m.own.stopNATS(t)
	m.own.startNATS(t, port)
}

// RestartPostgres restarts the Postgres of a mesh with own servers: every connection
// is cut off.
func (m *Mesh) RestartPostgres(t testing.TB) {
	t.Helper()
	port := portOf(t, m.own.postgres.URL())
	require.NoError(t, m.own.postgres.Stop(context.Background()))
	m.own.startPostgres(t, port)
}

// FlushRedis empties the mesh's Redis.
func (m *Mesh) FlushRedis(t testing.TB) {
	t.Helper()
	options, err := redis.ParseURL(m.Settings.RedisURL.Reveal())
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	require.NoError(t, client.FlushAll(t.Context()).Err())
}

func portOf(t testing.TB, text string) int {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	return port
}
