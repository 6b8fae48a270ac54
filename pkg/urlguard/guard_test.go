package urlguard_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
)

// names answers each name with its addresses, in turns where they are several lists.
type names struct {
	answers map[string][][]string
	asked   atomic.Int64
}

func (n *names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	turns, ok := n.answers[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	turn := turns[int(n.asked.Add(1)-1)%len(turns)]
	addrs := make([]netip.Addr, len(turn))
	for i, a := range turn {
		addrs[i] = netip.MustParseAddr(a)
	}
	return addrs, nil
}

func newGuard(t *testing.T, cfg urlguard.Config) *urlguard.Guard {
	t.Helper()
	g, err := urlguard.New(cfg)
	require.NoError(t, err)
	return g
}

func get(t *testing.T, g *urlguard.Guard, rawURL string) (string, error) {
	t.Helper()
	client := g.Client(10 * time.Second)
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, rawURL, http.NoBody)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { require.NoError(t, resp.Body.Close()) }()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// newServer serves handler and returns its host:port and its port.
func newServer(t *testing.T, handler http.HandlerFunc) (hostport, port string) {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	return u.Host, u.Port()
}

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func TestFormsOfURLs(t *testing.T) {
	t.Parallel()
	g := newGuard(t, urlguard.Config{})
	for rawURL, code := range map[string]fault.Code{
		"https://media.example/film.mp4?sig=1":                    "",
		"http://user:pass@media.example:8080/film.mp4":            "",
		"https://[2606:4700::1111]/x":                             "",
		"ftp://media.example/film.mp4":                            fault.InvalidArgument,
		"file:///etc/passwd":                                      fault.InvalidArgument,
		"s3://bucket/key":                                         fault.InvalidArgument,
		"http:media.example":                                      fault.InvalidArgument,
		"https:///film.mp4":                                       fault.InvalidArgument,
		"":                                                        fault.InvalidArgument,
		"http://media.example:0/":                                 fault.InvalidArgument,
		"http://media.example:65536/":                             fault.InvalidArgument,
		"http://media.example@10.0.0.1/":                          fault.InvalidArgument,
		"http://:secret@media.example/":                           fault.InvalidArgument,
		"http://a%40b:c@media.example/":                           fault.InvalidArgument,
		"http://media.example\\@10.0.0.1/":                        fault.InvalidArgument,
		"http://media.example/\x00":                               fault.InvalidArgument,
		"http://media.example/a b":                                fault.InvalidArgument,
		"http://media.example/" + strings.Repeat("a", 10_000):     fault.InvalidArgument,
		"http://127.0.0.1/":                                       fault.AddressRefused,
		"http://[::1]:8080/":                                      fault.AddressRefused,
		"http://[::ffff:10.0.0.1]/":                               fault.AddressRefused,
		"http://169.254.169.254/latest/meta-data/iam/credentials": fault.AddressRefused,
	} {
		_, err := g.Check(rawURL)
		if code == "" {
			require.NoError(t, err, rawURL)
			continue
		}
		require.True(t, fault.Is(err, code), "%s: %v", rawURL, err)
	}
}

func TestMessagesKeepSecrets(t *testing.T) {
	t.Parallel()
	g := newGuard(t, urlguard.Config{})
	_, err := g.Check("ftp://user:hush@media.example/film.mp4?token=hush&hush#hush")
	require.ErrorContains(t, err, "ftp://media.example/film.mp4?token=...&...")
	require.NotContains(t, err.Error(), "hush")
	_, err = g.Check("http://hush:hush@media.example:x/")
	require.NotContains(t, err.Error(), "hush")
}

func TestANameOfAPrivateAddressIsRefused(t *testing.T) {
	t.Parallel()
	_, port := newServer(t, hello)
	resolver := &names{answers: map[string][][]string{
		"private.example": {{"127.0.0.1"}},
		"mixed.example":   {{"1.1.1.1", "10.0.0.7"}},
		"mapped.example":  {{"::ffff:127.0.0.1"}},
	}}
	g := newGuard(t, urlguard.Config{Resolver: resolver})
	_, err := get(t, g, "http://private.example:"+port+"/")
	require.True(t, fault.Is(err, fault.AddressRefused), "%v", err)
	require.ErrorContains(t, err, "private.example:"+port+" resolves to 127.0.0.1, which is loopback")
	for _, host := range []string{"mixed.example", "mapped.example"} {
		_, err := get(t, g, "http://"+host+":"+port+"/")
		require.True(t, fault.Is(err, fault.AddressRefused), "%s: %v", host, err)
	}
	_, err = get(t, g, "http://nowhere.example/")
	var dns *net.DNSError
	require.ErrorAs(t, err, &dns)
}

func TestTheCheckedAddressIsTheOneDialled(t *testing.T) {
	t.Parallel()
	_, port := newServer(t, hello)
	// A name server that answers the check with one address and the dial with another.
	resolver := &names{answers: map[string][][]string{"rebind.example": {{"127.0.0.1"}, {"10.9.9.9"}}}}
	g := newGuard(t, urlguard.Config{Resolver: resolver, Allow: []string{"127.0.0.1:" + port}})
	body, err := get(t, g, "http://rebind.example:"+port+"/")
	require.NoError(t, err)
	require.Equal(t, "hello", body)
	require.EqualValues(t, 1, resolver.asked.Load())
	_, err = get(t, g, "http://rebind.example:"+port+"/")
	require.True(t, fault.Is(err, fault.AddressRefused), "%v", err)
}

func TestExceptionsAreExact(t *testing.T) {
	t.Parallel()
	hostport, port := newServer(t, hello)
	_, other := newServer(t, hello)
	resolver := &names{answers: map[string][][]string{"store.example": {{"127.0.0.1"}}, "else.example": {{"127.0.0.1"}}}}
	byName := newGuard(t, urlguard.Config{Resolver: resolver, Allow: []string{"Store.Example.:" + port}})
	byAddress := newGuard(t, urlguard.Config{Resolver: resolver, Allow: []string{hostport}})

	for _, c := range []struct {
		guard *urlguard.Guard
		url   string
		fine  bool
	}{
		{byName, "http://store.example:" + port, true},
		{byName, "http://store.example:" + other, false},
		{byName, "http://else.example:" + port, false},
		{byName, "http://" + hostport, false},
		{byAddress, "http://" + hostport, true},
		{byAddress, "http://else.example:" + port, true},
		{byAddress, "http://127.0.0.1:" + other, false},
	} {
		_, err := get(t, c.guard, c.url)
		if c.fine {
			require.NoError(t, err, c.url)
		} else {
			require.True(t, fault.Is(err, fault.AddressRefused), "%s: %v", c.url, err)
		}
	}
	for _, bad := range []string{"", "*", "off", "store.example", "*:80", ":80", "store.example:0", "store.example:http", "http://store.example:80"} {
		_, err := urlguard.New(urlguard.Config{Allow: []string{bad}})
		require.ErrorContains(t, err, "exception", bad)
	}
}

func TestRedirectsAreChecked(t *testing.T) {
	t.Parallel()
	private, _ := newServer(t, hello)
	var referer atomic.Value
	open, _ := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/inside":
			http.Redirect(w, r, "http://"+private+"/?secret", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/once":
			http.Redirect(w, r, "/end", http.StatusTemporaryRedirect)
		default:
			referer.Store(r.Header.Get("Referer"))
			hello(w, r)
		}
	})
	g := newGuard(t, urlguard.Config{Allow: []string{open}, MaxRedirects: 3})
	_, err := get(t, g, "http://"+open+"/inside")
	require.True(t, fault.Is(err, fault.AddressRefused), "%v", err)
	require.NotContains(t, urlguard.CleanError(err).Error(), "secret")
	_, err = get(t, g, "http://"+open+"/file")
	require.True(t, fault.Is(err, fault.InvalidArgument), "%v", err)
	_, err = get(t, g, "http://"+open+"/loop")
	require.ErrorContains(t, err, "redirects more than 3 times")
	body, err := get(t, g, "http://"+open+"/once?token=hush")
	require.NoError(t, err)
	require.Equal(t, "hello", body)
	require.Empty(t, referer.Load())
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	open, _ := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/chunked" {
			w.(http.Flusher).Flush()
		}
		hello(w, r)
	})
	exact := newGuard(t, urlguard.Config{Allow: []string{open}, MaxBody: 5})
	short := newGuard(t, urlguard.Config{Allow: []string{open}, MaxBody: 4})
	for _, path := range []string{"/", "/chunked"} {
		body, err := get(t, exact, "http://"+open+path)
		require.NoError(t, err)
		require.Equal(t, "hello", body)
		_, err = get(t, short, "http://"+open+path)
		require.True(t, fault.Is(err, fault.BodyTooLarge), "%v", err)
	}
}

func TestASilentServerEnds(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	open, _ := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-gate:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(gate) })
	g := newGuard(t, urlguard.Config{Allow: []string{open}, HeaderTimeout: 20 * time.Millisecond})
	_, err := get(t, g, "http://"+open+"/")
	var timeout net.Error
	require.True(t, errors.As(err, &timeout) && timeout.Timeout(), "%v", err)
}
