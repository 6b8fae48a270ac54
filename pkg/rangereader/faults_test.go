package rangereader_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
)

// requireFault checks code, and that the message names the file and the cause but
// no secret.
func requireFault(t *testing.T, err error, code fault.Code, message string) {
	t.Helper()
	require.Error(t, err)
	e := fault.Of(err)
	require.Equal(t, code, e.Code, "%v", err)
	require.Contains(t, e.Message, message)
	require.Contains(t, e.Message, "/film.mp4")
	require.NotContains(t, e.Message, "hush")
	require.Equal(t, 1, strings.Count(e.Message, "film.mp4"), e.Message)
}

func TestBadSources(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		size    int64
		fault   rangetest.Fault
		code    fault.Code
		message string
	}{
		"404":               {mB, rangetest.Answer(404), fault.SourceNotFound, "HTTP 404 Not Found"},
		"410":               {mB, rangetest.Answer(410), fault.SourceNotFound, "HTTP 410 Gone"},
		"401":               {mB, rangetest.Answer(401), fault.SourceForbidden, "HTTP 401 Unauthorized"},
		"403":               {mB, rangetest.Answer(403), fault.SourceForbidden, "HTTP 403 Forbidden"},
		"400":               {mB, rangetest.Answer(400), fault.SourceForbidden, "HTTP 400 Bad Request"},
		"412":               {mB, rangetest.Answer(412), fault.SourceChanged, "HTTP 412"},
		"204":               {mB, rangetest.Answer(204), fault.SourceNotMedia, "HTTP 204"},
		"500 for ever":      {mB, rangetest.Answer(500), fault.SourceUnreachable, "HTTP 500 Internal Server Error; gave up after 6 tries"},
		"429 for ever":      {mB, rangetest.Answer(429), fault.SourceUnreachable, "HTTP 429 Too Many Requests"},
		"no ranges":         {9 * mB, rangetest.NoRanges(), fault.SourceNoRanges, "HTTP 200 with the whole file"},
		"no ranges, no end": {1 << 40, chunked(), fault.SourceNoRanges, "HTTP 200 with the whole file"},
		"a page":            {mB, rangetest.Page(), fault.SourceNotMedia, "a web page (text/html; charset=utf-8)"},
		"a page by ranges":  {mB, pageByRanges(), fault.SourceNotMedia, "a web page"},
		"empty":             {0, nil, fault.EmptyFile, "is empty"},
		"empty, 416":        {0, unsatisfiable("bytes */0"), fault.EmptyFile, "is empty"},
		"a bare 416":        {mB, unsatisfiable(""), fault.EmptyFile, "is empty"},
		"a false 416":       {mB, unsatisfiable("bytes */100"), fault.MalformedFile, "HTTP 416"},
		"compressed":        {mB, rangetest.Header("Content-Encoding", "gzip"), fault.SourceNoRanges, `"gzip"`},
		"cut at once":       {mB, rangetest.Cut(0), fault.SourceUnreachable, "gave up after 6 tries"},
		"no content range":  {mB, rangetest.Header("Content-Range", ""), fault.MalformedFile, `Content-Range ""`},
		"size not told":     {mB, rangetest.Header("Content-Range", "bytes 0-262143/*"), fault.SourceNoRanges, "does not tell the size"},
		"size overflows":    {mB, rangetest.Header("Content-Range", "bytes 0-262143/99999999999999999999"), fault.MalformedFile, "99999999999999999999"},
		"size too large":    {mB, rangetest.Header("Content-Range", "bytes 0-262143/9223372036854775807"), fault.MalformedFile, "9223372036854775807"},
		"negative":          {mB, rangetest.Header("Content-Range", "bytes -5-262143/1048576"), fault.MalformedFile, "which is none"},
		"backwards":         {mB, rangetest.Header("Content-Range", "bytes 5-4/1048576"), fault.MalformedFile, "which is none"},
		"past its size":     {mB, rangetest.Header("Content-Range", "bytes 0-262143/1000"), fault.MalformedFile, "which is none"},
		"other bytes":       {mB, rangetest.Header("Content-Range", "bytes 5-262143/1048576"), fault.MalformedFile, "to a request for bytes 0 to 262143"},
		"too many bytes":    {mB, rangetest.Header("Content-Range", "bytes 0-999999/1048576"), fault.MalformedFile, "to a request for bytes 0 to 262143"},
		"other length":      {mB, rangetest.Header("Content-Range", "bytes 0-99/1048576"), fault.MalformedFile, "answers with 262144 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, c.size)
			b.Misbehave(c.fault)
			b.url = strings.Replace(b.url, "http://", "http://user:hush@", 1) + "?signature=hush#hush"
			_, err := b.open(t, rangereader.Options{Settings: quick()})
			requireFault(t, err, c.code, c.message)
		})
	}
}

