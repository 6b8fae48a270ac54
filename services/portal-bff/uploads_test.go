package portalbff

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/sources"
	portalv1 "github.com/grainmesh/grainmesh/rpc/portal/v1"
)

func TestAnUploadIsItsOwnId(t *testing.T) {
	t.Parallel()
	u := &upload{Key: sources.UploadPrefix("acme") + "/7/film.mp4", Upload: "s3", Size: 33, Part: 16}
	require.EqualValues(t, 3, u.parts())
	got, err := parseUpload("acme", u.id())
	require.NoError(t, err)
	require.Equal(t, u, got)

	_, err = parseUpload("other", u.id())
	require.Equal(t, fault.NotFound, fault.Of(err).Code, "another tenant's")
}

func TestParseUploadRefuses(t *testing.T) {
	t.Parallel()
	prefix := sources.UploadPrefix("acme")
	for name, u := range map[string]upload{
		"a path that climbs":   {Key: prefix + "/../../other/film.mp4", Size: 1, Part: 1},
		"no size of parts":     {Key: prefix + "/film.mp4", Size: 1},
		"a negative size":      {Key: prefix + "/film.mp4", Size: -1, Part: 1},
		"a tenant's neighbour": {Key: prefix + "x/film.mp4", Size: 1, Part: 1},
	} {
		_, err := parseUpload("acme", u.id())
		require.Error(t, err, name)
	}
	_, err := parseUpload("acme", "{}")
	require.Equal(t, fault.InvalidArgument, fault.Of(err).Code)
}

// sendPart sends a part past the portal, as long as it likes, and returns its ETag.
func (p *portal) sendPart(t *testing.T, u *upload, content []byte) string {
	t.Helper()
	address, err := p.deps.Bucket.PresignPart(u.Key, u.Upload, 1, int64(len(content)), time.Hour, objstore.Public)
	require.NoError(t, err)
	return put(t, address, content, http.StatusOK).Header.Get("ETag")
}

// put sends bytes to a signed address.
func put(t *testing.T, address string, content []byte, status int) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, bytes.NewReader(content))
	require.NoError(t, err)
	response, err := client(t).Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, status, response.StatusCode)
	return response
}

// What a store that does not hold a signed length lets through is refused at the end.
func TestAnUploadHasTheSizeThatItBeganWith(t *testing.T) {
	t.Parallel()
	p := start(t)
	api := p.api(t, "acme", auth.Write)
	for sent, code := range map[int]fault.Code{99: fault.TruncatedFile, 101: fault.BodyTooLarge} {
		begun, err := api.StartUpload(t.Context(), &portalv1.StartUploadRequest{FileName: "a.wav", Size: 100})
		require.NoError(t, err)
		u, err := parseUpload("acme", begun.GetUploadId())
		require.NoError(t, err)
		etag := p.sendPart(t, u, make([]byte, sent))
		_, err = api.CompleteUpload(t.Context(), &portalv1.CompleteUploadRequest{UploadId: begun.GetUploadId(), Etags: map[int32]string{1: etag}})
		require.Equal(t, code, fault.Of(err).Code, "%v", err)
		require.ErrorContains(t, err, fmt.Sprintf("%d bytes arrived of a file of 100", sent))
		_, err = p.deps.Bucket.Stat(t.Context(), u.Key)
		require.Equal(t, fault.NotFound, fault.Of(err).Code)
		_, err = p.deps.Bucket.UploadedParts(t.Context(), u.Key, u.Upload)
		require.Equal(t, fault.NotFound, fault.Of(err).Code, "its parts are removed")
	}
}

func TestASignedPartTakesNoMore(t *testing.T) {
	t.Parallel()
	p := start(t)
	api := p.api(t, "acme", auth.Write)
	begun, err := api.StartUpload(t.Context(), &portalv1.StartUploadRequest{FileName: "a.wav", Size: 10})
	require.NoError(t, err)
	signed, err := api.SignParts(t.Context(), &portalv1.SignPartsRequest{UploadId: begun.GetUploadId(), Parts: []int32{1}})
	require.NoError(t, err)
	for _, size := range []int{9, 11, 4096} {
		put(t, signed.GetUrls()[1], make([]byte, size), http.StatusForbidden)
	}
	etag := put(t, signed.GetUrls()[1], make([]byte, 10), http.StatusOK).Header.Get("ETag")
	_, err = api.CompleteUpload(t.Context(), &portalv1.CompleteUploadRequest{UploadId: begun.GetUploadId(), Etags: map[int32]string{1: `"another"`}})
	require.Equal(t, fault.InvalidArgument, fault.Of(err).Code)
	_, err = api.CompleteUpload(t.Context(), &portalv1.CompleteUploadRequest{UploadId: begun.GetUploadId(), Etags: map[int32]string{1: etag}})
	require.NoError(t, err, "what was refused can be repeated")
}
