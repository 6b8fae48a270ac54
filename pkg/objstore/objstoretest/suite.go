package objstoretest

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/objstore"
)

const (
	expiry = time.Minute
	// partSize is the least that S3 takes for a part that is not the last, bytes.
	partSize = 5 << 20
	origin   = "https://portal.example"
)

// Options say what a store can do beyond what is asked of every one.
type Options struct {
	// CORS is set where the store answers preflights of origins that EnsureBucket
	// was given.
	CORS bool
}

// Run tests a store. Each test makes a bucket of its own, whose name begins with
// "objstoretest-".
func Run(t *testing.T, store *objstore.Store, opts Options) {
	t.Helper()
	tests := map[string]func(*testing.T, *objstore.Bucket){
		"objects are written once":      testWrittenOnce,
		"ranges":                        testRanges,
		"missing things are named":      testMissing,
		"lists come in pages":           testList,
		"objects are removed in bulk":   testRemove,
		"a presigned put works once":    testPresignPut,
		"a presigned get":               testPresignGet,
		"unusual keys":                  testKeys,
		"uploads in parts":              testUpload,
		"uploads that are given up":     testAbort,
		"a bucket may be ensured twice": testEnsureTwice,
	}
	if opts.CORS {
		tests["browsers may put and get"] = testCORS
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBucket(t, store))
		})
	}
}

// newBucket makes a bucket with a random name.
func newBucket(t *testing.T, store *objstore.Store) *objstore.Bucket {
	t.Helper()
	b := store.Bucket("objstoretest-" + strings.ToLower(rand.Text()))
	require.NoError(t, b.EnsureBucket(t.Context(), origin))
	return b
}

func put(t *testing.T, b *objstore.Bucket, key, content string) objstore.Object {
	t.Helper()
	object, err := b.Put(t.Context(), key, strings.NewReader(content), int64(len(content)), "text/plain")
	require.NoError(t, err)
	return object
}

func get(t *testing.T, b *objstore.Bucket, key string, offset, length int64) string {
	t.Helper()
	body, err := b.Get(t.Context(), key, offset, length)
	require.NoError(t, err)
	content, err := io.ReadAll(body)
	require.NoError(t, err)
	require.NoError(t, body.Close())
	return string(content)
}

// do sends a request as a stranger would, and returns its answer and body.
func do(t *testing.T, method, url string, header http.Header, body []byte) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	require.NoError(t, err)
	maps.Copy(req.Header, header)
	client := &http.Client{Timeout: time.Minute}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	require.NoError(t, err)
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp, string(answer)
}

func testWrittenOnce(t *testing.T, b *objstore.Bucket) {
	object := put(t, b, "a", "first")
	_, err := b.Put(t.Context(), "a", strings.NewReader("again"), 5, "text/plain")
	require.True(t, fault.Is(err, fault.Conflict), "%v", err)
	require.Equal(t, "first", get(t, b, "a", 0, -1))

	stat, err := b.Stat(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, object.ETag, stat.ETag)
	require.EqualValues(t, 5, stat.Size)
	require.Equal(t, "text/plain", stat.Type)
	require.WithinDuration(t, time.Now(), stat.Modified, time.Hour)

	put(t, b, "empty", "")
	require.Empty(t, get(t, b, "empty", 0, -1))
}

func testRanges(t *testing.T, b *objstore.Bucket) {
	put(t, b, "a", "0123456789")
	require.Equal(t, "0123456789", get(t, b, "a", 0, -1))
	require.Equal(t, "0", get(t, b, "a", 0, 1))
	require.Equal(t, "345", get(t, b, "a", 3, 3))
	require.Equal(t, "789", get(t, b, "a", 7, 100))
	require.Equal(t, "6789", get(t, b, "a", 6, -1))
	require.Empty(t, get(t, b, "a", 4, 0))
	for _, offset := range []int64{-1, 10, 1 << 40} {
		_, err := b.Get(t.Context(), "a", offset, 5)
		require.True(t, fault.Is(err, fault.InvalidArgument), "%d: %v", offset, err)
	}
}

func testMissing(t *testing.T, b *objstore.Bucket) {
	ctx := t.Context()
	_, err := b.Get(ctx, "nothing", 0, -1)
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	require.ErrorContains(t, err, b.Name()+"/nothing")
	_, err = b.Stat(ctx, "nothing")
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	_, err = b.UploadedParts(ctx, "nothing", "0000")
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
	require.NoError(t, b.Remove(ctx, "nothing"))

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = b.Stat(cancelled, "nothing")
	require.ErrorIs(t, err, context.Canceled)
}

