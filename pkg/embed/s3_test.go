package embed_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/cors"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

const portal = "https://portal.example.org"

func startS3(t *testing.T, dir string) (*embed.S3, *minio.Client) {
	t.Helper()
	server, err := embed.StartS3(t.Context(), embed.S3Config{
		Dir: dir, AccessKey: "access", SecretKey: "secret-key", AllowOrigins: []string{portal},
	})
	require.NoError(t, err)
	return server, s3Client(t, server, "secret-key")
}

func s3Client(t *testing.T, server *embed.S3, secret string) *minio.Client {
	t.Helper()
	client, err := minio.New(strings.TrimPrefix(server.URL(), "http://"), &minio.Options{
		Creds: credentials.NewStaticV4("access", secret, ""), Region: embed.DefaultRegion,
		Transport: &http.Transport{DisableKeepAlives: true},
	})
	require.NoError(t, err)
	return client
}

// One test, since a process has one S3 server.
func TestS3(t *testing.T) {
	t.Parallel()
	before, err := os.Getwd()
	require.NoError(t, err)
	dir := t.TempDir()
	server, client := startS3(t, dir)
	require.NoError(t, client.MakeBucket(t.Context(), "media", minio.MakeBucketOptions{}))

	t.Run("put and get", func(t *testing.T) { putAndGet(t, client) })
	t.Run("conditional presigned put", func(t *testing.T) { conditionalPut(t, client) })
	t.Run("multipart", func(t *testing.T) { multipart(t, client) })
	t.Run("list and delete", func(t *testing.T) { listAndDelete(t, client) })
	t.Run("other origins", func(t *testing.T) { otherOrigins(t, client) })
	t.Run("wrong secret", func(t *testing.T) {
		_, err := s3Client(t, server, "wrong").ListBuckets(t.Context())
		require.Equal(t, "SignatureDoesNotMatch", minio.ToErrorResponse(err).Code)
	})
	t.Run("one a process", func(t *testing.T) {
		_, err := embed.StartS3(t.Context(), embed.S3Config{Dir: t.TempDir(), AccessKey: "a", SecretKey: "b"})
		require.ErrorIs(t, err, embed.ErrOneS3)
	})
	t.Run("leaves the working directory alone", func(t *testing.T) {
		after, err := os.Getwd()
		require.NoError(t, err)
		require.Equal(t, before, after)
		_, err = os.Stat("s3_test.go")
		require.NoError(t, err)
	})
	stop(t, server)

	server, client = startS3(t, dir)
	defer stop(t, server)
	info, err := client.StatObject(t.Context(), "media", "kept", minio.StatObjectOptions{})
	require.NoError(t, err)
	require.Equal(t, "video/mp4", info.ContentType)
}

func TestS3FolderInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	lock, err := embed.LockDir(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, lock.Release()) }()
	require.Eventually(t, func() bool {
		_, err = embed.StartS3(t.Context(), embed.S3Config{Dir: dir, AccessKey: "a", SecretKey: "b"})
		require.Error(t, err)
		return !strings.Contains(err.Error(), embed.ErrOneS3.Error()) // the other test is running
	}, 60*time.Second, 50*time.Millisecond)
	require.ErrorIs(t, err, embed.ErrInUse)
}

func putAndGet(t *testing.T, client *minio.Client) {
	body := bytes.Repeat([]byte("grain"), 100_000)
	_, err := client.PutObject(t.Context(), "media", "kept", bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{ContentType: "video/mp4"})
	require.NoError(t, err)
	options := minio.GetObjectOptions{}
	require.NoError(t, options.SetRange(5, 9))
	object, err := client.GetObject(t.Context(), "media", "kept", options)
	require.NoError(t, err)
	defer object.Close()
	got, err := io.ReadAll(object)
	require.NoError(t, err)
	require.Equal(t, "grain", string(got))
}

// conditionalPut is how grains are uploaded: only once, and not without the
// condition that was signed.
func conditionalPut(t *testing.T, client *minio.Client) {
	header := http.Header{"If-None-Match": {"*"}}
	signed, err := client.PresignHeader(t.Context(), http.MethodPut, "media", "flow/object", time.Minute, nil, header)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, do(t, http.MethodPut, signed, header, "first").StatusCode)
	require.Equal(t, http.StatusPreconditionFailed, do(t, http.MethodPut, signed, header, "second").StatusCode)
	require.Equal(t, http.StatusForbidden, do(t, http.MethodPut, signed, nil, "third").StatusCode)
}