// chunked sends the whole file without saying how long it is.
func chunked() rangetest.Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ int, _ http.HandlerFunc) {
		_, _ = io.CopyN(w, neverEnding{}, 100*mB)
	}
}

type neverEnding struct{}

func (neverEnding) Read(p []byte) (int, error) { return len(p), nil }

func pageByRanges() rangetest.Fault {
	return func(w http.ResponseWriter, r *http.Request, _ int, _ http.HandlerFunc) {
		page := "<html>" + strings.Repeat("please log in ", 1000)
		w.Header().Set("Content-Type", "video/mp4")
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(page))
	}
}

func unsatisfiable(contentRange string) rangetest.Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ int, _ http.HandlerFunc) {
		w.Header().Set("Content-Range", contentRange)
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
	}
}

func TestAFileThatChangesMidway(t *testing.T) {
	t.Parallel()
	date := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		before, after rangetest.File
		ignore        string // a condition that the server does not know
		message       string
	}{
		"etag":                {rangetest.File{ETag: `"a"`}, rangetest.File{ETag: `"b"`}, "", "HTTP 412"},
		"etag, unconditional": {rangetest.File{ETag: `"a"`}, rangetest.File{ETag: `"b"`}, "If-Match", `its ETag was "a" and is now "b"`},
		"weak etag":           {rangetest.File{ETag: `W/"a"`}, rangetest.File{ETag: `W/"b"`}, "", "its ETag was"},
		"date":                {rangetest.File{Modified: date}, rangetest.File{Modified: date.Add(time.Second)}, "", "HTTP 412"},
		"date, unconditional": {rangetest.File{Modified: date}, rangetest.File{Modified: date.Add(time.Second)}, "If-Unmodified-Since", "it was modified"},
		"size":                {rangetest.File{}, rangetest.File{Size: 20*mB + 1}, "", "its size was 20971520 bytes and is now 20971521"},
		"shorter":             {rangetest.File{}, rangetest.File{Size: mB}, "", "has 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, 0)
			set := func(f rangetest.File) {
				f.Content = b.content
				if f.Size == 0 {
					f.Size = 20 * mB
				}
				b.Set("/film.mp4", f)
			}
			b.Misbehave(func(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
				if c.ignore != "" {
					r.Header.Del(c.ignore)
				}
				serve(w, r)
			})
			set(c.before)
			r := b.mustOpen(t, rangereader.Options{})
			b.check(t, r, 10*mB, 10*mB+5)
			other := b.mustOpen(t, rangereader.Options{})
			set(c.after)
			_, err := r.ReadAt(make([]byte, 10), 15*mB)
			requireFault(t, err, fault.SourceChanged, c.message)
			// What was read before is not mixed with what comes now.
			_, err = r.ReadAt(make([]byte, 10), 0)
			requireFault(t, err, fault.SourceChanged, c.message)
			s := b.stream(t, other, 15*mB, 20*mB)
			_, err = io.Copy(io.Discard, s)
			requireFault(t, err, fault.SourceChanged, c.message)
		})
	}
}

func TestAFileThatChangedBetweenReaders(t *testing.T) {
	t.Parallel()
	b := setup(t, 10*mB)
	r := b.mustOpen(t, rangereader.Options{})
	same := rangereader.Options{Size: r.Size(), Version: r.Version(), Span: rangereader.Span{Start: 5 * mB}}
	b.check(t, b.mustOpen(t, same), 5*mB, 6*mB)
	b.Set("/film.mp4", b.file(10*mB, `"v2"`))
	_, err := b.open(t, same)
	requireFault(t, err, fault.SourceChanged, "HTTP 412")
	b.Set("/film.mp4", b.file(4*mB, ""))
	_, err = b.open(t, rangereader.Options{Size: r.Size(), Span: rangereader.Span{Start: 5 * mB}})
	requireFault(t, err, fault.SourceChanged, "has 4194304 bytes")
	b.Misbehave(rangetest.NoRanges())
	_, err = b.open(t, rangereader.Options{Size: r.Size()})
	requireFault(t, err, fault.SourceChanged, "its size was")

	date := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b.Misbehave(nil)
	b.Set("/film.mp4", rangetest.File{Content: b.content, Size: mB, Modified: date})
	r = b.mustOpen(t, rangereader.Options{})
	require.Equal(t, "last-modified Fri, 02 Jan 2026 03:04:05 GMT", r.Version())
	b.mustOpen(t, rangereader.Options{Version: r.Version()})
	b.Set("/film.mp4", rangetest.File{Content: b.content, Size: mB, Modified: date.Add(time.Hour)})
	_, err = b.open(t, rangereader.Options{Version: r.Version()})
	requireFault(t, err, fault.SourceChanged, "HTTP 412")
}