func testList(t *testing.T, b *objstore.Bucket) {
	var want []string
	for i := range 7 {
		key := fmt.Sprintf("in/%d/x", i)
		put(t, b, key, strings.Repeat("x", i))
		want = append(want, key)
	}
	put(t, b, "out", "x")
	for _, limit := range []int{1, 3, 7, 100} {
		var got []string
		for after := ""; ; {
			page, err := b.List(t.Context(), "in/", after, limit)
			require.NoError(t, err)
			require.LessOrEqual(t, len(page.Objects), limit)
			for _, o := range page.Objects {
				require.EqualValues(t, len(got), o.Size)
				require.NotEmpty(t, o.ETag)
				got = append(got, o.Key)
			}
			if page.Next == "" {
				break
			}
			after = page.Next
		}
		require.Equal(t, want, got, "pages of %d", limit)
	}
	page, err := b.List(t.Context(), "nothing/", "", 10)
	require.NoError(t, err)
	require.Equal(t, objstore.Page{}, page)
}

func testRemove(t *testing.T, b *objstore.Bucket) {
	for _, key := range []string{"a", "b/c", "b/d", "stays"} {
		put(t, b, key, "x")
	}
	require.NoError(t, b.Remove(t.Context(), "a", "b/c", "b/d", "never"))
	require.NoError(t, b.Remove(t.Context(), "a"))
	require.NoError(t, b.Remove(t.Context()))
	page, err := b.List(t.Context(), "", "", 10)
	require.NoError(t, err)
	require.Len(t, page.Objects, 1)
	require.Equal(t, "stays", page.Objects[0].Key)
}

func testPresignPut(t *testing.T, b *objstore.Bucket) {
	for _, who := range []objstore.Audience{objstore.Internal, objstore.Public} {
		key := fmt.Sprintf("k%d", who)
		signed, err := b.PresignPut(key, expiry, who)
		require.NoError(t, err)
		resp, body := do(t, http.MethodPut, signed.URL, nil, []byte("bare"))
		require.Equal(t, http.StatusForbidden, resp.StatusCode, body)
		resp, body = do(t, http.MethodPut, signed.URL, signed.Header, []byte("first"))
		require.Equal(t, http.StatusOK, resp.StatusCode, body)
		require.NotEmpty(t, resp.Header.Get("ETag"))
		resp, body = do(t, http.MethodPut, signed.URL, signed.Header, []byte("again"))
		require.Equal(t, http.StatusPreconditionFailed, resp.StatusCode, body)
		require.Equal(t, "first", get(t, b, key, 0, -1))
		resp, _ = do(t, http.MethodPut, strings.Replace(signed.URL, "/"+key+"?", "/other?", 1), signed.Header, []byte("x"))
		require.Equal(t, http.StatusForbidden, resp.StatusCode)
	}
}

func testPresignGet(t *testing.T, b *objstore.Bucket) {
	put(t, b, "a", "0123456789")
	for _, who := range []objstore.Audience{objstore.Internal, objstore.Public} {
		signed, err := b.PresignGet("a", expiry, who)
		require.NoError(t, err)
		resp, body := do(t, http.MethodGet, signed, nil, nil)
		require.Equal(t, http.StatusOK, resp.StatusCode, body)
		require.Equal(t, "0123456789", body)
		resp, body = do(t, http.MethodGet, signed, http.Header{"Range": {"bytes=2-4"}}, nil)
		require.Equal(t, http.StatusPartialContent, resp.StatusCode)
		require.Equal(t, "bytes 2-4/10", resp.Header.Get("Content-Range"))
		require.Equal(t, "234", body)
		resp, _ = do(t, http.MethodPut, signed, nil, []byte("x"))
		require.Equal(t, http.StatusForbidden, resp.StatusCode)
	}
	for _, wrong := range []time.Duration{0, -time.Second, 8 * 24 * time.Hour} {
		_, err := b.PresignGet("a", wrong, objstore.Internal)
		require.True(t, fault.Is(err, fault.InvalidArgument), "%v", err)
	}
	_, err := b.PresignGet("a", 7*24*time.Hour, objstore.Internal)
	require.NoError(t, err)
}

func testKeys(t *testing.T, b *objstore.Bucket) {
	for i, key := range []string{"with blank", "a+b=c&d?e", "ümläut/日本", "per%cent", "tilde~(1)'!*", "deep/er/and/deeper"} {
		content := fmt.Sprint(i)
		signed, err := b.PresignPut(key, expiry, objstore.Internal)
		require.NoError(t, err)
		resp, body := do(t, http.MethodPut, signed.URL, signed.Header, []byte(content))
		require.Equal(t, http.StatusOK, resp.StatusCode, "%s: %s", key, body)
		require.Equal(t, content, get(t, b, key, 0, -1))
		url, err := b.PresignGet(key, expiry, objstore.Internal)
		require.NoError(t, err)
		_, body = do(t, http.MethodGet, url, nil, nil)
		require.Equal(t, content, body, key)
	}
	_, err := b.PresignGet("", expiry, objstore.Internal)
	require.True(t, fault.Is(err, fault.InvalidArgument), "%v", err)
}

