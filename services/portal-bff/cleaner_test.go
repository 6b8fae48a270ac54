package portalbff

import (
	"bytes"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/sources"
	portalv1 "github.com/grainmesh/grainmesh/rpc/portal/v1"
)

func TestOldUploadsAreRemoved(t *testing.T) {
	t.Parallel()
	p := start(t)
	api := p.api(t, "acme", auth.Write)
	done, begun := send(t, api, []byte("grain"), &portalv1.StartUploadRequest{FileName: "a.wav", Size: 5})
	_, err := api.CompleteUpload(t.Context(), done)
	require.NoError(t, err)
	file, err := parseUpload("acme", begun.GetUploadId())
	require.NoError(t, err)
	_, begun = send(t, api, []byte("grain"), &portalv1.StartUploadRequest{FileName: "b.wav", Size: 5})
	unfinished, err := parseUpload("acme", begun.GetUploadId())
	require.NoError(t, err)
	_, err = p.deps.Bucket.Put(t.Context(), "essence/object", bytes.NewReader([]byte("grain")), 5, "application/octet-stream")
	require.NoError(t, err)
	elsewhere, err := p.deps.Bucket.CreateUpload(t.Context(), "essence/output", "video/mp4")
	require.NoError(t, err)

	has := func(after time.Duration, hasFile, hasUnfinished bool) {
		t.Helper()
		require.NoError(t, p.clean(t.Context(), time.Now().Add(after)))
		_, err := p.deps.Bucket.Stat(t.Context(), file.Key)
		require.Equal(t, hasFile, !fault.Is(err, fault.NotFound), "%v", err)
		_, err = p.deps.Bucket.UploadedParts(t.Context(), unfinished.Key, unfinished.Upload)
		require.Equal(t, hasUnfinished, !fault.Is(err, fault.NotFound), "%v", err)
	}
	margin := time.Minute
	has(p.config.KeepUnfinished-margin, true, true)
	has(p.config.KeepUnfinished+margin, true, false)
	has(p.config.KeepUploads-margin, true, false)
	has(p.config.KeepUploads+margin, false, false)
	require.InDelta(t, 1, testutil.ToFloat64(p.metrics.removed.WithLabelValues("file")), 0)
	require.InDelta(t, 1, testutil.ToFloat64(p.metrics.removed.WithLabelValues("unfinished")), 0)

	_, err = p.deps.Bucket.Stat(t.Context(), "essence/object")
	require.NoError(t, err, "what is no upload of a user stays")
	_, err = p.deps.Bucket.UploadedParts(t.Context(), "essence/output", elsewhere)
	require.NoError(t, err)
	require.Equal(t, "uploads/acme", sources.UploadPrefix("acme"))
}
