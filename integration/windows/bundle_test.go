package windows_test

import (
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	jobapi "github.com/grainmesh/grainmesh/services/job-api"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

// bundle is a mesh with a user.
type bundle struct {
	mesh *harness.Mesh
	user *harness.User
}

// TestWindows runs everything on one mesh, whose chunks and objects are so small
// that windows of short films reach over many.
func TestWindows(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{Adjust: func(config any) {
		if c, ok := config.(*jobapi.Config); ok {
			c.ChunkBytes, c.MaxChunkBytes, c.ChunkDuration = 60_000, 400_000, 1
			c.VideoObject, c.AudioObject = 12_000, 20_000
		}
	}})
	b := &bundle{mesh, mesh.User(t, "acme")}
	for name, test := range map[string]func(*testing.T, *bundle){
		"frames of every start and end": everyStartAndEnd,
		"bytes of samples":              sampleBytes,
		"raw sound to the sample":       rawSound,
		"packets of AAC":                packets,
		"single grains":                 oneGrain,
		"pictures and sound":            together,
		"formats with pre-roll":         withPreRoll,
		"a film as they come":           tenSeconds,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}

// ingested is a file in the store.
type ingested struct {
	*bundle
	path  string // of the source
	multi string // id of the Flow that collects the others
	// flows are those of the tracks, in their order.
	flows []*mediav1.Flow
}

// ingest takes a file into the store.
func (b *bundle) ingest(t *testing.T, file string) *ingested {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	name := "/" + url.PathEscape(strings.ReplaceAll(t.Name(), "/", "_")) + path.Ext(file)
	job := b.user.Ingest(t, &jobv1.IngestSpec{Url: b.mesh.Source.Set(name, harness.File(data))})
	got, err := b.user.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: job.GetFlowId()})
	require.NoError(t, err)
	return &ingested{b, file, job.GetFlowId(), got.GetMembers()}
}

// flow returns the first Flow of a format.
func (i *ingested) flow(t *testing.T, format media.Format) *mediav1.Flow {
	t.Helper()
	for _, f := range i.flows {
		if f.GetFormat() == string(format) {
			return f
		}
	}
	require.Fail(t, "there is no flow of the format", "%s", format)
	return nil
}

// window takes a window, which must be there.
func (b *bundle) window(t *testing.T, flow string, within mediatime.Range, query string) *harness.Answer {
	t.Helper()
	got := b.user.Window(t, flow, "timerange="+within.String()+query)
	require.Equal(t, http.StatusOK, got.Status, "%s %s: %s", within, query, got.Body)
	return got
}

// save writes a window into a file, for ffmpeg to read.
func save(t *testing.T, dir, name string, a *harness.Answer) string {
	t.Helper()
	file := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(file, a.Body, 0o600))
	return file
}

// frames is the range of frames [from, to) of a constant rate.
func frames(rate mediatime.Rate, from, to int) mediatime.Range {
	return mediatime.NewRange(rate.Offset(int64(from)), rate.Offset(int64(to)))
}
