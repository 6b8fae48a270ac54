package tams_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
)

func TestMain(m *testing.M) { meshtest.Main(m) }

// client is a TAMS client: an address, a token, and JSON.
type client struct{ *harness.User }

// call sends a request to a path of the API, or a whole URL of it as Link headers have
// them, and checks the status.
func (c *client) call(t *testing.T, status int, method, path string, body, into any) http.Header {
	t.Helper()
	var reader io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		require.NoError(t, err)
		reader = bytes.NewReader(encoded)
	}
	path = strings.TrimPrefix(path, c.URL)
	if !strings.HasPrefix(path, harness.TAMS) {
		path = harness.TAMS + path
	}
	got := c.Do(t, method, path, reader)
	require.Equal(t, status, got.Status, "%s %s: %s", method, path, got.Body)
	if into != nil {
		require.NoError(t, json.Unmarshal(got.Body, into), "%s", got.Body)
	}
	return got.Header
}

// segment is as much of a segment as the client needs.
type segment struct {
	ObjectID  string `json:"object_id"`
	Timerange string `json:"timerange"`
	GetURLs   []struct {
		URL string `json:"url"`
	} `json:"get_urls,omitempty"`
}

// storage is where objects may be put.
type storage struct {
	MediaObjects []struct {
		ObjectID string `json:"object_id"`
		PutURL   struct {
			URL         string `json:"url"`
			ContentType string `json:"content-type"`
		} `json:"put_url"`
	} `json:"media_objects"`
}

// transfer moves bytes to or from the object store, without any token.
func transfer(t *testing.T, method, address, contentType string, body []byte) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	require.NoError(t, err)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := new(http.Client).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode, "%s", got)
	return got
}

// parts makes so many transport streams of a second each.
func parts(t *testing.T, count int) [][]byte {
	t.Helper()
	var all [][]byte
	for n := range count {
		all = append(all, mediatest.FFmpeg(t, "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=96x64:rate=25:duration=1,hue=h=%d", 40*n),
			"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-output_ts_offset", fmt.Sprint(n), "-f", "mpegts", "-"))
	}
	return all
}

func setup(t *testing.T) *client {
	t.Helper()
	return &client{harness.New(t, harness.Options{}).User(t, "acme")}
}

// newFlow makes a Flow of transport streams.
func (c *client) newFlow(t *testing.T) string {
	t.Helper()
	id := uuid.NewString()
	c.call(t, http.StatusCreated, http.MethodPut, "/flows/"+id, map[string]any{
		"id": id, "source_id": uuid.NewString(), "format": "urn:x-nmos:format:video", "codec": "video/h264", "container": "video/mp2t",
		"label": "camera one", "tags": map[string]any{"reel": "A1"},
		"essence_parameters": map[string]any{"frame_width": 96, "frame_height": 64, "frame_rate": map[string]any{"numerator": 25, "denominator": 1}},
	}, nil)
	return id
}

// ingest puts parts into a Flow, a second each.
func (c *client) ingest(t *testing.T, flow string, content [][]byte) []segment {
	t.Helper()
	var place storage
	c.call(t, http.StatusCreated, http.MethodPost, "/flows/"+flow+"/storage", map[string]any{"limit": len(content)}, &place)
	require.Len(t, place.MediaObjects, len(content))
	segments := make([]segment, len(content))
	for n, object := range place.MediaObjects {
		transfer(t, http.MethodPut, object.PutURL.URL, object.PutURL.ContentType, content[n])
		segments[n] = segment{ObjectID: object.ObjectID, Timerange: fmt.Sprintf("[%d:0_%d:0)", n, n+1)}
	}
	c.call(t, http.StatusCreated, http.MethodPost, "/flows/"+flow+"/segments", segments[0], nil) // one, or a list
	c.call(t, http.StatusCreated, http.MethodPost, "/flows/"+flow+"/segments", segments[1:], nil)
	return segments
}

// pages reads a list page by page, by its Link headers.
func (c *client) pages(t *testing.T, path string) (segments []segment, count int) {
	t.Helper()
	for path != "" {
		var page []segment
		header := c.call(t, http.StatusOK, http.MethodGet, path, nil, &page)
		segments = append(segments, page...)
		count++
		path = ""
		if link, rel, found := strings.Cut(header.Get("Link"), ">"); found {
			require.Contains(t, rel, `rel="next"`)
			path = strings.TrimPrefix(link, "<")
		}
	}
	return segments, count
}

