package rangetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// File is what a path of the server answers with.
type File struct {
	Content io.ReaderAt
	Size    int64 // bytes
	// ETag with its quotes; empty for none.
	ETag string
	// ContentType; empty for application/octet-stream.
	ContentType string
	// Modified is the Last-Modified; zero for none.
	Modified time.Time
}

// Fault is how the server misbehaves: it may answer itself, or call serve with
// what it likes. n counts requests, from 1.
type Fault func(w http.ResponseWriter, r *http.Request, n int, serve http.HandlerFunc)

// Request is what the server was asked.
type Request struct {
	Path   string
	Header http.Header
}

// Server serves files.
type Server struct {
	http *httptest.Server

	mu       sync.Mutex
	files    map[string]File
	fault    Fault
	faultsAt map[string]*pathFault
	requests []Request
	sent     int64
	running  int
	most     int
}

// pathFault is the fault of one path, with its own count of requests.
type pathFault struct {
	fault Fault
	n     int
}

// New starts a server, which stops with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{files: map[string]File{}, faultsAt: map[string]*pathFault{}}
	s.http = httptest.NewServer(s)
	t.Cleanup(s.http.Close)
	return s
}

// Host is the server's host:port, for the exceptions of a URL guard.
func (s *Server) Host() string { return strings.TrimPrefix(s.http.URL, "http://") }

// Set serves f under path, in place of what was there, and returns its URL.
func (s *Server) Set(path string, f File) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = f
	return s.http.URL + path
}

// Misbehave makes all further requests go through f; nil ends it.
func (s *Server) Misbehave(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// MisbehaveAt makes all further requests for one path go through f, which counts
// them alone; nil ends it. It comes before the fault of the whole server.
func (s *Server) MisbehaveAt(path string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.faultsAt, path)
	if f != nil {
		s.faultsAt[path] = &pathFault{fault: f}
	}
}

// Requests returns what was asked so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Sent is how many bytes of bodies have been written so far.
func (s *Server) Sent() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

// MostAtOnce is how many requests ran at a time, at most.
func (s *Server) MostAtOnce() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, Request{r.URL.Path, r.Header.Clone()})
	n, fault := len(s.requests), s.fault
	if at := s.faultsAt[r.URL.Path]; at != nil {
		at.n++
		n, fault = at.n, at.fault
	}
	s.running++
	s.most = max(s.most, s.running)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()
	counted := &countingWriter{w, s}
	if fault != nil {
		fault(counted, r, n, s.serve)
		return
	}
	s.serve(counted, r)
}

// serve answers as a web server should.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	f, ok := s.files[r.URL.Path]
	s.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if f.ContentType != "" {
		w.Header().Set("Content-Type", f.ContentType)
	}
	if f.ETag != "" {
		w.Header().Set("ETag", f.ETag)
	}
	http.ServeContent(w, r, "", f.Modified, io.NewSectionReader(f.Content, 0, f.Size))
}

// countingWriter notes what goes out.
type countingWriter struct {
	http.ResponseWriter
	server *Server
}

// Write implements io.Writer.
func (w *countingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	w.server.sent += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
