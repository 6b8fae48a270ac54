package portalbff

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/sources"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	portalv1 "github.com/grainmesh/grainmesh/rpc/portal/v1"
)

func TestALoginLinkOpensOnce(t *testing.T) {
	t.Parallel()
	p := start(t)
	link := p.link(t, "/flows/7?range=x")
	b := browser(t)
	response := ask(t, b, http.MethodGet, link)
	require.Equal(t, http.StatusSeeOther, response.StatusCode)
	require.Equal(t, "/flows/7?range=x", response.Header.Get("Location"))
	require.Equal(t, http.StatusOK, ask(t, b, http.MethodPost, p.url+"/twirp/grainmesh.portal.v1.Portal/Me",
		auth.CSRFHeader, "1", "Content-Type", "application/protobuf").StatusCode)

	second := browser(t)
	response = ask(t, second, http.MethodGet, link)
	require.Equal(t, "/login?error=used", response.Header.Get("Location"))
	require.Empty(t, response.Cookies())
}

func TestLinksLeadNowhereElse(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, next := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "", "javascript:alert(1)"} {
		response := ask(t, browser(t), http.MethodGet, p.link(t, next))
		require.Equal(t, "/jobs", response.Header.Get("Location"), next)
	}
}

func TestALinkRunsOut(t *testing.T) {
	t.Parallel()
	p := start(t, func(c *Config, _ *Deps) { c.CodeTTL = time.Millisecond })
	link := p.link(t, "/jobs")
	require.Eventually(t, func() bool {
		keys, err := p.deps.Redis.Keys(t.Context(), codePrefix+"*").Result()
		return err == nil && len(keys) == 0
	}, 10*time.Second, 5*time.Millisecond)
	require.Equal(t, "/login?error=used", ask(t, client(t), http.MethodGet, link).Header.Get("Location"))
}

func TestServicesGetNoLink(t *testing.T) {
	t.Parallel()
	p := start(t)
	id := &auth.Identity{Kind: auth.KindService, Subject: "reader"}
	_, err := p.CreateLoginLink(auth.WithIdentity(t.Context(), id), &portalv1.CreateLoginLinkRequest{})
	require.True(t, fault.Is(err, fault.PermissionDenied))
}

func TestCookiesDoNotWriteWithoutTheHeader(t *testing.T) {
	t.Parallel()
	p := start(t)
	b := browser(t)
	ask(t, b, http.MethodGet, p.link(t, "/"))
	me := p.url + "/twirp/grainmesh.portal.v1.Portal/Me"
	require.Equal(t, http.StatusForbidden, ask(t, b, http.MethodPost, me, "Content-Type", "application/protobuf").StatusCode)
	require.Equal(t, http.StatusForbidden, ask(t, b, http.MethodPost, p.url+"/logout").StatusCode)

	require.Equal(t, http.StatusNoContent, ask(t, b, http.MethodPost, p.url+"/logout", auth.CSRFHeader, "1").StatusCode)
	response := ask(t, b, http.MethodPost, me, auth.CSRFHeader, "1", "Content-Type", "application/protobuf")
	require.Equal(t, http.StatusUnauthorized, response.StatusCode)
	require.Equal(t, http.StatusUnauthorized, ask(t, b, http.MethodGet, p.url+eventsPath).StatusCode)
}

// event is one server-sent event as a browser reads it.
type event struct{ name, id, data string }

func (e *event) sequence(t *testing.T) uint64 {
	t.Helper()
	at, err := bus.ParsePosition(e.id)
	require.NoError(t, err)
	return at.Sequence
}

// streamOf is what a browser reads of its events.
type streamOf struct {
	t     *testing.T
	lines *bufio.Scanner
}

// follow opens the stream of events of a tenant and waits for its hello.
func (p *portal) follow(t *testing.T, tenant string, headers ...string) *streamOf {
	t.Helper()
	response := ask(t, client(t), http.MethodGet, p.url+eventsPath, append(headers, "Authorization", "Bearer "+p.token(t, tenant, auth.Read))...)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	s := &streamOf{t, bufio.NewScanner(response.Body)}
	require.Equal(t, "hello", s.next().name)
	return s
}

// next reads an event; its name is empty at the end.
func (s *streamOf) next() *event {
	s.t.Helper()
	var e event
	for s.lines.Scan() {
		field, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch field {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				return &e
			}
		}
	}
	return &event{}
}