func TestClientIngestsAndReadsBack(t *testing.T) {
	t.Parallel()
	c := setup(t)
	var service struct {
		APIVersion string `json:"api_version"`
	}
	c.call(t, http.StatusOK, http.MethodGet, "/service", nil, &service)
	require.Equal(t, "8.2", service.APIVersion)

	const count = 7
	flow, content := c.newFlow(t), parts(t, count)
	want := c.ingest(t, flow, content)
	path := "/flows/" + flow + "/segments"
	got, pages := c.pages(t, path+"?limit=3")
	require.Equal(t, 3, pages)
	require.Len(t, got, count)
	for n, s := range got {
		require.Equal(t, want[n].ObjectID, s.ObjectID)
		require.Equal(t, want[n].Timerange, s.Timerange)
		require.NotEmpty(t, s.GetURLs)
		require.Equal(t, content[n], transfer(t, http.MethodGet, s.GetURLs[0].URL, "", nil))
	}
	for timerange, numbers := range map[string][]int{"[2:0_4:0)": {2, 3}, "[2:500000000_4:0]": {2, 3, 4}, "_1:0)": {0}, "[6:0_": {6}, "[9:0_12:0)": {}} {
		part, _ := c.pages(t, path+"?timerange="+url.QueryEscape(timerange))
		require.Len(t, part, len(numbers), timerange)
		for n, number := range numbers {
			require.Equal(t, want[number].ObjectID, part[n].ObjectID, timerange)
		}
	}
	var described struct{ Timerange, Label string }
	c.call(t, http.StatusOK, http.MethodGet, "/flows/"+flow+"?include_timerange=true", nil, &described)
	require.Equal(t, "[0:0_7:0)", described.Timerange)
	require.Equal(t, "camera one", described.Label)
	var flows []struct{ ID string }
	c.call(t, http.StatusOK, http.MethodGet, "/flows?tag.reel=A1&timerange="+url.QueryEscape("[3:0_4:0)"), nil, &flows)
	require.Len(t, flows, 1)

	// An object that is used a second time is in both Flows, and outlives the first.
	edit := c.newFlow(t)
	c.call(t, http.StatusCreated, http.MethodPost, "/flows/"+edit+"/segments",
		map[string]any{"object_id": want[3].ObjectID, "timerange": "[0:0_1:0)", "ts_offset": "-3:0"}, nil)
	c.requireDeleted(t, flow, count)
	again, _ := c.pages(t, "/flows/"+edit+"/segments")
	require.Len(t, again, 1)
	require.Equal(t, content[3], transfer(t, http.MethodGet, again[0].GetURLs[0].URL, "", nil))
}

// requireDeleted deletes a part of a Flow and then all of it, waiting as long as the
// store says that it is at it.
func (c *client) requireDeleted(t *testing.T, flow string, count int) {
	t.Helper()
	path := "/flows/" + flow + "/segments"
	c.delete(t, path+"?timerange="+url.QueryEscape("[0:0_2:0)"))
	left, _ := c.pages(t, path)
	require.Len(t, left, count-2)
	c.delete(t, "/flows/"+flow)
	c.call(t, http.StatusNotFound, http.MethodGet, "/flows/"+flow, nil, nil)
	left, _ = c.pages(t, path)
	require.Empty(t, left)
}

// delete deletes, at once (204) or by a request (202) whose end it awaits.
func (c *client) delete(t *testing.T, path string) {
	t.Helper()
	got := c.Do(t, http.MethodDelete, harness.TAMS+path, nil)
	if got.Status == http.StatusNoContent {
		return
	}
	require.Equal(t, http.StatusAccepted, got.Status, "%s", got.Body)
	location := strings.TrimPrefix(got.Header.Get("Location"), c.URL)
	require.Eventually(t, func() bool {
		var request struct{ Status string }
		c.call(t, http.StatusOK, http.MethodGet, location, nil, &request)
		return request.Status == "done"
	}, 10*time.Second, 10*time.Millisecond)
}

// TestClientReadsWhatAnIngestWrote lists an ingested file's segments and fetches its
// objects by their links alone.
func TestClientReadsWhatAnIngestWrote(t *testing.T) {
	t.Parallel()
	mesh := harness.New(t, harness.Options{})
	c := &client{mesh.User(t, "acme")}
	flow := ingestTake(t, mesh, c.User)
	var described struct {
		Format, Codec, Container, Timerange string
	}
	c.call(t, http.StatusOK, http.MethodGet, "/flows/"+flow+"?include_timerange=true", nil, &described)
	require.Equal(t, "urn:x-nmos:format:audio", described.Format)
	require.Equal(t, "[0:0_4:0)", described.Timerange)
	segments, _ := c.pages(t, "/flows/"+flow+"/segments")
	require.NotEmpty(t, segments)
	for _, s := range segments {
		require.True(t, bytes.HasPrefix(transfer(t, http.MethodGet, s.GetURLs[0].URL, "", nil), []byte("SSBBgrsg")))
	}
}
