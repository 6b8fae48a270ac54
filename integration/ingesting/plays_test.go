package ingesting_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	originv1 "github.com/grainmesh/grainmesh/rpc/origin/v1"
)

// markedAtOnce has Flows before a byte of their media was read.
func markedAtOnce(t *testing.T, b *bundle) {
	g := b.begin(t, jobv1.OnFailure_ON_FAILURE_DISCARD)
	require.Equal(t, jobv1.JobState_JOB_STATE_READING, g.now(t).GetState())
	var listed []map[string]any
	answer := g.user.Get(t, harness.TAMS+"/flows")
	require.NoError(t, json.Unmarshal(answer.Body, &listed))
	require.Len(t, listed, 4)
	for _, flow := range listed {
		require.Equal(t, "ingesting", flow["status"], flow["id"])
	}
	for _, id := range []string{g.multi, g.video, g.coded, g.raw} {
		flow, err := g.user.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: id})
		require.NoError(t, err)
		require.Equal(t, mediav1.FlowStatus_FLOW_STATUS_INGESTING, flow.GetFlow().GetStatus())
		require.Equal(t, http.StatusOK, g.user.Get(t, harness.TAMS+"/flows/"+id).Status)
	}
	waiting := g.user.Get(t, g.link(t))
	require.Equal(t, http.StatusServiceUnavailable, waiting.Status, "nothing of it is there to be played")
	require.NotEmpty(t, waiting.Header.Get("Retry-After"))
}

// link is the path of the multivariant playlist.
func (g *growing) link(t *testing.T) string {
	t.Helper()
	links, err := g.user.Playback.GetLinks(t.Context(), &originv1.GetLinksRequest{FlowId: g.multi})
	require.NoError(t, err)
	require.Empty(t, links.GetUnplayable())
	return links.GetHlsUrl()
}

// playing is what a player has seen so far, by rendition.
type playing struct {
	*growing
	link     string
	listed   map[string]string            // the playlist from the first segment on
	segments map[string]map[string][]byte // by Flow and name
}

// look asks for all that is listed, and holds it against what was there before. It
// returns how many segments each rendition has.
func (p *playing) look(t *testing.T, complete bool) int {
	t.Helper()
	main := p.user.Get(t, p.link)
	require.Equal(t, http.StatusOK, main.Status, "%s", main.Body)
	count := -1
	for _, flow := range []string{p.video, p.coded, p.raw} {
		uri := flow + "/media.m3u8"
		require.Contains(t, string(main.Body), uri)
		n := p.lookAt(t, path.Dir(p.link)+"/"+uri, flow, complete)
		if count < 0 {
			count = n
		}
		require.Equal(t, count, n, "all renditions list the same prefix")
	}
	return count
}

// lookAt asks for one rendition.
func (p *playing) lookAt(t *testing.T, playlist, flow string, complete bool) int {
	t.Helper()
	answer := p.user.Get(t, playlist)
	require.Equal(t, http.StatusOK, answer.Status, "%s", answer.Body)
	text := string(answer.Body)
	require.Equal(t, complete, strings.Contains(text, "#EXT-X-PLAYLIST-TYPE:VOD\n"))
	require.Equal(t, !complete, strings.Contains(text, "#EXT-X-PLAYLIST-TYPE:EVENT\n"))
	require.Equal(t, complete, strings.HasSuffix(text, "#EXT-X-ENDLIST\n"))
	require.Contains(t, text, "#EXT-X-TARGETDURATION:4\n", "it is the same from the start to the end")
	require.NotContains(t, text, "#EXT-X-GAP")
	_, body, _ := strings.Cut(strings.TrimSuffix(text, "#EXT-X-ENDLIST\n"), "#EXT-X-MAP")
	body = "#EXT-X-MAP" + body
	require.True(t, strings.HasPrefix(body, p.listed[flow]), "it only grows:\n%s\n%s", p.listed[flow], body)
	p.listed[flow] = body
	count := 0
	for _, name := range append(uris(body), "init-0.mp4") {
		got := p.user.Get(t, path.Dir(playlist)+"/"+name)
		require.Equal(t, http.StatusOK, got.Status, "%s: %s", name, got.Body)
		if p.segments[flow] == nil {
			p.segments[flow] = map[string][]byte{}
		}
		if before, seen := p.segments[flow][name]; seen {
			require.Equal(t, before, got.Body, "segment %s has changed", name)
		}
		p.segments[flow][name] = got.Body
		count++
	}
	return count - 1
}

