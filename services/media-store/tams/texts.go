package tams

import (
	"bytes"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// Bounds of texts that are keys of the database.
const (
	maxObjectID = 1024
	maxInstance = 256
)

// checkText refuses a text that no column can hold.
func checkText(name, text string) error {
	switch {
	case strings.ContainsRune(text, 0):
		return fault.Newf(fault.InvalidArgument, "%s holds a zero byte", name)
	case !utf8.ValidString(text):
		return fault.Newf(fault.InvalidArgument, "%s is %.40q, want UTF-8", name, text)
	}
	return nil
}

// checkKey refuses a text that is too long for a key as well. What it may hold is
// looked at when it comes in.
func checkKey(name, text string, most int) error {
	if len(text) > most {
		return fault.Newf(fault.InvalidArgument, "%s has %d bytes, at most %d are taken", name, len(text), most)
	}
	return nil
}

// checkTexts refuses requests whose path or query holds such a text; bodies are
// looked at by checkBody.
func checkTexts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := checkText("the path", r.URL.Path)
		for name, values := range r.URL.Query() {
			for _, text := range append(values, name) {
				if err == nil {
					err = checkText("the query", text)
				}
			}
		}
		if err != nil {
			writeError(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkBody refuses JSON with such a text anywhere in it.
func checkBody(body []byte) error {
	if !utf8.Valid(body) {
		return fault.New(fault.Malformed, "the body is not in UTF-8")
	}
	for rest := body; ; {
		i := bytes.IndexByte(rest, '\\')
		if i < 0 {
			return nil
		}
		if rest = rest[i+1:]; bytes.HasPrefix(rest, []byte("u0000")) {
			return fault.New(fault.InvalidArgument, "a text of the body holds a zero byte")
		}
		rest = rest[min(1, len(rest)):] // what is escaped may be a backslash itself
	}
}
