package mesh

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/embed"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/service"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

func TestPick(t *testing.T) {
	t.Parallel()
	names := Names()
	require.Len(t, names, len(Services()))
	require.Len(t, slices.Compact(slices.Sorted(slices.Values(names))), len(names), "each has a name of its own")
	require.Less(t, slices.Index(names, "media-store"), slices.Index(names, "reader"), "owners before those who ask them")

	picked, err := Pick("reader", "media-store")
	require.NoError(t, err)
	require.Equal(t, []string{"reader", "media-store"}, []string{picked[0].Name, picked[1].Name})
	none, err := Pick()
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = Pick("reader", "writer")
	require.ErrorContains(t, err, `"writer"`)
	for _, name := range names {
		require.ErrorContains(t, err, name, "what there is")
	}
}

func TestEnsureKeys(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "keys")
	keyring, users, err := EnsureKeys(dir)
	require.NoError(t, err)
	trusted := map[string]auth.Kind{}
	issuers, err := keyring.Issuers()
	require.NoError(t, err)
	for _, issuer := range issuers {
		trusted[issuer.Name] = issuer.Kind
	}
	want := map[string]auth.Kind{UserIssuer: auth.KindUser, PlayIssuer: auth.KindPlay}
	for _, name := range Names() {
		want[name] = auth.KindService
	}
	require.Equal(t, want, trusted)
	for name := range want {
		_, err := keyring.Signer(name)
		require.NoError(t, err)
	}
	requireUsers(t, users)
	requirePrivate(t, dir)

	_, again, err := EnsureKeys(dir)
	require.NoError(t, err)
	require.Equal(t, keysOf(users), keysOf(again), "keys are made once")
}

// requireUsers says that everyone of the table of subjects may connect, and nobody may
// do everything.
func requireUsers(t *testing.T, users []embed.User) {
	t.Helper()
	permissions := subjects.Permissions()
	require.Len(t, users, len(permissions))
	for _, user := range users {
		require.NotEmpty(t, user.PublicKey)
		require.Equal(t, permissions[user.Name].Publish, user.Publish)
		require.Equal(t, permissions[user.Name].Subscribe, user.Subscribe)
		require.NotContains(t, slices.Concat(user.Publish, user.Subscribe), ">")
	}
}

func keysOf(users []embed.User) map[string]string {
	keys := map[string]string{}
	for _, user := range users {
		keys[user.Name] = user.PublicKey
	}
	return keys
}

// requirePrivate says that nobody else may read a folder and what is secret in it.
func requirePrivate(t *testing.T, dir string) {
	t.Helper()
	info, err := os.Stat(dir)
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o077, dir)
	keys, err := filepath.Glob(filepath.Join(dir, "*.key"))
	require.NoError(t, err)
	require.NotEmpty(t, keys)
	for _, key := range keys {
		info, err := os.Stat(key)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, key)
	}
}

func TestAccountOfTheObjectStoreIsKept(t *testing.T) {
	t.Parallel()
	m := &mesh{dir: t.TempDir()}
	path := filepath.Join(m.dir, "keys", "s3")
	require.NoError(t, os.Mkdir(filepath.Dir(path), 0o700))
	access, secret, err := m.s3Keys()
	require.NoError(t, err)
	require.NotEmpty(t, access)
	require.GreaterOrEqual(t, len(secret), 20)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	sameAccess, sameSecret, err := m.s3Keys()
	require.NoError(t, err)
	require.Equal(t, []string{access, secret}, []string{sameAccess, sameSecret})

	require.NoError(t, os.WriteFile(path, []byte("torn"), 0o600))
	_, _, err = m.s3Keys()
	require.ErrorContains(t, err, path)
}

// settings are those of a mesh that embeds all of its neighbours.
func settings() service.Settings {
	return service.Settings{
		Listen: "127.0.0.1:0", InternalListen: "127.0.0.1:0", S3Bucket: "grainmesh", Region: "local", StopTimeout: stopTimeout,
	}
}

