package tenants_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	originv1 "github.com/grainmesh/grainmesh/rpc/origin/v1"
)

// A link to play opens the Flow that it was made for, to whoever has it, and nothing
// else.
func TestLinksOpenOneFlow(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.fill(t)
	own := w.b.Ingest(t, &jobv1.IngestSpec{Url: w.Source.Set("/b.wav", harness.File(harness.WAV(harness.SampleRate)))})
	link := func(user *harness.User, flow string) string {
		links, err := user.Playback.GetLinks(t.Context(), &originv1.GetLinksRequest{FlowId: flow})
		require.NoError(t, err)
		return links.GetHlsUrl()
	}
	get := func(token, path string) int { return w.send(t, w.URL, token, http.MethodGet, path, "").Status }
	multi, flow := w.fillIn("{multi}", false), w.fillIn("{flow}", false)
	ofA, ofB := link(w.a, multi), link(w.b, own.GetFlowId())
	require.Equal(t, http.StatusOK, get("", ofA), "the link is the permission")
	require.Equal(t, http.StatusOK, get(w.b.Token, ofA))
	tokenOfA, tokenOfB := linkToken(t, ofA), linkToken(t, ofB)
	for _, name := range []string{"main.m3u8", flow + "/media.m3u8", flow + "/init-0.mp4", flow + "/0.m4s"} {
		require.Equal(t, http.StatusOK, get("", "/origin/hls/"+tokenOfA+"/"+multi+"/"+name), name)
		require.Equal(t, http.StatusNotFound, get("", "/origin/hls/"+tokenOfB+"/"+multi+"/"+name), name)
		require.Equal(t, http.StatusNotFound, get(w.a.Token, "/origin/hls/"+tokenOfB+"/"+multi+"/"+name), "the path is what counts")
	}
	require.Equal(t, http.StatusNotFound, get("", "/origin/hls/"+tokenOfA+"/"+flow+"/main.m3u8"), "a member is another Flow")
	require.Equal(t, http.StatusUnauthorized, get("", "/origin/hls/"+spoiled(tokenOfA)+"/"+multi+"/main.m3u8"))
	// Whoever has a link plays; it is no token for anything else.
	for _, a := range public(t) {
		if !strings.HasPrefix(a.path, "/origin/") && !a.stream {
			got := w.send(t, w.URL, tokenOfA, a.method, w.fillIn(a.path, false), w.fillIn(a.body, false))
			require.Contains(t, []int{http.StatusUnauthorized, http.StatusForbidden}, got.Status, "%s: %s", a, got.Body)
		}
	}
}

// linkToken takes the token out of a link.
func linkToken(t *testing.T, link string) string {
	t.Helper()
	token, _, found := strings.Cut(strings.TrimPrefix(link, "/origin/hls/"), "/")
	require.True(t, found)
	return token
}