func TestCutConnectionsAreResumedWhereTheyEnded(t *testing.T) {
	t.Parallel()
	b := setup(t, 20*mB)
	b.Misbehave(rangetest.Cut(300 * kB))
	r := b.mustOpen(t, rangereader.Options{Settings: quick()})
	b.check(t, r, 0, 20*mB)
	stats := r.Stats()
	require.EqualValues(t, 20*mB, stats.Bytes)
	require.Greater(t, stats.Retries, int64(50))
	got, err := io.ReadAll(b.stream(t, r, 5*mB, 9*mB))
	require.NoError(t, err)
	require.True(t, bytes.Equal(b.content.Bytes(5*mB, 9*mB), got))
}

func TestAServerThatIsBusyForAWhile(t *testing.T) {
	t.Parallel()
	for _, status := range []int{408, 429, 500, 502, 503, 504} {
		b := setup(t, 10*mB)
		b.Misbehave(rangetest.First(3, rangetest.Answer(status)))
		r := b.mustOpen(t, rangereader.Options{Settings: quick()})
		require.Equal(t, rangereader.Stats{Bytes: 256 * kB, Requests: 4, Retries: 3}, r.Stats())
		b.Misbehave(rangetest.First(6, rangetest.Answer(status)))
		b.check(t, r, 5*mB, 6*mB)
	}
}

func TestAFileThatVanishesMidway(t *testing.T) {
	t.Parallel()
	b := setup(t, 10*mB)
	r := b.mustOpen(t, rangereader.Options{Settings: quick()})
	b.Misbehave(rangetest.Answer(404))
	_, err := r.ReadAt(make([]byte, 1), 5*mB)
	requireFault(t, err, fault.SourceNotFound, "HTTP 404")
	_, err = io.Copy(io.Discard, b.stream(t, r, 0, 10*mB))
	requireFault(t, err, fault.SourceNotFound, "HTTP 404")
	b.Misbehave(rangetest.NoRanges())
	_, err = r.ReadAt(make([]byte, 1), 5*mB)
	requireFault(t, err, fault.SourceNoRanges, "now sends the whole file")
	b.Misbehave(nil)
	b.check(t, r, 5*mB, 6*mB) // a read that failed is not remembered
}

func TestAServerThatStalls(t *testing.T) {
	t.Parallel()
	b := setup(t, 10*mB)
	s := quick()
	s.StallTimeout, s.Tries = 50*time.Millisecond, 2
	r := b.mustOpen(t, rangereader.Options{Settings: s})
	b.Misbehave(rangetest.Silence())
	_, err := r.ReadAt(make([]byte, 1), 5*mB)
	requireFault(t, err, fault.SourceUnreachable, "nothing came for too long: 50ms; gave up after 2 tries")
	b.Misbehave(func(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
		w.Header().Set("Content-Length", "262144")
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", 5*mB, 5*mB+256*kB-1, 10*mB))
		w.WriteHeader(http.StatusPartialContent)
		_ = http.NewResponseController(w).Flush()
		rangetest.Silence()(w, r, 0, serve)
	})
	_, err = r.ReadAt(make([]byte, 1), 5*mB)
	requireFault(t, err, fault.SourceUnreachable, "nothing came for too long")
}

