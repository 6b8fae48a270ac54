package serve_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/serve"
	analyserv1 "github.com/grainmesh/grainmesh/rpc/analyser/v1"
)

// Whoever proves nothing is told so before anything that they send is read.
func TestStrangersSendNoBody(t *testing.T) {
	t.Parallel()
	p := start(t, func(_ *process, twirp *serve.TwirpServer) serve.Routes {
		return serve.Routes{Public: []serve.Route{serve.Twirp(analyserv1.NewAnalyserServer(prober(nil), twirp.Option(nil)))}}
	})
	for _, length := range []string{"Content-Length: 16000000", "Transfer-Encoding: chunked"} {
		conn := dial(t, p.PublicURL())
		_, err := fmt.Fprintf(conn, "POST %sProbe HTTP/1.1\r\nHost: mesh\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n%s\r\n\r\n",
			analyserv1.AnalyserPathPrefix, length)
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusUnauthorized, response.StatusCode, length)
		require.Contains(t, string(body), `"unauthenticated"`)
	}
}

// dial connects to a server for half a minute at most.
func dial(t *testing.T, url string) net.Conn {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	return conn
}

// A body that stops coming, or only drips, ends with an error for its handler; also
// one that nobody reads.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	read := make(chan error, 1)
	pace := serve.Pace{Grace: 200 * time.Millisecond, Rate: 1 << 20}
	server := httptest.NewServer(pace.Bodies(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/unread" {
			return
		}
		_, err := io.Copy(io.Discard, r.Body)
		read <- err
	})))
	t.Cleanup(server.Close)
	for _, path := range []string{"/stops", "/drips", "/unread"} {
		conn := dial(t, server.URL)
		_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: mesh\r\nContent-Length: 100000\r\n\r\nx", path)
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() {
			if path != "/unread" {
				ended <- <-read
				return
			}
			_, err := conn.Read(make([]byte, 1)) // the answer
			ended <- err
		}()
		drop := time.NewTicker(10 * time.Millisecond)
		late := time.After(20 * time.Second)
		for waiting := true; waiting; {
			select {
			case err := <-ended:
				waiting = false
				require.Equal(t, path != "/unread", err != nil, "%s: %v", path, err)
			case <-drop.C:
				if path == "/drips" {
					_, _ = conn.Write([]byte("x"))
				}
			case <-late:
				require.Fail(t, "the server still waits for a body", path)
			}
		}
		drop.Stop()
	}
}

// What flows may take longer than the grace, and so may the handler and its answer.
func TestPaceLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	pace := serve.Pace{Grace: 300 * time.Millisecond, Rate: 100}
	server := httptest.NewServer(pace.Bodies(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first := make([]byte, 1)
		_, _ = io.ReadFull(r.Body, first)
		<-time.After(2 * pace.Grace) // busy with something else
		n, err := io.Copy(io.Discard, iotest.OneByteReader(r.Body))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			err = r.Context().Err()
		case <-time.After(2 * pace.Grace):
		}
		_, _ = fmt.Fprint(w, n, err)
	})))
	t.Cleanup(server.Close)
	body, send := io.Pipe()
	go func() {
		for range 100 {
			_, _ = send.Write([]byte("0123456789"))
			<-time.After(pace.Grace / 50)
		}
		_ = send.Close()
	}()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, body)
	require.NoError(t, err)
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	told, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, "999 <nil>", string(told))
}

// Every listener paces.
func TestServersPace(t *testing.T) {
	t.Parallel()
	p := start(t, func(*process, *serve.TwirpServer) serve.Routes {
		return serve.Routes{Public: []serve.Route{{Prefix: "/x", Scope: serve.Open, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprintf(w, "%T", r.Body)
		})}}}
	})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.PublicURL()+"/x", strings.NewReader("body"))
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	kind, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, "*serve.pacedBody", string(kind))
}
