package deploy_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

func TestMain(m *testing.M) { harness.Main(m, removeTool) }

// startNATS runs a NATS server from a configuration of the tree and accounts that were
// handed out, on a free port.
func startNATS(t *testing.T, config, handed string) string {
	t.Helper()
	dir := t.TempDir()
	for name, from := range map[string]string{"nats.conf": config, "accounts.conf": filepath.Join(handed, mesh.AccountsFile)} {
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
	}
	options, err := server.ProcessConfigFile(filepath.Join(dir, "nats.conf"))
	require.NoError(t, err)
	require.True(t, options.JetStream)
	options.Host, options.Port, options.HTTPPort = "127.0.0.1", server.RANDOM_PORT, 0
	options.StoreDir, options.NoSigs, options.NoLog = t.TempDir(), true, true
	running, err := server.NewServer(options)
	require.NoError(t, err)
	running.Start()
	t.Cleanup(func() {
		running.Shutdown()
		running.WaitForShutdown()
	})
	require.True(t, running.ReadyForConnections(30*time.Second))
	return running.ClientURL()
}

func handOut(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, mesh.HandOut(dir))
	return dir
}

// Services that run apart, each with no more than the keys handed out to it, on a NATS
// with the configuration of compose, do their work.
func TestHandedOutMeshWorks(t *testing.T) {
	t.Parallel()
	handed := handOut(t)
	m := harness.New(t, harness.Options{Mode: harness.Apart, Handed: handed, NATSURL: startNATS(t, root+"/compose/nats.conf", handed)})
	user := m.User(t, "acme")
	wav := harness.WAV(3 * harness.SampleRate)
	job := user.Ingest(t, &jobv1.IngestSpec{Url: m.Source.Set("/take.wav", harness.File(wav)), MimeType: "audio/wav"})
	answer := user.Window(t, job.GetFlowIds()[0], "format=raw&timerange=_")
	require.Equal(t, wav[harness.WAVHeader:], answer.Body)
}

// What a service was handed is its own and no other's, and comes again the same.
func TestHandedOutKeysAreApart(t *testing.T) {
	t.Parallel()
	dir := handOut(t)
	more := map[string][]string{"origin": {"origin-play.key"}, "portal-bff": {"portal.key"}}
	before := map[string]string{}
	for _, name := range mesh.Names() {
		folder := filepath.Join(dir, mesh.IdentitiesFolder, name)
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		var held []string
		for _, entry := range entries {
			held = append(held, entry.Name())
			data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
			require.NoError(t, err)
			before[filepath.Join(folder, entry.Name())] = string(data)
			info, err := entry.Info()
			require.NoError(t, err)
			require.Equal(t, os.FileMode(0o600), info.Mode())
		}
		if definition := source(t, "services/"+name+"/definition.go"); neighbours["GRAINMESH_NATS_URL"].MatchString(definition) {
			more[name] = append(more[name], name+".nk")
			require.Contains(t, subjects.Permissions(), name)
		} else {
			require.NotContains(t, subjects.Permissions(), name, "it has no use for NATS")
		}
		require.ElementsMatch(t, append([]string{"trust.json", name + ".key"}, more[name]...), held)
	}
	require.NoError(t, mesh.HandOut(dir))
	for path, want := range before {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, string(data))
	}
}

// The server refuses what pkg/subjects does not allow, and whoever it does not know.
func TestNATSIsNotOpen(t *testing.T) {
	t.Parallel()
	handed := handOut(t)
	for _, config := range []string{"compose/nats.conf", "k8s/neighbours/nats.conf"} {
		t.Run(config, func(t *testing.T) {
			t.Parallel()
			url := startNATS(t, filepath.Join(root, config), handed)
			_, err := nats.Connect(url)
			require.ErrorIs(t, err, nats.ErrAuthorization)
			requireRefused(t, url, handed)
		})
	}
}

// requireRefused says that each identity is refused what is another's.
func requireRefused(t *testing.T, url, handed string) {
	t.Helper()
	for name, may := range subjects.Permissions() {
		option, err := nats.NkeyOptionFromSeed(filepath.Join(handed, mesh.IdentitiesFolder, name, name+".nk"))
		require.NoError(t, err)
		refused := make(chan error, 8)
		conn, err := nats.Connect(url, option, nats.CustomInboxPrefix(subjects.InboxPrefix(name)),
			nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refused <- err }))
		require.NoError(t, err, name)
		t.Cleanup(conn.Close)
		for _, other := range []string{"work.read.wav.1", "event.job.1.completed", "event.flow.1.created", "$JS.API.STREAM.DELETE.EVENTS"} {
			require.NoError(t, conn.Publish(other, nil))
			require.NoError(t, conn.Flush())
			if !subjects.Allows(may.Publish, other) {
				require.ErrorIs(t, next(t, refused), nats.ErrPermissionViolation, "%s publishes %s", name, other)
			}
		}
		foreign := subjects.InboxPrefix("someone") + ".>"
		_, err = conn.SubscribeSync(foreign)
		require.NoError(t, err)
		require.NoError(t, conn.Flush())
		require.ErrorContains(t, next(t, refused), foreign, "%s reads the answers of another", name)
		require.Empty(t, refused, name)
	}
}

func next(t *testing.T, errors <-chan error) error {
	t.Helper()
	select {
	case err := <-errors:
		return err
	case <-time.After(10 * time.Second):
		require.Fail(t, "nothing was refused")
		return nil
	}
}