func TestAServerThatSendsLittleAtATime(t *testing.T) {
	t.Parallel()
	b := setup(t, 20*mB)
	r := b.mustOpen(t, rangereader.Options{Settings: quick()})
	most := int64(mB)
	b.Misbehave(func(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
		var first, last int64
		_, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last)
		if err == nil {
			r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", first, min(last, first+most-1)))
		}
		serve(w, r)
	})
	b.check(t, r, 0, 10*mB)
	require.Zero(t, r.Stats().Retries)
	b.Misbehave(func(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
		var first int64
		_, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &first)
		if err == nil {
			r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", first, first))
		}
		serve(w, r)
	})
	_, err := r.ReadAt(make([]byte, mB), 15*mB)
	requireFault(t, err, fault.SourceUnreachable, "less than 262144 bytes at a time")
}

// private resolves every name to the loopback interface.
type private struct{}

func (private) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func TestPrivateAddresses(t *testing.T) {
	t.Parallel()
	b := setup(t, mB)
	inside := rangetest.New(t)
	secret := inside.Set("/film.mp4", b.file(mB, ""))
	guard, err := urlguard.New(urlguard.Config{Allow: []string{b.Host()}, Resolver: private{}})
	require.NoError(t, err)
	b.opener, err = rangereader.New(rangereader.Config{Guard: guard})
	require.NoError(t, err)
	t.Cleanup(b.opener.Close)

	b.Misbehave(func(w http.ResponseWriter, r *http.Request, _ int, _ http.HandlerFunc) {
		http.Redirect(w, r, secret, http.StatusFound)
	})
	_, err = b.open(t, rangereader.Options{Settings: quick()})
	requireFault(t, err, fault.AddressRefused, inside.Host()+" leads to an address that is loopback")
	_, port, _ := strings.Cut(inside.Host(), ":")
	b.url = "http://media.example:" + port + "/film.mp4?token=hush"
	_, err = b.open(t, rangereader.Options{Settings: quick()})
	requireFault(t, err, fault.AddressRefused, "media.example:"+port+" resolves to 127.0.0.1, which is loopback")
	b.url = secret
	_, err = b.open(t, rangereader.Options{Settings: quick()})
	require.True(t, fault.Is(err, fault.AddressRefused), "%v", err)
	require.Empty(t, inside.Requests())
}

func TestAServerThatAsksToWait(t *testing.T) {
	t.Parallel()
	b := setup(t, mB)
	b.Misbehave(rangetest.First(1, func(w http.ResponseWriter, _ *http.Request, _ int, _ http.HandlerFunc) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	start := time.Now()
	b.mustOpen(t, rangereader.Options{Settings: quick()})
	require.GreaterOrEqual(t, time.Since(start), time.Second)
}

func TestACertificateOfNobody(t *testing.T) {
	t.Parallel()
	b := setup(t, mB)
	server := httptest.NewUnstartedServer(b.Server)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	guard, err := urlguard.New(urlguard.Config{Allow: []string{strings.TrimPrefix(server.URL, "https://")}})
	require.NoError(t, err)
	b.opener, err = rangereader.New(rangereader.Config{Guard: guard})
	require.NoError(t, err)
	t.Cleanup(b.opener.Close)
	b.url = server.URL + "/film.mp4"
	_, err = b.open(t, rangereader.Options{}) // with its waits, if it tried again
	requireFault(t, err, fault.SourceUnreachable, "certificate")
	require.NotContains(t, err.Error(), "tries")
}

func TestHostsThatAreDead(t *testing.T) {
	t.Parallel()
	b := setup(t, mB)
	guard, err := urlguard.New(urlguard.Config{Allow: []string{"127.0.0.1:1"}})
	require.NoError(t, err)
	b.opener, err = rangereader.New(rangereader.Config{Guard: guard})
	require.NoError(t, err)
	t.Cleanup(b.opener.Close)
	b.url = "http://127.0.0.1:1/film.mp4?token=hush"
	_, err = b.open(t, rangereader.Options{Settings: quick()})
	requireFault(t, err, fault.SourceUnreachable, "connection refused; gave up after 6 tries")
	b.url = "http://nowhere.invalid/film.mp4?token=hush"
	_, err = b.open(t, rangereader.Options{Settings: quick()})
	requireFault(t, err, fault.SourceUnreachable, "nowhere.invalid")
	b.url = "ftp://media.example/film.mp4"
	_, err = b.open(t, rangereader.Options{})
	requireFault(t, err, fault.InvalidArgument, `"ftp"`)
	b.url = "s3://bucket/film.mp4"
	_, err = b.open(t, rangereader.Options{})
	requireFault(t, err, fault.InvalidArgument, "no object store is set up")
}