// uris lists the lines of a playlist that are no tags.
func uris(playlist string) []string {
	var names []string
	for line := range strings.Lines(playlist) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			names = append(names, line)
		}
	}
	return names
}

// seconds is how much a rendition lists.
func (p *playing) seconds(t *testing.T, flow string) float64 {
	t.Helper()
	sum := 0.0
	for line := range strings.Lines(p.listed[flow]) {
		if text, ok := strings.CutPrefix(line, "#EXTINF:"); ok {
			length, err := strconv.ParseFloat(strings.TrimSuffix(text, ",\n"), 64)
			require.NoError(t, err)
			sum += length
		}
	}
	return sum
}

// file joins what a player has of a rendition.
func (p *playing) file(t *testing.T, flow string) string {
	t.Helper()
	data := p.segments[flow]["init-0.mp4"]
	for _, name := range uris(p.listed[flow]) {
		data = append(slices.Clip(data), p.segments[flow][name]...)
	}
	file := filepath.Join(t.TempDir(), "played.mp4")
	require.NoError(t, os.WriteFile(file, data, 0o600))
	return file
}

// requireDecodes plays what is listed, and holds it against the film: pictures and raw
// sound are those of its first so many seconds. Sound may end so much before.
func (p *playing) requireDecodes(t *testing.T, most, late float64) {
	t.Helper()
	pictures := mediatest.FrameHashes(t, p.file(t, p.video), "v")
	require.Equal(t, p.pictures[:len(pictures)], pictures)
	require.InDelta(t, p.seconds(t, p.video), float64(len(pictures))/rate, 0.001)
	require.LessOrEqual(t, float64(len(pictures))/rate, most)

	sound := mediatest.FFmpeg(t, "-i", p.file(t, p.raw), "-f", "s16le", "-")
	require.Equal(t, p.sound[:len(sound)], sound)
	require.InDelta(t, p.seconds(t, p.raw), float64(len(sound))/sampleBytes/sampleRate, 0.001)
	const frame = 1024.0 / sampleRate
	require.InDelta(t, p.seconds(t, p.coded), float64(len(mediatest.Packets(t, p.file(t, p.coded), "a:0")))*frame, 2*frame)
	for _, flow := range []string{p.coded, p.raw} {
		require.InDelta(t, p.seconds(t, p.video), p.seconds(t, flow), late, "it ends where the pictures do")
	}
}

// playsAsItGrows lets chunks through in an order with a gap, and looks after each.
func playsAsItGrows(t *testing.T, b *bundle) {
	g := b.begin(t, jobv1.OnFailure_ON_FAILURE_DISCARD)
	p := &playing{growing: g, link: g.link(t), listed: map[string]string{}, segments: map[string]map[string][]byte{}}
	before := 0
	for _, step := range []struct {
		chunk, contiguous int
	}{{0, 1}, {2, 1}, {1, 3}, {4, 3}, {3, 5}, {6, 5}} {
		g.let(t, step.chunk)
		n := p.look(t, false)
		ready := b.contiguous(t, step.contiguous)
		p.requireDecodes(t, ready, 0.05)
		require.Greater(t, p.seconds(t, p.video), ready-2, "all but the last, which may grow, is listed")
		behind := step.chunk >= step.contiguous
		require.Equal(t, behind, n == before, "what lies behind a gap adds nothing: %d, %d", before, n)
		before = n
	}
	g.let(t, 5)
	require.Equal(t, jobv1.JobState_JOB_STATE_COMPLETED, g.user.Await(t, g.job).GetState())
	p.look(t, true)
	p.requireDecodes(t, filmSeconds, 0.05)
	require.InDelta(t, filmSeconds, p.seconds(t, p.video), 0.001, "all of the film")
	require.Len(t, mediatest.FrameHashes(t, g.user.URL+p.link, "v"), len(b.pictures), "a player plays it to its end")
}
