package meshtest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed"
)

// Keys of the test binary's S3 server.
const (
	s3AccessKey = "meshtest"
	s3SecretKey = "meshtest-secret"
)

var s3Server = shared[*embed.S3]{start: func(ctx context.Context, dir string) (*embed.S3, error) {
	return embed.StartS3(ctx, embed.S3Config{
		Dir: dir, AccessKey: s3AccessKey, SecretKey: s3SecretKey, AllowOrigins: []string{"*"},
	})
}}

// S3 is a bucket of one test and how to reach it.
type S3 struct {
	// Endpoint is the server's URL; buckets are named in the path.
	Endpoint string
	// AccessKey, SecretKey and Region sign requests.
	AccessKey, SecretKey, Region string
	// Bucket is the test's own and empty.
	Bucket string
	// Client reaches the server with the keys above.
	Client *minio.Client
}

// Bucket returns a new bucket on the test binary's server.
func Bucket(t testing.TB) *S3 {
	t.Helper()
	server := s3Server.use(t)
	b := &S3{
		Endpoint: server.URL(), AccessKey: s3AccessKey, SecretKey: s3SecretKey, Region: embed.DefaultRegion,
		Bucket: "test-" + strings.ToLower(rand.Text()[:16]),
	}
	var err error
	b.Client, err = minio.New(strings.TrimPrefix(b.Endpoint, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(b.AccessKey, b.SecretKey, ""), Region: b.Region,
	})
	require.NoError(t, err)
	require.NoError(t, b.Client.MakeBucket(t.Context(), b.Bucket, minio.MakeBucketOptions{Region: b.Region}))
	return b
}