const (
	patience = 60 * time.Second
	tick     = 10 * time.Millisecond
)

// TestRun runs a mesh with everything embedded: one a folder, which it gives back, and
// finds again.
func TestRun(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mesh")
	for range 2 {
		ctx, stop := context.WithCancel(t.Context())
		ready, ended := make(chan Running, 1), make(chan error, 1)
		go func() {
			ended <- Run(ctx, Options{Dir: dir, Settings: settings(), Log: telemetry.Discard(), Ready: func(r Running) { ready <- r }})
		}()
		var r Running
		select {
		case r = <-ready:
		case err := <-ended:
			require.NoError(t, err)
		case <-time.After(patience):
			require.Fail(t, "the mesh is not ready")
		}
		requireJoinable(t, r)
		err := Run(t.Context(), Options{Dir: dir, Settings: settings(), Log: telemetry.Discard(), Ready: func(Running) { t.Error("two run in one folder") }})
		require.ErrorIs(t, err, embed.ErrInUse)
		require.ErrorContains(t, err, dir)
		requireAnswers(t, r.PublicURL+"/readyz")

		stop()
		require.NoError(t, <-ended)
		held, err := embed.InUse(dir)
		require.NoError(t, err)
		require.False(t, held)
	}
}

// requireJoinable says that another process is told all it needs, and no more places
// than there are.
func requireJoinable(t *testing.T, r Running) {
	t.Helper()
	require.Equal(t, r.PublicURL, r.Env["GRAINMESH_PUBLIC_URL"])
	for _, name := range []string{"DATABASE_URL", "NATS_URL", "REDIS_URL", "S3_URL", "KEYS"} {
		require.NotEmpty(t, r.Env["GRAINMESH_"+name], name)
	}
	for _, name := range Names() {
		require.Contains(t, r.Env["GRAINMESH_NEIGHBOURS"], name+"="+r.InternalURL)
		require.Contains(t, r.Env["GRAINMESH_PUBLIC_NEIGHBOURS"], name+"="+r.PublicURL)
	}
}

func requireAnswers(t *testing.T, url string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	require.Eventually(t, func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		response, err := client.Do(request)
		return err == nil && response.Body.Close() == nil && response.StatusCode == http.StatusOK
	}, patience, tick)
}

// A neighbour is replaced as soon as its URL is set, also to what is the default of
// services that run apart.
func TestNATSThatIsSetIsNotEmbedded(t *testing.T) {
	const elsewhere = "nats://127.0.0.1:4222"
	t.Setenv("GRAINMESH_NATS_URL", elsewhere)
	set, err := LoadSettings()
	require.NoError(t, err)
	m := &mesh{dir: t.TempDir(), log: telemetry.Discard(), settings: set}
	started, err := m.nats(t.Context(), nil)
	require.NoError(t, err)
	require.Nil(t, started.stop)
	require.Equal(t, elsewhere, m.settings.NATSURL)

	require.NoError(t, os.Unsetenv("GRAINMESH_NATS_URL"))
	unset, err := LoadSettings()
	require.NoError(t, err)
	m = &mesh{dir: t.TempDir(), log: telemetry.Discard(), settings: unset}
	started, err = m.nats(t.Context(), nil)
	require.NoError(t, err)
	require.NotNil(t, started.stop)
	started.apply(&m.settings)
	require.NotEqual(t, elsewhere, m.settings.NATSURL)
	require.NoError(t, started.stop(t.Context()))
}

// What cannot be started is named, and what was started is stopped.
func TestNeighbourThatDoesNotStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "postgres"), []byte("in the way"), 0o600))
	without := settings()
	without.S3URL = "http://key:secret@127.0.0.1:1" // a process can embed one, and TestRun has it
	err := Run(t.Context(), Options{Dir: dir, Settings: without, Log: telemetry.Discard()})
	require.ErrorContains(t, err, "start the embedded Postgres")
	held, err := embed.InUse(dir)
	require.NoError(t, err)
	require.False(t, held)
}
