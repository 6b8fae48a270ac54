package meshtest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

func exec(t *testing.T, url, sql string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), sql)
	return err
}

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	a, b := meshtest.Database(t, meshtest.Template{}), meshtest.Database(t, meshtest.Template{})
	require.NoError(t, exec(t, a, "CREATE TABLE thing (id int)"))
	require.NoError(t, exec(t, b, "CREATE TABLE thing (id int)"))
}

func TestTemplateIsBuiltOnce(t *testing.T) {
	t.Parallel()
	var built atomic.Int32
	template := meshtest.Template{
		Name: "once",
		Hash: strings.ToLower(rand.Text()), // never built before
		Migrate: func(_ context.Context, url string) error {
			built.Add(1)
			return exec(t, url, "CREATE TABLE thing (id int)")
		},
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			url := meshtest.Database(t, template)
			if err := exec(t, url, "INSERT INTO thing VALUES (1)"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, built.Load())
}

func TestDatabaseIsDropped(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("user", func(t *testing.T) { url = meshtest.Database(t, meshtest.Template{}) })
	_, err := pgx.Connect(t.Context(), url)
	require.ErrorContains(t, err, "does not exist")
}

func TestNATSAccountsAreApart(t *testing.T) {
	t.Parallel()
	a, b := meshtest.NATS(t).JetStream(t), meshtest.NATS(t).JetStream(t)
	config := jetstream.StreamConfig{Name: "WORK", Subjects: []string{"work.>"}}
	for _, js := range []jetstream.JetStream{a, b} {
		_, err := js.CreateStream(t.Context(), config)
		require.NoError(t, err)
	}
	_, err := a.Publish(t.Context(), "work.read.chunk.1", nil)
	require.NoError(t, err)
	stream, err := b.Stream(t.Context(), "WORK")
	require.NoError(t, err)
	info, err := stream.Info(t.Context())
	require.NoError(t, err)
	require.Zero(t, info.State.Msgs)
}

func TestBucketsAreApart(t *testing.T) {
	t.Parallel()
	a, b := meshtest.Bucket(t), meshtest.Bucket(t)
	require.NotEqual(t, a.Bucket, b.Bucket)
	_, err := a.Client.PutObject(t.Context(), a.Bucket, "x/y", bytes.NewReader([]byte("grain")), 5, minio.PutObjectOptions{})
	require.NoError(t, err)
	object, err := a.Client.GetObject(t.Context(), a.Bucket, "x/y", minio.GetObjectOptions{})
	require.NoError(t, err)
	defer object.Close()
	got, err := io.ReadAll(object)
	require.NoError(t, err)
	require.Equal(t, "grain", string(got))
	_, err = b.Client.StatObject(t.Context(), b.Bucket, "x/y", minio.StatObjectOptions{})
	require.Error(t, err)
}

func TestRedisExpires(t *testing.T) {
	t.Parallel()
	options, err := redis.ParseURL(meshtest.Redis(t))
	require.NoError(t, err)
	client := redis.NewClient(options)
	defer client.Close()
	require.NoError(t, client.Set(t.Context(), "seen", "1", 100*time.Millisecond).Err())
	require.Eventually(t, func() bool {
		return errors.Is(client.Get(t.Context(), "seen").Err(), redis.Nil)
	}, 10*time.Second, 10*time.Millisecond)
}

func BenchmarkDatabase(b *testing.B) {
	template := meshtest.Template{Name: "bench", Hash: "1", Migrate: func(ctx context.Context, url string) error {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		for i := range 40 {
			if _, err := conn.Exec(ctx, fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, doc jsonb)", i)); err != nil {
				return err
			}
		}
		return nil
	}}
	for b.Loop() {
		meshtest.Database(b, template) // dropped when the benchmark ends
	}
}
