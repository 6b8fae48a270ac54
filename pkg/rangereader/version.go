package rangereader

import (
	"fmt"
	"net/http"
	"strings"
)

// modifiedPrefix marks a Version that is a date.
const modifiedPrefix = "last-modified "

// version is what tells one state of a file from another.
type version struct {
	size     int64 // bytes; negative where it is not known
	etag     string
	modified string // Last-Modified as it was sent
}

// parseVersion reads what [Reader.Version] wrote.
func parseVersion(size int64, text string) version {
	v := version{size: size}
	if size <= 0 {
		v.size = -1
	}
	if date, ok := strings.CutPrefix(text, modifiedPrefix); ok {
		v.modified = date
	} else {
		v.etag = text
	}
	return v
}

func (v version) String() string {
	if v.etag == "" && v.modified != "" {
		return modifiedPrefix + v.modified
	}
	return v.etag
}

// condition asks the server to refuse a changed file. If-Match compares strongly,
// so that a weak ETag would never match (RFC 9110, section 13.1.1).
func (v version) condition(header http.Header) {
	switch {
	case v.etag != "" && !strings.HasPrefix(v.etag, "W/"):
		header.Set("If-Match", v.etag)
	case v.etag == "" && v.modified != "":
		header.Set("If-Unmodified-Since", v.modified)
	}
}

// changed says how other differs; empty if it does not. The date counts only
// where one side has no ETag: copies of one file often differ in it.
func (v version) changed(other version) string {
	switch {
	case v.size >= 0 && other.size >= 0 && v.size != other.size:
		return fmt.Sprintf("its size was %d bytes and is now %d", v.size, other.size)
	case v.etag != "" && other.etag != "":
		if v.etag != other.etag {
			return fmt.Sprintf("its ETag was %s and is now %s", v.etag, other.etag)
		}
	case v.modified != "" && other.modified != "" && v.modified != other.modified:
		return fmt.Sprintf("it was modified %s and is now of %s", v.modified, other.modified)
	}
	return ""
}
