package objstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/objstore/objstoretest"
)

func startServer(t *testing.T) *objstore.Store {
	t.Helper()
	backend, err := posix.New(t.TempDir(), meta.XattrMeta{}, posix.PosixOpts{})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := l.Addr().String()
	require.NoError(t, l.Close())
	listening, done := make(chan struct{}), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		done <- embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
			RootUserAccess: "key", RootUserSecret: "secret", Region: "eu-test-1", Ports: []string{addr}, Quiet: true,
			MaxConnections: 1000, MaxRequests: 1000, MultipartMaxParts: 10000, KeepAlive: true,
			S3Options: []s3api.Option{s3api.WithOnListen(func() { close(listening) })},
		})
	}()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	<-listening
	store, err := objstore.Open(objstore.Config{
		URL: objstore.URL("http://key:secret@" + addr + "?region=eu-test-1"), PublicURL: strings.Replace("http://"+addr, "127.0.0.1", "localhost", 1),
	})
	require.NoError(t, err)
	return store
}

func TestEmbeddedStore(t *testing.T) {
	store := startServer(t)
	require.NoError(t, store.Ping(t.Context()))
	t.Run("suite", func(t *testing.T) { objstoretest.Run(t, store, objstoretest.Options{CORS: true}) })
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	cfg := objstore.Config{URL: "http://KEY:HUSH@127.0.0.1:9000?region=x"}
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("config", "url", cfg.URL, "cfg", cfg)
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	for _, s := range []string{out.String(), string(text), fmt.Sprintf("%v %+v %#v %s %q", cfg, cfg, cfg, cfg.URL, cfg.URL)} {
		require.NotContains(t, s, "HUSH")
		require.NotContains(t, s, "KEY")
		require.Contains(t, s, "127.0.0.1:9000")
	}
	for url, message := range map[objstore.URL]string{
		"":                          "scheme",
		"ftp://KEY:HUSH@h":          "scheme",
		"http://127.0.0.1:9000":     "needs a key and a secret",
		"http://KEY:HUSH@h/path":    "path",
		"http://KEY:HUSH@":          "no host",
		"http://KEY:HUSH@h:bad":     "does not parse",
		"http://KEY:HUSH@h:9000/%z": "does not parse",
	} {
		_, err := objstore.Open(objstore.Config{URL: url})
		require.ErrorContains(t, err, message)
		require.NotContains(t, err.Error(), "HUSH")
	}
}

func TestAStoreThatIsAway(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	store, err := objstore.Open(objstore.Config{URL: objstore.URL("http://KEY:HUSH@" + l.Addr().String())})
	require.NoError(t, err)
	defer store.Close()
	err = store.Ping(t.Context())
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
}

func TestURLsOfReadsRepeat(t *testing.T) {
	t.Parallel()
	open := func() *objstore.Bucket {
		store, err := objstore.Open(objstore.Config{URL: "http://KEY:HUSH@127.0.0.1:80", PublicURL: "https://s3.example:443/"})
		require.NoError(t, err)
		return store.Bucket("bucket")
	}
	same := func() bool {
		a, err := open().PresignGet("key", 24*time.Hour, objstore.Public)
		require.NoError(t, err)
		b, err := open().PresignGet("key", 24*time.Hour, objstore.Public)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(a, "https://s3.example/bucket/key?"), a)
		return a == b
	}
	// The border of a window may lie between the two, but not twice.
	require.True(t, same() || same())
}

func BenchmarkPresignGet(b *testing.B) {
	store, err := objstore.Open(objstore.Config{URL: "http://KEY:HUSH@127.0.0.1:9000"})
	require.NoError(b, err)
	bucket := store.Bucket("bucket")
	for b.Loop() {
		if _, err := bucket.PresignGet("0123/4567/some-object-key", time.Hour, objstore.Public); err != nil {
			b.Fatal(err)
		}
	}
}
