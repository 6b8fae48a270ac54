package rangetest

import (
	"io"
	"net/http"
	"sync"
)

// Answer answers every request with a status and a short text.
func Answer(status int) Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ int, _ http.HandlerFunc) {
		http.Error(w, "told to fail", status)
	}
}

// Page answers every request with a web page and status 200.
func Page() Fault {
	return func(w http.ResponseWriter, _ *http.Request, _ int, _ http.HandlerFunc) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html><html><body>Please log in</body></html>")
	}
}

// Redirect sends every request on to another URL.
func Redirect(url string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ int, _ http.HandlerFunc) {
		http.Redirect(w, r, url, http.StatusFound)
	}
}

// NoRanges answers with the whole file, whatever was asked for.
func NoRanges() Fault {
	return func(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
		r.Header.Del("Range")
		serve(w, r)
	}
}

// First misbehaves for the first n requests.
func First(n int, f Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, count int, serve http.HandlerFunc) {
		if count <= n {
			f(w, r, count, serve)
			return
		}
		serve(w, r)
	}
}

// After misbehaves after the first n requests.
func After(n int, f Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, count int, serve http.HandlerFunc) {
		if count > n {
			f(w, r, count, serve)
			return
		}
		serve(w, r)
	}
}

// Header sets a header of the answer, over what would stand there.
func Header(name, value string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
		serve(&headerWriter{w, name, value}, r)
	}
}

type headerWriter struct {
	http.ResponseWriter
	name, value string
}

// WriteHeader implements http.ResponseWriter.
func (w *headerWriter) WriteHeader(status int) {
	w.Header().Set(w.name, w.value)
	w.ResponseWriter.WriteHeader(status)
}

// Cut ends each connection after n bytes of a body.
func Cut(n int64) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
		serve(&cuttingWriter{w, n}, r)
	}
}

type cuttingWriter struct {
	http.ResponseWriter
	left int64
}

// Write implements io.Writer.
func (w *cuttingWriter) Write(p []byte) (int, error) {
	if int64(len(p)) < w.left {
		w.left -= int64(len(p))
		return w.ResponseWriter.Write(p)
	}
	_, _ = w.ResponseWriter.Write(p[:w.left])
	_ = http.NewResponseController(w.ResponseWriter).Flush()
	panic(http.ErrAbortHandler)
}

// Together holds requests back until n of them are there, again and again: only
// who asks in parallel gets on.
func Together(n int) Fault {
	var mu sync.Mutex
	waiting, gate := 0, make(chan struct{})
	return func(w http.ResponseWriter, r *http.Request, _ int, serve http.HandlerFunc) {
		mu.Lock()
		waiting++
		mine := gate
		if waiting == n {
			waiting, gate = 0, make(chan struct{})
			close(mine)
		}
		mu.Unlock()
		select {
		case <-mine:
			serve(w, r)
		case <-r.Context().Done():
		}
	}
}

// Silence answers nothing until the client gives up.
func Silence() Fault {
	return func(_ http.ResponseWriter, r *http.Request, _ int, _ http.HandlerFunc) {
		<-r.Context().Done()
	}
}
