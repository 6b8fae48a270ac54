package objstore

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Audience says who will use a presigned URL, and so by which name the store is
// called in it.
type Audience int

// The audiences.
const (
	Internal Audience = iota // services and jobs
	Public                   // browsers and clients outside
)

const (
	maxExpiry = 7 * 24 * time.Hour // S3's own
	// windowPart: a GET's URL stays the same for this part of its expiry.
	windowPart = 4

	signAlgorithm  = "AWS4-HMAC-SHA256"
	signTimeFormat = "20060102T150405Z"
	signDateFormat = "20060102"
)

// Presigned is a request that may be made without an account: send Header with it
// as it is, besides what the body needs.
type Presigned struct {
	URL    string
	Header http.Header
}

// PresignPut allows one upload of an object. If-None-Match: * is signed, so that
// an object that is there already stays: the second PUT is answered 412, one
// without the header 403.
func (b *Bucket) PresignPut(key string, expiry time.Duration, who Audience) (Presigned, error) {
	header := http.Header{"If-None-Match": {"*"}}
	signed, err := b.presign(http.MethodPut, key, expiry, who, nil, header, time.Now())
	return Presigned{URL: signed, Header: header}, err
}

// PresignOverwrite allows uploads of an object, also over one that is there: for
// clients that send no headers of their own. Whoever relies on the object pins its
// ETag.
func (b *Bucket) PresignOverwrite(key string, expiry time.Duration, who Audience) (string, error) {
	return b.presign(http.MethodPut, key, expiry, who, nil, nil, time.Now())
}

// PresignGet allows reading an object. The same URL is given for a quarter of the
// expiry, by every process, so that caches that know it by its URL keep it; it
// lives for at least the expiry from now.
func (b *Bucket) PresignGet(key string, expiry time.Duration, who Audience) (string, error) {
	window := (expiry / windowPart).Truncate(time.Second)
	if expiry+window > maxExpiry {
		window = 0
	}
	now := time.Now()
	if window > 0 {
		now = now.Truncate(window)
	}
	return b.presign(http.MethodGet, key, expiry+window, who, nil, nil, now)
}

// PresignPart allows the upload of one part (from 1 to 10,000) of a multipart upload,
// of the given size: its length, which every client says, is signed.
func (b *Bucket) PresignPart(key, uploadID string, part int, size int64, expiry time.Duration, who Audience) (string, error) {
	query := map[string]string{"partNumber": strconv.Itoa(part), "uploadId": uploadID}
	header := http.Header{"Content-Length": {strconv.FormatInt(size, 10)}}
	return b.presign(http.MethodPut, key, expiry, who, query, header, time.Now())
}

func (b *Bucket) presign(
	method, key string, expiry time.Duration, who Audience, query map[string]string, header http.Header, now time.Time,
) (string, error) {
	if expiry < time.Second || expiry > maxExpiry {
		return "", fault.Newf(fault.InvalidArgument, "presign %s/%s: the expiry %s is not between 1 s and 7 days", b.name, key, expiry)
	}
	if err := s3utils.CheckValidBucketName(b.name); err != nil {
		return "", fault.Newf(fault.InvalidArgument, "presign: bucket %q: %w", b.name, err)
	}
	if err := s3utils.CheckValidObjectName(key); err != nil {
		return "", fault.Newf(fault.InvalidArgument, "presign: key %q: %w", key, err)
	}
	s := &b.store.internal
	if who == Public {
		s = &b.store.public
	}
	return s.presign(method, "/"+b.name+"/"+s3utils.EncodePath(key), expiry, query, header, now.UTC()), nil
}

// signer presigns by AWS Signature Version 4 in the query ("Authenticating
// Requests: Using Query Parameters", Amazon S3 API Reference). The client library
// has it too; ours chooses the time of signing, which is what makes an URL repeat,
// and keeps the day's key.
type signer struct {
	scheme, host string
	account      account
	day          *atomic.Pointer[dayKey]
}

// dayKey is the signing key of one day.
type dayKey struct {
	date string
	key  []byte
}

func newSigner(endpoint *url.URL, acc account) signer {
	return signer{scheme: endpoint.Scheme, host: endpoint.Host, account: acc, day: new(atomic.Pointer[dayKey])}
}

// base is the endpoint's URL.
func (s *signer) base() string { return s.scheme + "://" + s.host }

// presign returns the URL of a request for an encoded path.
func (s *signer) presign(method, path string, expiry time.Duration, query map[string]string, header http.Header, now time.Time) string {
	date := now.Format(signDateFormat)
	scope := date + "/" + s.account.region + "/s3/aws4_request"
	names, lines := canonicalHeaders(s.host, header)
	values := map[string]string{
		"X-Amz-Algorithm":     signAlgorithm,
		"X-Amz-Credential":    s.account.key + "/" + scope,
		"X-Amz-Date":          now.Format(signTimeFormat),
		"X-Amz-Expires":       strconv.FormatInt(int64(expiry/time.Second), 10),
		"X-Amz-SignedHeaders": names,
	}
	maps.Copy(values, query)
	canonicalQuery := encodeQuery(values)
	request := strings.Join([]string{method, path, canonicalQuery, lines, names, "UNSIGNED-PAYLOAD"}, "\n")
	sum := sha256.Sum256([]byte(request))
	toSign := strings.Join([]string{signAlgorithm, values["X-Amz-Date"], scope, hex.EncodeToString(sum[:])}, "\n")
	signature := hex.EncodeToString(mac(s.key(date), toSign))
	return s.base() + path + "?" + canonicalQuery + "&X-Amz-Signature=" + signature
}

// key returns the signing key of a day.
func (s *signer) key(date string) []byte {
	if k := s.day.Load(); k != nil && k.date == date {
		return k.key
	}
	key := []byte("AWS4" + s.account.secret)
	for _, part := range []string{date, s.account.region, "s3", "aws4_request"} {
		key = mac(key, part)
	}
	s.day.Store(&dayKey{date, key})
	return key
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// canonicalHeaders writes the signed headers: their names, and a line for each.
func canonicalHeaders(host string, header http.Header) (names, lines string) {
	values := map[string]string{"host": host}
	for name := range header {
		values[strings.ToLower(name)] = header.Get(name)
	}
	sorted := slices.Sorted(maps.Keys(values))
	var b strings.Builder
	for _, name := range sorted {
		b.WriteString(name + ":" + values[name] + "\n")
	}
	return strings.Join(sorted, ";"), b.String()
}

// encodeQuery writes a query in the order and encoding that is signed.
func encodeQuery(values map[string]string) string {
	var b strings.Builder
	for i, name := range slices.Sorted(maps.Keys(values)) {
		if i > 0 {
			b.WriteByte('&')
		}
		// QueryEscape differs from what is signed in the blank alone.
		b.WriteString(name + "=" + strings.ReplaceAll(url.QueryEscape(values[name]), "+", "%20"))
	}
	return b.String()
}
