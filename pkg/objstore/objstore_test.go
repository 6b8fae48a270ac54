package objstore_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/objstore/objstoretest"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

func open(t *testing.T) *objstore.Store {
	t.Helper()
	s3 := meshtest.Bucket(t)
	host := strings.TrimPrefix(s3.Endpoint, "http://")
	store, err := objstore.Open(objstore.Config{
		URL:       config.Secret("http://" + s3.AccessKey + ":" + s3.SecretKey + "@" + host + "?region=" + s3.Region),
		PublicURL: strings.Replace(s3.Endpoint, "127.0.0.1", "localhost", 1),
	})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	return store
}

func TestEmbeddedStore(t *testing.T) {
	t.Parallel()
	store := open(t)
	require.NoError(t, store.Ping(t.Context()))
	objstoretest.Run(t, store, objstoretest.Options{CORS: true})
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	cfg := objstore.Config{URL: "http://KEY:HUSH@127.0.0.1:9000?region=x"}
	var out strings.Builder
	slog.New(slog.NewTextHandler(&out, nil)).Info("config", "url", cfg.URL, "cfg", cfg)
	text, err := json.Marshal(map[string]any{"url": cfg.URL})
	require.NoError(t, err)
	for _, s := range []string{out.String(), string(text), fmt.Sprintf("%v %+v %#v %s %q", cfg, cfg, cfg, cfg.URL, cfg.URL)} {
		require.NotContains(t, s, "HUSH")
		require.NotContains(t, s, "KEY")
	}
	for url, message := range map[config.Secret]string{
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
	store, err := objstore.Open(objstore.Config{URL: config.Secret("http://KEY:HUSH@" + l.Addr().String())})
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
	repeated := same()
	if !repeated {
		repeated = same()
	}
	require.True(t, repeated)
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
