package objstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/cors"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	// tries is how often the client library repeats a request that failed for a
	// reason that passes. Callers have retries of their own.
	tries           = 3
	connections     = 256
	idleTimeout     = 90 * time.Second
	preflightMaxAge = 10 * time.Minute
)

// Store is an S3 endpoint and an account. It is safe for concurrent use.
type Store struct {
	core      *minio.Core
	transport *http.Transport
	internal  signer
	public    signer
}

// Open checks the settings; it connects to nothing.
func Open(cfg Config) (*Store, error) {
	internal, public, acc, err := cfg.parse()
	if err != nil {
		return nil, err
	}
	transport := newTransport(cmp.Or(cfg.Timeout, defaultTimeout))
	core, err := minio.NewCore(internal.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(acc.key, acc.secret, ""),
		Secure:       internal.Scheme == "https",
		Transport:    transport,
		Region:       acc.region,
		BucketLookup: minio.BucketLookupPath,
		MaxRetries:   tries,
	})
	if err != nil {
		return nil, fmt.Errorf("open object store %s: %w", internal, err)
	}
	return &Store{
		core: core, transport: transport,
		internal: newSigner(internal, acc), public: newSigner(public, acc),
	}, nil
}

// newTransport makes a transport of HTTP/1.1 without proxies: the store is inside.
func newTransport(timeout time.Duration) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: timeout}).DialContext,
		Protocols:             protocols,
		TLSHandshakeTimeout:   timeout,
		ResponseHeaderTimeout: timeout,
		MaxIdleConns:          connections,
		MaxIdleConnsPerHost:   connections,
		IdleConnTimeout:       idleTimeout,
		DisableCompression:    true,
	}
}

// HTTPClient is for requests with presigned URLs of the [Internal] kind; it shares
// the store's connections and follows no redirects.
func (s *Store) HTTPClient() *http.Client {
	return &http.Client{
		Transport:     s.transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Ping says whether the store answers to this account.
func (s *Store) Ping(ctx context.Context) error {
	if _, err := s.core.ListBuckets(ctx); err != nil {
		return translate(err, "ask object store %s", s.internal.base())
	}
	return nil
}

// Close ends idle connections.
func (s *Store) Close() { s.transport.CloseIdleConnections() }

// Bucket returns a handle; the bucket need not be there.
func (s *Store) Bucket(name string) *Bucket { return &Bucket{store: s, name: name} }

// Bucket is one bucket of a Store.
type Bucket struct {
	store *Store
	name  string
}

// Name is the bucket's name.
func (b *Bucket) Name() string { return b.name }

// EnsureBucket makes the bucket unless it is there, and lets pages of the given
// web origins read and write with presigned URLs. A server without CORS by bucket
// keeps its own rules.
func (b *Bucket) EnsureBucket(ctx context.Context, origins ...string) error {
	err := b.store.core.MakeBucket(ctx, b.name, minio.MakeBucketOptions{})
	if err != nil && !slices.Contains([]string{minio.BucketAlreadyOwnedByYou, minio.BucketAlreadyExists}, codeOf(err)) {
		return translate(err, "make bucket %s", b.name)
	}
	if err != nil {
		// It may be another account's.
		if exists, headErr := b.store.core.BucketExists(ctx, b.name); headErr != nil || !exists {
			return translate(cmp.Or(headErr, err), "make bucket %s", b.name)
		}
	}
	if len(origins) == 0 {
		return nil
	}
	err = b.store.core.SetBucketCors(ctx, b.name, &cors.Config{CORSRules: []cors.Rule{{
		AllowedOrigin: origins,
		AllowedMethod: []string{http.MethodGet, http.MethodHead, http.MethodPut},
		AllowedHeader: []string{"*"},
		ExposeHeader:  []string{"ETag", "Content-Length", "Content-Range", "Accept-Ranges", "Last-Modified"},
		MaxAgeSeconds: int(preflightMaxAge / time.Second),
	}}})
	if err != nil && !slices.Contains([]string{minio.NotImplemented, minio.MethodNotAllowed}, codeOf(err)) {
		return translate(err, "set cors of bucket %s", b.name)
	}
	return nil
}

// codeOf is the S3 code of an error, empty if it did not come from the server.
func codeOf(err error) string {
	if answer, ok := errors.AsType[minio.ErrorResponse](err); ok {
		return answer.Code
	}
	return ""
}
