package cli

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/embed/meshtest"
	"github.com/grainmesh/grainmesh/pkg/rangereader/rangetest"
	"github.com/grainmesh/grainmesh/services/grainmesh/mesh"
)

// TestMain takes what is set for a mesh of the developer's own away from the tests.
func TestMain(m *testing.M) {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "GRAINMESH_") && !strings.HasPrefix(name, "GRAINMESH_TEST_") {
			_ = os.Unsetenv(name)
		}
	}
	meshtest.Main(m)
}

const (
	patience = 30 * time.Second
	tick     = 10 * time.Millisecond

	// chunkBytes is a chunk here: 0.4 s of the WAVs.
	chunkBytes = 76_800
	// partBytes is a part of an upload here, the least that S3 takes.
	partBytes = 5 << 20
)

// local is a mesh that `up --foreground` runs in this process, on its own share of
// the neighbours of the tests.
type local struct {
	dir    string
	source *rangetest.Server // which it may read from
	log    *output
	state  *runState
}

// startLocal starts a mesh by the command line, and stops it with the test. The test
// itself cannot be parallel: the settings are those of the process.
func startLocal(t *testing.T) *local {
	t.Helper()
	l := &local{dir: filepath.Join(t.TempDir(), "data of a mesh"), source: rangetest.New(t), log: &output{}}
	l.prepare(t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, l.args("up", "--foreground", "--listen", "127.0.0.1:0"), io.Discard, l.log)
	}()
	t.Cleanup(func() {
		stop()
		require.Equal(t, exitDone, <-ended, "%s", l.log)
	})
	require.Eventually(t, func() bool {
		var err error
		l.state, err = readState(l.dir)
		return err == nil || len(ended) > 0
	}, patience, tick, "%s", l.log)
	require.Empty(t, ended, "%s", l.log)
	return l
}

// prepare sets the neighbours of the mesh, as somebody does who has them already.
func (l *local) prepare(t *testing.T) {
	t.Helper()
	_, users, err := mesh.EnsureKeys(filepath.Join(l.dir, "keys"))
	require.NoError(t, err)
	account := meshtest.NATS(t)
	for _, user := range users {
		account.AddUser(t, user)
	}
	bucket := meshtest.Bucket(t)
	s3, err := url.Parse(bucket.Endpoint)
	require.NoError(t, err)
	s3.User = url.UserPassword(bucket.AccessKey, bucket.SecretKey)
	for name, value := range map[string]string{
		"DATABASE_URL": meshtest.Database(t, meshtest.Template{}), "NATS_URL": account.URL, "REDIS_URL": meshtest.Redis(t),
		"S3_URL": s3.String(), "S3_BUCKET": bucket.Bucket, "ALLOW_HOSTS": l.source.Host(),
		"JOB_API_CHUNK_BYTES": fmt.Sprint(chunkBytes), "JOB_API_CHUNK_DURATION": "1ms", "JOB_API_AUDIO_OBJECT_BYTES": fmt.Sprint(chunkBytes),
		"PORTAL_BFF_PART_BYTES": fmt.Sprint(partBytes),
	} {
		t.Setenv("GRAINMESH_"+name, value)
	}
}

func (l *local) args(args ...string) []string {
	return append([]string{"grainmesh", "--data", l.dir}, args...)
}

// output is what a command has written so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String returns all of it.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// command is a command line that runs.
type command struct {
	out, err output
	stop     context.CancelFunc
	ended    chan int
}

// begin starts a command line, which is interrupted when the test ends.
func begin(t *testing.T, args ...string) *command {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	c := &command{stop: stop, ended: make(chan int, 1)}
	go func() { c.ended <- run(ctx, args, &c.out, &c.err) }()
	return c
}

// end waits for the exit code.
func (c *command) end(t *testing.T) int {
	t.Helper()
	select {
	case code := <-c.ended:
		return code
	case <-time.After(patience):
		require.Fail(t, "the command does not end", "%s%s", &c.out, &c.err)
		return -1
	}
}

// ask runs a command line of the local mesh.
func (l *local) ask(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	c := begin(t, l.args(args...)...)
	code = c.end(t)
	return code, c.out.String(), c.err.String()
}

// must runs a command line that must succeed, and returns what it wrote.
func (l *local) must(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errOut := l.ask(t, args...)
	require.Zero(t, code, "%v: %s%s", args, out, errOut)
	return out
}

// object runs a command line with --json, and reads the object that it writes.
func (l *local) object(t *testing.T, args ...string) map[string]any {
	t.Helper()
	return decode[map[string]any](t, l.must(t, append([]string{"--json"}, args...)...))
}

// decode reads the one JSON value that a text is.
func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var value T
	require.NoError(t, json.Unmarshal([]byte(text), &value), "%s", text)
	return value
}

// Of the WAVs: stereo of 16 bits at 48 kHz.
const (
	sampleRate = 48_000
	frameBytes = 4
	headBytes  = 44
)

// wavHead is the head of a WAV of so many bytes of samples.
func wavHead(size int) []byte {
	b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x02\x00")
	binary.LittleEndian.PutUint32(b[4:], uint32(headBytes-8+size))
	b = binary.LittleEndian.AppendUint32(b, sampleRate)
	b = binary.LittleEndian.AppendUint32(b, sampleRate*frameBytes)
	b = append(b, frameBytes, 0, 16, 0, 'd', 'a', 't', 'a')
	return binary.LittleEndian.AppendUint32(b, uint32(size))
}

// wav makes a WAV of so many chunks of noise.
func wav(chunks int) []byte {
	return append(wavHead(chunks*chunkBytes), rangetest.Pattern(chunks).Bytes(0, int64(chunks*chunkBytes))...)
}

// serve makes a file that the mesh can read from the source, and returns its URL.
func (l *local) serve(path string, file []byte) string {
	return l.source.Set(path, rangetest.File{Content: bytes.NewReader(file), Size: int64(len(file)), ETag: `"1"`})
}

// gate holds requests for a path back, from the reader and not the analyser, until it
// is opened.
func (l *local) gate(t *testing.T, path string) (open func()) {
	t.Helper()
	opened := make(chan struct{})
	open = sync.OnceFunc(func() { close(opened) })
	t.Cleanup(open)
	l.source.MisbehaveAt(path, func(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
		if r.Header.Get("If-Match") != "" {
			select {
			case <-opened:
			case <-r.Context().Done():
				return
			}
		}
		serve(w, r)
	})
	return open
}

// saved writes a file of the user's.
func saved(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

// behind starts a proxy before the mesh that lets a test spoil its answers, and
// returns the flags with which commands use it.
func (l *local) behind(t *testing.T, spoil func(w http.ResponseWriter, r *http.Request, pass http.HandlerFunc)) []string {
	t.Helper()
	target, err := url.Parse(l.state.PublicURL)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, Transport: transport}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { spoil(w, r, proxy.ServeHTTP) }))
	t.Cleanup(server.Close)
	return []string{"grainmesh", "--api", server.URL, "--token", strings.TrimSpace(l.must(t, "token"))}
}
