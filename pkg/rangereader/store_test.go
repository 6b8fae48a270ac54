package rangereader_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/config"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
)

func TestObjectsOfTheStore(t *testing.T) {
	t.Parallel()
	const size = 10*mB + 5
	s3 := meshtest.Bucket(t)
	store, err := objstore.Open(objstore.Config{URL: config.Secret(
		"http://" + s3.AccessKey + ":" + s3.SecretKey + "@" + strings.TrimPrefix(s3.Endpoint, "http://") + "?region=" + s3.Region,
	)})
	require.NoError(t, err)
	t.Cleanup(store.Close)
	guard, err := urlguard.New(urlguard.Config{}) // the store's private address needs no exception
	require.NoError(t, err)
	opener, err := rangereader.New(rangereader.Config{Guard: guard, Store: store})
	require.NoError(t, err)
	t.Cleanup(opener.Close)

	content := rangetest.Pattern(3)
	bucket := store.Bucket(s3.Bucket)
	object, err := bucket.Put(t.Context(), "ours/a film.mp4", bytes.NewReader(content.Bytes(0, size)), size, "video/mp4")
	require.NoError(t, err)
	b := &bench{opener: opener, content: content, url: "s3://" + s3.Bucket + "/ours/a%20film.mp4"}
	ours := rangereader.Options{Objects: []string{s3.Bucket + "/ours/"}}

	r := b.mustOpen(t, ours)
	require.EqualValues(t, size, r.Size())
	require.Equal(t, `"`+object.ETag+`"`, r.ETag())
	require.Equal(t, "video/mp4", r.ContentType())
	b.check(t, r, 7*mB, 7*mB+99)
	got, err := io.ReadAll(b.stream(t, r, 0, size))
	require.NoError(t, err)
	require.True(t, bytes.Equal(content.Bytes(0, size), got))

	require.NoError(t, bucket.Remove(t.Context(), "ours/a film.mp4"))
	_, err = bucket.Put(t.Context(), "ours/a film.mp4", strings.NewReader("another"), 7, "video/mp4")
	require.NoError(t, err)
	_, err = r.ReadAt(make([]byte, 10), 5*mB)
	require.True(t, fault.Is(err, fault.SourceChanged), "%v", err)

	for url, code := range map[string]fault.Code{
		"s3://" + s3.Bucket + "/ours/nothing":           fault.SourceNotFound,
		"s3://" + s3.Bucket + "/theirs/film.mp4":        fault.SourceForbidden,
		"s3://" + s3.Bucket + "/oursandmore":            fault.SourceForbidden,
		"s3://" + s3.Bucket + "2/ours/film.mp4":         fault.SourceForbidden,
		"s3://" + s3.Bucket + "/ours/../theirs":         fault.InvalidArgument,
		"s3://" + s3.Bucket + "/ours/%2e%2e/theirs":     fault.InvalidArgument,
		"s3://" + s3.Bucket + "/":                       fault.InvalidArgument,
		"s3:///ours/film.mp4":                           fault.InvalidArgument,
		"s3://key:hush@" + s3.Bucket + "/ours/film.mp4": fault.InvalidArgument,
		"s3://" + s3.Bucket + "/ours/film.mp4?x=hush":   fault.InvalidArgument,
	} {
		_, err := opener.Open(t.Context(), url, ours)
		require.True(t, fault.Is(err, code), "%s: %v", url, err)
		require.NotContains(t, err.Error(), "hush")
	}
	_, err = opener.Open(t.Context(), b.url, rangereader.Options{})
	require.True(t, fault.Is(err, fault.SourceForbidden), "%v", err)
}
