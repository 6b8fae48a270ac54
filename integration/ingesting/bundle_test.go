package ingesting_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	jobapi "github.com/grainmesh/grainmesh/services/job-api"
	"github.com/grainmesh/grainmesh/services/origin"
	"github.com/grainmesh/grainmesh/services/reader"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

const (
	patience = 20 * time.Second
	tick     = 10 * time.Millisecond

	// Of the film: a group of pictures is a second, and a chunk about two. Sound comes a
	// little late in the file, so that a chunk has less of it.
	rate        = 25
	filmChunks  = 7
	filmSeconds = 12
	sampleRate  = 48_000
	sampleBytes = 4
)

// bundle is a mesh that has read the film once, so that its chunks are known.
type bundle struct {
	mesh     *harness.Mesh
	file     []byte
	pictures []string // hashes of the film's frames
	sound    []byte   // its raw sound
	chunks   []*mediav1.Chunk
}

// TestIngesting runs everything on one mesh, whose chunks are short and are handed out
// all at once, and whose playlists are always fresh.
func TestIngesting(t *testing.T) {
	t.Parallel()
	b := &bundle{mesh: harness.New(t, harness.Options{Adjust: func(config any) {
		switch c := config.(type) {
		case *jobapi.Config:
			c.ChunkBytes, c.ChunkDuration, c.OutstandingPerJob = 1, 2*time.Second, filmChunks
			c.VideoObject, c.AudioObject, c.AudioDuration = 1, 1, time.Second
		case *reader.Config:
			c.Slots = 64 // for the chunks of all tests, which wait
		case *origin.Config:
			c.SegmentMin, c.SegmentMax, c.Refresh = time.Second, 4*time.Second, time.Nanosecond
		}
	}})}
	b.learn(t)
	for name, test := range map[string]func(*testing.T, *bundle){
		"marked at once":       markedAtOnce,
		"plays as it grows":    playsAsItGrows,
		"windows as it grows":  windowsAsItGrows,
		"discarded by failure": discardedByFailure,
		"discarded by cancel":  discardedByCancel,
		"kept":                 kept,
		"kept without a start": keptWithoutStart,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, b)
		})
	}
}

// learn makes the film, of pictures with B-frames and of coded and raw sound, and reads
// it once.
func (b *bundle) learn(t *testing.T) {
	t.Helper()
	path := mediatest.Make(t, "film.mov", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=160x90:rate=%d", rate),
		"-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:seed=5:amplitude=0.3", "-map", "0:v", "-map", "1:a", "-map", "1:a",
		"-t", fmt.Sprint(filmSeconds), "-ac", "2", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
		"-x264-params", "scenecut=0:keyint=25:min-keyint=25:bframes=2", "-c:a:0", "aac", "-aac_pns", "0", "-c:a:1", "pcm_s16le", "-movflags", "+faststart")
	var err error
	b.file, err = os.ReadFile(path)
	require.NoError(t, err)
	b.pictures = mediatest.FrameHashes(t, path, "v")
	b.sound = mediatest.FFmpeg(t, "-i", path, "-map", "0:a:1", "-f", "s16le", "-")
	require.Len(t, b.pictures, filmSeconds*rate)
	require.Len(t, b.sound, filmSeconds*sampleRate*sampleBytes)
	user := b.mesh.User(t, "learner")
	b.chunks = planOf(t, b.mesh, user.Ingest(t, &jobv1.IngestSpec{Url: b.mesh.Source.Set("/film.mov", harness.File(b.file))}).GetId())
	require.Len(t, b.chunks, filmChunks)
}

// growing is an ingest whose chunks are let through by the test.
type growing struct {
	*bundle
	*gate
	user                     *harness.User
	job                      string
	multi, video, coded, raw string // Flows
	done                     int
}

// begin starts an ingest of a tenant of its own, up to where every chunk waits.
func (b *bundle) begin(t *testing.T, onFailure jobv1.OnFailure) *growing {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == ' ' {
			return '-'
		}
		return r
	}, t.Name())
	g := &growing{bundle: b, gate: newGate(t, b.chunks), user: b.mesh.User(t, name)}
	b.mesh.Source.MisbehaveAt("/"+name+".mov", g.hold)
	g.job = g.user.Submit(t, &jobv1.IngestSpec{Url: b.mesh.Source.Set("/"+name+".mov", harness.File(b.file)), OnFailure: onFailure}).GetId()
	require.Eventually(t, g.holding, patience, tick, "not every chunk is asked for")
	job := g.now(t)
	require.Len(t, job.GetFlowIds(), 4)
	g.video, g.coded, g.raw, g.multi = job.GetFlowIds()[0], job.GetFlowIds()[1], job.GetFlowIds()[2], job.GetFlowId()
	return g
}

func (g *growing) now(t *testing.T) *jobv1.Job {
	t.Helper()
	response, err := g.user.Jobs.GetJob(t.Context(), &jobv1.GetJobRequest{Id: g.job})
	require.NoError(t, err)
	return response.GetJob()
}

// let lets some chunks through, and waits until they are in the store.
func (g *growing) let(t *testing.T, chunks ...int) {
	t.Helper()
	for _, n := range chunks {
		g.open(n)
		g.done++
	}
	require.Eventually(t, func() bool { return int(g.now(t).GetChunksDone()) == g.done }, patience, tick, "chunks %v are not done", chunks)
}

// span is a range of whole seconds.
func span(from, to int) string {
	return mediatime.NewRange(mediatime.Time(from)*mediatime.Second, mediatime.Time(to)*mediatime.Second).String()
}

// contiguous is where the first chunks end, of the track that ends first.
func (b *bundle) contiguous(t *testing.T, chunks int) float64 {
	t.Helper()
	end := mediatime.Max
	for _, track := range b.chunks[chunks-1].GetTracks() {
		r, err := mediatime.ParseRange(track.GetTimerange())
		require.NoError(t, err)
		end = min(end, r.End)
	}
	return end.Seconds()
}