func TestABrowserFollowsItsOwnTenant(t *testing.T) {
	t.Parallel()
	p := start(t)
	s := p.follow(t, "acme")
	p.tell(t, "other", "theirs")
	p.tell(t, "acme", "ours-1")
	e := s.next()
	require.Equal(t, "job", e.name)
	require.EqualValues(t, 2, e.sequence(t), "the place in the stream of all tenants")
	require.Contains(t, e.data, "ours-1")

	// Progress is told too, and is no place to come back to.
	for _, tenant := range []string{"other", "acme"} {
		require.NoError(t, bus.Progress(p.bus, subjects.JobProgressed, "j", &jobv1.JobProgressed{JobId: "j", Tenant: tenant, BytesDone: 7}))
	}
	e = s.next()
	require.Equal(t, "progress", e.name)
	require.Empty(t, e.id)
	require.Contains(t, e.data, `"acme"`)
}

func TestABrowserThatComesBackCatchesUp(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, id := range []string{"first", "second", "third"} {
		p.tell(t, "acme", id)
		p.tell(t, "other", "theirs")
	}
	s := p.follow(t, "acme", "Last-Event-ID", "1")
	require.Contains(t, s.next().data, "second")
	require.Contains(t, s.next().data, "third")
	p.tell(t, "acme", "fourth")
	require.Contains(t, s.next().data, "fourth")
}

// A browser whose last event is of a stream that was lost has missed what it cannot be
// told: it is told so, once, and hears what comes.
func TestABrowserIsToldOfAGap(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.tell(t, "acme", "first")
	for _, seen := range []string{"5000", "1-1763744000000000000"} {
		s := p.follow(t, "acme", "Last-Event-ID", seen)
		gap := s.next()
		require.Equal(t, "gap", gap.name, seen)
		p.tell(t, "acme", "later")
		require.Contains(t, s.next().data, "later")

		s = p.follow(t, "acme", "Last-Event-ID", gap.id)
		require.Contains(t, s.next().data, "later", "who has been told goes on from there")
	}
}

func TestAStreamEndsWhileItsTokenHolds(t *testing.T) {
	t.Parallel()
	p := start(t, func(c *Config, _ *Deps) { c.TokenTTL = 2 * time.Second })
	response := ask(t, client(t), http.MethodGet, p.url+eventsPath, "Authorization", "Bearer "+p.token(t, "acme", auth.Read))
	all, err := io.ReadAll(response.Body)
	require.NoError(t, err, "it ends as a stream does")
	require.Contains(t, string(all), "event: hello")
}

func TestCatchingUpTakesOneConnection(t *testing.T) {
	t.Parallel()
	p := start(t)
	const missed = 3000
	var messages []bus.Outgoing
	for range missed + 1 {
		messages = append(messages, changed(t, "acme", "job"))
	}
	for _, err := range p.bus.Publish(t.Context(), messages) {
		require.NoError(t, err)
	}
	s := p.follow(t, "acme", "Last-Event-ID", "1")
	for n := range missed {
		require.EqualValues(t, n+2, s.next().sequence(t))
	}
}

// send uploads a file of the given bytes, part by part.
func send(t *testing.T, api portalv1.Portal, content []byte, r *portalv1.StartUploadRequest) (*portalv1.CompleteUploadRequest, *portalv1.StartUploadResponse) {
	t.Helper()
	started, err := api.StartUpload(t.Context(), r)
	require.NoError(t, err)
	var numbers []int32
	for n := range started.GetParts() {
		numbers = append(numbers, n+1)
	}
	signed, err := api.SignParts(t.Context(), &portalv1.SignPartsRequest{UploadId: started.GetUploadId(), Parts: numbers})
	require.NoError(t, err)
	done := &portalv1.CompleteUploadRequest{UploadId: started.GetUploadId(), Etags: map[int32]string{}}
	c := client(t)
	for n, address := range signed.GetUrls() {
		from := int64(n-1) * started.GetPartSize()
		part := content[from:min(from+started.GetPartSize(), int64(len(content)))]
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, bytes.NewReader(part))
		require.NoError(t, err)
		response, err := c.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode)
		done.Etags[n] = response.Header.Get("ETag")
	}
	return done, started
}

func TestAFileIsUploadedInParts(t *testing.T) {
	t.Parallel()
	p := start(t)
	api := p.api(t, "acme", auth.Write)
	content := bytes.Repeat([]byte("grain"), minPart/5+100)
	request, started := send(t, api, content, &portalv1.StartUploadRequest{FileName: `C:\films\A film.mp4`, Size: int64(len(content)), MimeType: "video/mp4"})
	require.EqualValues(t, 2, started.GetParts())
	done, err := api.CompleteUpload(t.Context(), request)
	require.NoError(t, err)
	prefix := "s3://" + p.deps.Bucket.Name() + "/"
	require.True(t, strings.HasPrefix(done.GetUrl(), prefix+sources.UploadPrefix("acme")+"/"), done.GetUrl())
	require.True(t, strings.HasSuffix(done.GetUrl(), "/A film.mp4"), done.GetUrl())
	object, err := p.deps.Bucket.Stat(t.Context(), strings.TrimPrefix(done.GetUrl(), prefix))
	require.NoError(t, err)
	require.EqualValues(t, len(content), object.Size)
}