func multipart(t *testing.T, client *minio.Client) {
	core := minio.Core{Client: client}
	id, err := core.NewMultipartUpload(t.Context(), "media", "long", minio.PutObjectOptions{})
	require.NoError(t, err)
	part := bytes.Repeat([]byte{1}, 5<<20)
	var parts []minio.CompletePart
	for n := 1; n <= 2; n++ {
		p, err := core.PutObjectPart(t.Context(), "media", "long", id, n, bytes.NewReader(part), int64(len(part)), minio.PutObjectPartOptions{})
		require.NoError(t, err)
		parts = append(parts, minio.CompletePart{PartNumber: n, ETag: p.ETag})
	}
	_, err = core.CompleteMultipartUpload(t.Context(), "media", "long", id, parts, minio.PutObjectOptions{})
	require.NoError(t, err)
	info, err := client.StatObject(t.Context(), "media", "long", minio.StatObjectOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 10<<20, info.Size)
}

func listAndDelete(t *testing.T, client *minio.Client) {
	var keys []string
	for object := range client.ListObjects(t.Context(), "media", minio.ListObjectsOptions{Recursive: true}) {
		require.NoError(t, object.Err)
		keys = append(keys, object.Key)
	}
	require.Equal(t, []string{"flow/object", "kept", "long"}, keys)
	require.NoError(t, client.RemoveObject(t.Context(), "media", "long", minio.RemoveObjectOptions{}))
	buckets, err := client.ListBuckets(t.Context())
	require.NoError(t, err)
	require.Len(t, buckets, 1)
}

func otherOrigins(t *testing.T, client *minio.Client) {
	signed, err := client.PresignedPutObject(t.Context(), "media", "from-browser", time.Minute)
	require.NoError(t, err)
	preflight := http.Header{
		"Origin":                         {portal},
		"Access-Control-Request-Method":  {http.MethodPut},
		"Access-Control-Request-Headers": {"content-type,if-none-match"},
	}
	answer := do(t, http.MethodOptions, signed, preflight, "")
	require.Equal(t, http.StatusNoContent, answer.StatusCode)
	require.Equal(t, portal, answer.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, answer.Header.Get("Access-Control-Allow-Methods"), http.MethodPut)
	require.Equal(t, "content-type,if-none-match", answer.Header.Get("Access-Control-Allow-Headers"))

	answer = do(t, http.MethodPut, signed, http.Header{"Origin": {portal}}, "x")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Equal(t, []string{portal}, answer.Header.Values("Access-Control-Allow-Origin"))
	require.Contains(t, answer.Header.Get("Access-Control-Expose-Headers"), "ETag")

	// A bucket may have rules of its own.
	require.NoError(t, client.SetBucketCors(t.Context(), "media", &cors.Config{CORSRules: []cors.Rule{{
		AllowedOrigin: []string{portal}, AllowedMethod: []string{http.MethodPut}, ExposeHeader: []string{"ETag"},
	}}}))
	answer = do(t, http.MethodPut, signed, http.Header{"Origin": {portal}}, "x")
	require.Equal(t, []string{portal}, answer.Header.Values("Access-Control-Allow-Origin"))
	require.Len(t, answer.Header.Values("Access-Control-Expose-Headers"), 1)

	for _, header := range []http.Header{{"Origin": {"https://elsewhere.example.org"}}, {}} {
		answer = do(t, http.MethodPut, signed, header, "x")
		require.Empty(t, answer.Header.Get("Access-Control-Allow-Origin"))
	}
	preflight.Set("Origin", "https://elsewhere.example.org")
	require.Empty(t, do(t, http.MethodOptions, signed, preflight, "").Header.Get("Access-Control-Allow-Origin"))
}

func do(t *testing.T, method string, to *url.URL, header http.Header, body string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, to.String(), strings.NewReader(body))
	require.NoError(t, err)
	maps.Copy(request.Header, header)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(t, err)
	return response
}

func BenchmarkS3Put(b *testing.B) {
	server, err := embed.StartS3(b.Context(), embed.S3Config{Dir: b.TempDir(), AccessKey: "access", SecretKey: "secret-key"})
	require.NoError(b, err)
	defer server.Stop(context.Background())
	client, err := minio.New(strings.TrimPrefix(server.URL(), "http://"), &minio.Options{
		Creds: credentials.NewStaticV4("access", "secret-key", ""), Region: embed.DefaultRegion,
	})
	require.NoError(b, err)
	require.NoError(b, client.MakeBucket(b.Context(), "media", minio.MakeBucketOptions{}))
	body := make([]byte, 1<<10)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			key := "object/" + strconv.FormatInt(n.Add(1), 10)
			if _, err := client.PutObject(b.Context(), "media", key, bytes.NewReader(body), int64(len(body)), minio.PutObjectOptions{}); err != nil {
				b.Error(err)
			}
		}
	})
}
