package system_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	originv1 "github.com/grainmesh/grainmesh/rpc/origin/v1"
)

func TestMain(m *testing.M) { harness.Main(m) }

func TestWholeSystem(t *testing.T) {
	t.Parallel()
	for _, mode := range harness.Modes() {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			mesh := harness.New(t, harness.Options{Mode: mode})
			user := mesh.User(t, "acme")
			wav := harness.WAV(10*harness.SampleRate + 77)
			film := harness.Movie(t)
			data, err := os.ReadFile(film)
			require.NoError(t, err)

			take := user.Ingest(t, &jobv1.IngestSpec{Url: mesh.Source.Set("/take.wav", harness.File(wav)), MimeType: "audio/wav"})
			movie := user.Ingest(t, &jobv1.IngestSpec{Url: mesh.Source.Set("/film.mp4", harness.File(data))})

			requireSamples(t, user, take, wav[harness.WAVHeader:])
			requirePictures(t, user, movie, film)
			requirePlays(t, user, movie)
			requireTraced(t, user, take, movie)
		})
	}
}

// window takes a range of time out of a Flow.
func window(t *testing.T, user *harness.User, flow, query string) []byte {
	t.Helper()
	answer := user.Window(t, flow, query)
	require.Equal(t, http.StatusOK, answer.Status, "%.500s", answer.Body)
	return answer.Body
}

// requireSamples says that every sample of a WAV is in the store, and where it was.
func requireSamples(t *testing.T, user *harness.User, job *jobv1.Job, essence []byte) {
	t.Helper()
	require.Len(t, job.GetFlowIds(), 2, "an audio Flow and the multi Flow")
	flow, err := user.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: job.GetFlowIds()[0]})
	require.NoError(t, err)
	require.EqualValues(t, 251, flow.GetGrains(), "grains of 40 ms")
	id := flow.GetFlow().GetId()
	require.Equal(t, essence, window(t, user, id, "format=raw&timerange=_"))
	second := harness.SampleRate * harness.FrameBytes
	require.Equal(t, essence[second:3*second+second/2], window(t, user, id, "format=raw&timerange=[1:0_3:500000000)"))
	require.Equal(t, essence[:second], window(t, user, id, "format=wav&timerange=[0:0_1:0)")[harness.WAVHeader:])
}

// requirePictures says that the frames of a film, and those of a range that starts and
// ends within groups of pictures, decode as they do from the film.
func requirePictures(t *testing.T, user *harness.User, job *jobv1.Job, film string) {
	t.Helper()
	require.Len(t, job.GetFlowIds(), 3, "video, audio and the multi Flow")
	want := mediatest.FrameHashes(t, film, "v")
	multi := saved(t, window(t, user, job.GetFlowId(), "format=mp4&timerange=_"))
	require.Equal(t, want, mediatest.FrameHashes(t, multi, "v"))
	require.Len(t, mediatest.Packets(t, multi, "a:0"), len(mediatest.Packets(t, film, "a:0")))

	// Frames 30 to 89 of 24 a second.
	part := saved(t, window(t, user, job.GetFlowIds()[0], "format=mp4&timerange=[1:250000000_3:750000000)"))
	require.Equal(t, want[30:90], mediatest.FrameHashes(t, part, "v"))
}

func saved(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "window.mp4")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// requirePlays follows a link to play as a player does, down to the first bytes.
func requirePlays(t *testing.T, user *harness.User, job *jobv1.Job) {
	t.Helper()
	links, err := user.Playback.GetLinks(t.Context(), &originv1.GetLinksRequest{FlowId: job.GetFlowId()})
	require.NoError(t, err)
	require.Empty(t, links.GetUnplayable())
	main := playlist(t, user, links.GetHlsUrl())
	require.Contains(t, main, "#EXT-X-STREAM-INF")
	require.Contains(t, main, "#EXT-X-MEDIA:TYPE=AUDIO")
	base := links.GetHlsUrl()[:strings.LastIndexByte(links.GetHlsUrl(), '/')+1]
	media := base + uris(main)[0]
	segments := playlist(t, user, media)
	require.Contains(t, segments, "#EXT-X-ENDLIST")
	base = media[:strings.LastIndexByte(media, '/')+1]
	first := user.Get(t, base+uris(segments)[0])
	require.Equal(t, http.StatusOK, first.Status)
	require.Equal(t, "moof", string(first.Body[4:8]))
}

func playlist(t *testing.T, user *harness.User, path string) string {
	t.Helper()
	answer := user.Get(t, path)
	require.Equal(t, http.StatusOK, answer.Status, "%s", answer.Body)
	require.True(t, strings.HasPrefix(string(answer.Body), "#EXTM3U\n"), "%s", answer.Body)
	return string(answer.Body)
}

// uris lists the lines of a playlist that are no tags.
func uris(playlist string) []string {
	var lines []string
	for line := range strings.Lines(playlist) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// requireTraced says that the path of each job can be seen, and that the list of jobs
// has each once, done at the first attempt.
func requireTraced(t *testing.T, user *harness.User, jobs ...*jobv1.Job) {
	t.Helper()
	list, err := user.Jobs.ListJobs(t.Context(), &jobv1.ListJobsRequest{OldestFirst: true})
	require.NoError(t, err)
	require.Len(t, list.GetJobs(), len(jobs))
	for i, job := range jobs {
		require.Equal(t, job.GetId(), list.GetJobs()[i].GetId())
		require.Equal(t, jobv1.JobState_JOB_STATE_COMPLETED, list.GetJobs()[i].GetState())
		trace, err := user.Jobs.TraceJob(t.Context(), &jobv1.TraceJobRequest{Id: job.GetId()})
		require.NoError(t, err)
		require.NotEmpty(t, trace.GetTraceId())
		done := map[string]int{}
		for _, step := range trace.GetSteps() {
			require.LessOrEqual(t, step.GetEpoch(), int32(1), "%v", step)
			if step.GetWhat() == "done" {
				done[step.GetService()]++
			}
		}
		require.Equal(t, map[string]int{"analyser": 1, "chunker": 1, "reader": int(job.GetChunksTotal()), "media-store": 1}, done, fmt.Sprint(trace.GetSteps()))
	}
}