func testUpload(t *testing.T, b *objstore.Bucket) {
	ctx := t.Context()
	id, err := b.CreateUpload(ctx, "film", "video/mp4")
	require.NoError(t, err)
	contents := [][]byte{bytes.Repeat([]byte("a"), partSize), []byte("the end")}
	var parts []objstore.Part
	for i, content := range contents {
		url, err := b.PresignPart("film", id, i+1, int64(len(content)), expiry, objstore.Public)
		require.NoError(t, err)
		for _, other := range []string{"short", "longer than the end"} { // both than the last part
			resp, body := do(t, http.MethodPut, url, nil, []byte(other))
			require.Equal(t, http.StatusForbidden, resp.StatusCode, body)
		}
		resp, body := do(t, http.MethodPut, url, nil, content)
		require.Equal(t, http.StatusOK, resp.StatusCode, body)
		parts = append(parts, objstore.Part{Number: i + 1, ETag: strings.Trim(resp.Header.Get("ETag"), `"`), Size: int64(len(content))})
	}
	listed, err := b.UploadedParts(ctx, "film", id)
	require.NoError(t, err)
	require.Equal(t, parts, listed)

	_, err = b.CompleteUpload(ctx, "film", id, []objstore.Part{{Number: 1, ETag: strings.Repeat("0", 32)}})
	require.True(t, fault.Is(err, fault.InvalidArgument), "%v", err)
	object, err := b.CompleteUpload(ctx, "film", id, []objstore.Part{parts[1], parts[0]})
	require.NoError(t, err)
	stat, err := b.Stat(ctx, "film")
	require.NoError(t, err)
	require.Equal(t, object.ETag, stat.ETag)
	require.EqualValues(t, partSize+7, stat.Size)
	require.Equal(t, "video/mp4", stat.Type)
	require.Equal(t, "athe end", get(t, b, "film", partSize-1, -1))
}

func testAbort(t *testing.T, b *objstore.Bucket) {
	ctx := t.Context()
	id, err := b.CreateUpload(ctx, "film", "video/mp4")
	require.NoError(t, err)
	second, err := b.CreateUpload(ctx, "film", "video/mp4")
	require.NoError(t, err)
	_, err = b.CreateUpload(ctx, "other", "video/mp4")
	require.NoError(t, err)
	unfinished, err := b.UnfinishedUploads(ctx, "fil")
	require.NoError(t, err)
	ids := map[string]string{}
	for _, u := range unfinished {
		ids[u.Upload] = u.Key
		require.WithinDuration(t, time.Now(), u.Begun, time.Minute)
	}
	require.Equal(t, map[string]string{id: "film", second: "film"}, ids)
	require.NoError(t, b.AbortUpload(ctx, "film", second))
	unfinished, err = b.UnfinishedUploads(ctx, "fil")
	require.NoError(t, err)
	require.Len(t, unfinished, 1)
	require.NoError(t, b.AbortUpload(ctx, "film", id))
	require.NoError(t, b.AbortUpload(ctx, "film", id))
	_, err = b.UploadedParts(ctx, "film", id)
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
}

func testEnsureTwice(t *testing.T, b *objstore.Bucket) {
	put(t, b, "a", "x")
	require.NoError(t, b.EnsureBucket(t.Context(), origin))
	require.NoError(t, b.EnsureBucket(t.Context()))
	require.Equal(t, "x", get(t, b, "a", 0, -1))
}

func testCORS(t *testing.T, b *objstore.Bucket) {
	signed, err := b.PresignPut("a", expiry, objstore.Public)
	require.NoError(t, err)
	resp, body := do(t, http.MethodOptions, signed.URL, http.Header{
		"Origin": {origin}, "Access-Control-Request-Method": {http.MethodPut}, "Access-Control-Request-Headers": {"if-none-match"},
	}, nil)
	require.Less(t, resp.StatusCode, http.StatusMultipleChoices, body)
	require.Contains(t, []string{origin, "*"}, resp.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, resp.Header.Get("Access-Control-Allow-Methods"), http.MethodPut)
	require.Contains(t, strings.ToLower(resp.Header.Get("Access-Control-Allow-Headers")), "if-none-match")

	header := signed.Header.Clone()
	header.Set("Origin", origin)
	resp, body = do(t, http.MethodPut, signed.URL, header, []byte("x"))
	require.Equal(t, http.StatusOK, resp.StatusCode, body)
	require.Contains(t, strings.ToLower(resp.Header.Get("Access-Control-Expose-Headers")), "etag")
}