func TestUploadsThatAreRefused(t *testing.T) {
	t.Parallel()
	p := start(t)
	api := p.api(t, "acme", auth.Write)
	for _, c := range []struct {
		request *portalv1.StartUploadRequest
		code    fault.Code
		text    string
	}{
		{&portalv1.StartUploadRequest{FileName: "a.wav"}, fault.EmptyFile, "a.wav is empty"},
		{&portalv1.StartUploadRequest{FileName: "a.wav", Size: 100<<20 + 1}, fault.BodyTooLarge, "at most 104857600"},
		{&portalv1.StartUploadRequest{FileName: "a.wav", Size: -1}, fault.BodyTooLarge, "-1 bytes"},
		{&portalv1.StartUploadRequest{FileName: "../..", Size: 1}, fault.InvalidArgument, "file_name"},
		{&portalv1.StartUploadRequest{FileName: strings.Repeat("x", 256), Size: 1}, fault.InvalidArgument, "256 bytes"},
	} {
		_, err := api.StartUpload(t.Context(), c.request)
		require.Equal(t, c.code, fault.Of(err).Code, "%v", err)
		require.ErrorContains(t, err, c.text)
	}
	_, err := p.api(t, "acme", auth.Read).StartUpload(t.Context(), &portalv1.StartUploadRequest{FileName: "a.wav", Size: 1})
	require.Equal(t, fault.PermissionDenied, fault.Of(err).Code)
}

func TestUploadsOfAnotherTenant(t *testing.T) {
	t.Parallel()
	p := start(t)
	done, started := send(t, p.api(t, "acme", auth.Write), []byte("grain"), &portalv1.StartUploadRequest{FileName: "a.wav", Size: 5})
	other := p.api(t, "other", auth.Write)
	_, err := other.SignParts(t.Context(), &portalv1.SignPartsRequest{UploadId: started.GetUploadId(), Parts: []int32{1}})
	require.Equal(t, fault.NotFound, fault.Of(err).Code)
	_, err = other.CompleteUpload(t.Context(), done)
	require.Equal(t, fault.NotFound, fault.Of(err).Code)
	_, err = other.AbortUpload(t.Context(), &portalv1.AbortUploadRequest{UploadId: started.GetUploadId()})
	require.Equal(t, fault.NotFound, fault.Of(err).Code)
	_, err = p.api(t, "acme", auth.Write).CompleteUpload(t.Context(), done)
	require.NoError(t, err, "it stays its owner's")
}

func TestPartsThatAreNotThere(t *testing.T) {
	t.Parallel()
	p := start(t)
	api := p.api(t, "acme", auth.Write)
	started, err := api.StartUpload(t.Context(), &portalv1.StartUploadRequest{FileName: "a.wav", Size: 5})
	require.NoError(t, err)
	for _, parts := range [][]int32{{0}, {2}, {-1}} {
		_, err = api.SignParts(t.Context(), &portalv1.SignPartsRequest{UploadId: started.GetUploadId(), Parts: parts})
		require.Equal(t, fault.InvalidArgument, fault.Of(err).Code)
		require.ErrorContains(t, err, "want 1 to 1")
	}
	_, err = api.SignParts(t.Context(), &portalv1.SignPartsRequest{UploadId: started.GetUploadId(), Parts: make([]int32, maxSigned+1)})
	require.ErrorContains(t, err, "at most 100")
	_, err = api.CompleteUpload(t.Context(), &portalv1.CompleteUploadRequest{UploadId: started.GetUploadId()})
	require.ErrorContains(t, err, "part 1 of 1 has no ETag")
	_, err = api.AbortUpload(t.Context(), &portalv1.AbortUploadRequest{UploadId: started.GetUploadId()})
	require.NoError(t, err)
}

func TestMe(t *testing.T) {
	t.Parallel()
	p := start(t)
	me, err := p.api(t, "acme", auth.Read).Me(t.Context(), &portalv1.MeRequest{})
	require.NoError(t, err)
	require.Equal(t, []string{"anna", "acme", "1.2.3", "here"}, []string{me.GetUser(), me.GetTenant(), me.GetVersion(), me.GetRegion()})
}
