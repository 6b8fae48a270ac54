package economy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	"github.com/grainmesh/grainmesh/pkg/serve"
	analyserv1 "github.com/grainmesh/grainmesh/rpc/analyser/v1"
	chunkerv1 "github.com/grainmesh/grainmesh/rpc/chunker/v1"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	jobapi "github.com/grainmesh/grainmesh/services/job-api"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

const (
	megabyte = 1 << 20
	object   = 8 * megabyte // what job-api makes of video, unless told otherwise
	// tenGB in pictures with their sound.
	tenGB = 10_000_000_000 / (pictures + perFrame*frameBytes)
)

// bundle is a mesh with a user.
type bundle struct {
	mesh *harness.Mesh
	user *harness.User
}

// setup makes a mesh that cuts small chunks.
func setup(t *testing.T) *bundle {
	t.Helper()
	return with(t, func(config any) {
		if c, ok := config.(*jobapi.Config); ok {
			c.ChunkBytes, c.MaxChunkBytes = 4*megabyte, 8*megabyte
			c.VideoObject = 2 * megabyte
		}
	})
}

func with(t *testing.T, adjust func(config any)) *bundle {
	t.Helper()
	mesh := harness.New(t, harness.Options{Adjust: adjust})
	return &bundle{mesh, mesh.User(t, "acme")}
}

// cost returns how many bytes the mesh was sent while something was done.
func (b *bundle) cost(do func()) int64 {
	before := b.mesh.Source.Sent()
	do()
	return b.mesh.Source.Sent() - before
}

// look analyses and plans a file without ingesting it, and returns what that cost.
func (b *bundle) look(t *testing.T, url string) (analysis *mediav1.Analysis, probed, planned int64) {
	t.Helper()
	option := serve.ClientOption()
	probed = b.cost(func() {
		response, err := analyserv1.NewAnalyserProtobufClient(b.user.URL, b.user.HTTP, option).Probe(t.Context(), &analyserv1.ProbeRequest{Url: url})
		require.NoError(t, err)
		analysis = response.GetAnalysis()
	})
	planned = b.cost(func() {
		_, err := chunkerv1.NewChunkerProtobufClient(b.user.URL, b.user.HTTP, option).Plan(t.Context(), &chunkerv1.PlanRequest{Url: url, Analysis: analysis})
		require.NoError(t, err)
	})
	return analysis, probed, planned
}

// TestAnalysisReadsTheIndexOnly has films of 10 GB, of which nothing but the index and
// a megabyte may be read to know what is in them; and as little again to take two
// seconds out of the middle.
func TestAnalysisReadsTheIndexOnly(t *testing.T) {
	t.Parallel()
	b := with(t, nil)
	take, head := newTake(10_000_000_000 / frameBytes)
	first := newMovie(t, tenGB, arrangement{})
	last := newMovie(t, tenGB, arrangement{moovLast: true})
	apart := newMovie(t, tenGB, arrangement{apart: true})
	for _, c := range []struct {
		name  string
		file  rangetest.File
		index int64
		// second is how many bytes a second of it has.
		second int64
	}{
		{"moov-first.mov", first.file(), first.index, frameRate*pictures + sampleRate*frameBytes},
		{"moov-last.mov", last.file(), last.index, frameRate*pictures + sampleRate*frameBytes},
		{"apart.mov", apart.file(), apart.index, frameRate*pictures + sampleRate*frameBytes},
		{"take.wav", take, head, sampleRate * frameBytes},
	} {
		require.Greater(t, c.file.Size, int64(9_990_000_000))
		url := b.mesh.Source.Set("/"+c.name, c.file)
		_, probed, planned := b.look(t, url)
		t.Logf("%s: index %d, probed %d, planned %d", c.name, c.index, probed, planned)
		require.LessOrEqual(t, probed, c.index+megabyte, c.name)
		// A plan also looks at the first picture of each object, 16 kB of some 8 MB.
		looks := c.file.Size / 400
		require.LessOrEqual(t, planned, c.index+megabyte+looks, c.name)

		var job *jobv1.Job
		ingested := b.cost(func() { job = b.user.Ingest(t, &jobv1.IngestSpec{Url: url, Timerange: "[4000:0_4002:0)"}) })
		t.Logf("%s: two seconds cost %d", c.name, ingested)
		// It begins where an object does, two random access points before.
		require.LessOrEqual(t, ingested, 2*(c.index+megabyte)+looks+2*c.second+4*object, c.name)
		flow, err := b.user.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: job.GetFlowId()})
		require.NoError(t, err)
		for _, member := range flow.GetMembers() {
			require.Equal(t, "[4000:0_4002:0)", member.GetTimerange())
		}
	}
}

// TestReadersFetchEachByteOnce ingests files of many chunks.
func TestReadersFetchEachByteOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	take, _ := newTake(30 * megabyte / frameBytes)
	const frames = 750
	for _, c := range []struct {
		name string
		file rangetest.File
	}{
		{"moov-first.mov", newMovie(t, frames, arrangement{}).file()},
		{"moov-last.mov", newMovie(t, frames, arrangement{moovLast: true}).file()},
		{"apart.mov", newMovie(t, frames, arrangement{apart: true}).file()},
		{"take.wav", take},
	} {
		url := b.mesh.Source.Set("/"+c.name, c.file)
		_, probed, planned := b.look(t, url)
		var job *jobv1.Job
		cost := b.cost(func() { job = b.user.Ingest(t, &jobv1.IngestSpec{Url: url}) })
		require.Greater(t, job.GetChunksTotal(), int32(4), c.name)
		read := float64(cost-probed-planned) / float64(c.file.Size)
		t.Logf("%s: %d chunks, read %.4f times", c.name, job.GetChunksTotal(), read)
		require.LessOrEqual(t, read, 1.02, c.name)
		b.requireSound(t, job)
	}
}

// requireSound takes sound across the border of two chunks out of the store.
func (b *bundle) requireSound(t *testing.T, job *jobv1.Job) {
	t.Helper()
	for _, id := range job.GetFlowIds() {
		flow, err := b.user.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: id})
		require.NoError(t, err)
		if flow.GetFlow().GetFormat() != string(media.FormatAudio) {
			continue
		}
		within := mediatime.NewRange(mediatime.Second, 20*mediatime.Second)
		got := b.user.Window(t, id, "format=raw&timerange="+within.String())
		require.Equal(t, 200, got.Status, "%s", got.Body[:min(len(got.Body), 500)])
		require.Equal(t, sound.Bytes(sampleRate*frameBytes, 20*sampleRate*frameBytes), got.Body)
		return
	}
	require.Fail(t, "there is no sound")
}
