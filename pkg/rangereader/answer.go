package rangereader

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// maxSize is the largest file that is believed in, bytes. It keeps sums of offsets
// within an int64.
const maxSize = 1 << 60

// maxRetryAfter is the longest that a server may ask us to wait.
const maxRetryAfter = time.Minute

// answer is a successful answer to a ranged GET.
type answer struct {
	body        io.ReadCloser
	partial     bool  // 206; else the whole file, whatever was asked for
	end         int64 // where the body ends in the file, exclusive; negative if not known
	version     version
	contentType string
}

// temporary marks an error that may pass.
type temporary struct {
	err  error
	wait time.Duration // that the server asked for; 0 if it did not
}

func (t *temporary) Error() string { return t.err.Error() }
func (t *temporary) Unwrap() error { return t.err }

// readAnswer makes an answer of what came for bytes [start, end). It does not close
// the body.
func readAnswer(name string, resp *http.Response, start, end int64) (*answer, error) {
	a := &answer{
		body:        resp.Body,
		contentType: resp.Header.Get("Content-Type"),
		version:     version{size: -1, etag: resp.Header.Get("ETag"), modified: resp.Header.Get("Last-Modified")},
	}
	if coding := resp.Header.Get("Content-Encoding"); resp.StatusCode < http.StatusMultipleChoices && coding != "" && coding != "identity" {
		return nil, fault.Newf(fault.SourceNoRanges, "%s is sent with the content coding %q, in which ranges of the file cannot be read", name, coding)
	}
	switch resp.StatusCode {
	case http.StatusPartialContent:
		if err := a.readRange(name, resp, start, end); err != nil {
			return nil, err
		}
		return a, nil
	case http.StatusOK:
		a.end, a.version.size = resp.ContentLength, resp.ContentLength
		return a, nil
	case http.StatusRequestedRangeNotSatisfiable:
		return nil, beyondTheEnd(name, resp.Header.Get("Content-Range"), start)
	default:
		return nil, statusFault(name, resp)
	}
}

// readRange checks the Content-Range of a 206 against what was asked for (RFC 9110,
// section 15.3.7). A server may send less, from the same start.
func (a *answer) readRange(name string, resp *http.Response, start, end int64) error {
	text := resp.Header.Get("Content-Range")
	first, last, size, ok := parseContentRange(text)
	switch {
	case ok && size < 0:
		return fault.Newf(fault.SourceNoRanges, "%s does not tell the size of the file (Content-Range %q), without which it cannot be read by ranges", name, text)
	case !ok || size > maxSize || first > last || last >= size:
		return fault.Newf(fault.MalformedFile, "%s answers with the Content-Range %q, which is none", name, text)
	case first != start || last >= end:
		return fault.Newf(fault.MalformedFile, "%s answers with the Content-Range %q to a request for bytes %d to %d", name, text, start, end-1)
	case resp.ContentLength >= 0 && resp.ContentLength != last-first+1:
		return fault.Newf(fault.MalformedFile, "%s answers with %d bytes for the Content-Range %q", name, resp.ContentLength, text)
	}
	a.partial, a.end, a.version.size = true, last+1, size
	return nil
}

// parseContentRange reads "bytes first-last/size"; a size of "*" gives -1.
func parseContentRange(text string) (first, last, size int64, ok bool) {
	rest, ok := strings.CutPrefix(text, "bytes ")
	if !ok {
		return 0, 0, 0, false
	}
	span, total, ok := strings.Cut(rest, "/")
	if !ok {
		return 0, 0, 0, false
	}
	from, to, ok := strings.Cut(span, "-")
	if !ok {
		return 0, 0, 0, false
	}
	first, ok1 := parseOffset(from)
	last, ok2 := parseOffset(to)
	if total == "*" {
		return first, last, -1, ok1 && ok2
	}
	size, ok3 := parseOffset(total)
	return first, last, size, ok1 && ok2 && ok3
}

// parseOffset reads digits; neither a sign nor more than an int64 holds.
func parseOffset(text string) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil
}

// beyondTheEnd is the fault of a 416.
func beyondTheEnd(name, contentRange string, start int64) error {
	total, ok := strings.CutPrefix(contentRange, "bytes */")
	size, known := parseOffset(total)
	known = known && ok
	switch {
	case known && size == 0, !known && start == 0:
		return fault.Newf(fault.EmptyFile, "%s is empty: it has no bytes", name)
	case known && size <= start:
		return fault.Newf(fault.SourceChanged, "%s has %d bytes; byte %d was there or was promised", name, size, start)
	default:
		return fault.Newf(fault.MalformedFile, "%s answers HTTP 416 to a request from byte %d, which its Content-Range %q holds", name, start, contentRange)
	}
}

// statusFault is the fault of an answer without the file.
func statusFault(name string, resp *http.Response) error {
	answered := fmt.Sprintf("%s answers HTTP %d %s", name, resp.StatusCode, http.StatusText(resp.StatusCode))
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound, code == http.StatusGone:
		return fault.New(fault.SourceNotFound, answered+": there is no such file")
	case code == http.StatusPreconditionFailed:
		return fault.New(fault.SourceChanged, answered+": the file is not the one that was read before")
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= http.StatusInternalServerError:
		return &temporary{fault.New(fault.SourceUnreachable, answered), retryAfter(resp.Header.Get("Retry-After"))}
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusProxyAuthRequired:
		return fault.New(fault.SourceForbidden, answered+": it needs a permission that this url does not carry")
	case code >= http.StatusBadRequest:
		return fault.New(fault.SourceForbidden, answered+": it refuses a plain ranged GET")
	default:
		return fault.New(fault.SourceNotMedia, answered+": that is no file")
	}
}

// retryAfter reads a number of seconds; dates are not worth their trouble here.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxRetryAfter)
}

// isWebPage says whether the head of a file is a page for people, such as a login
// or an error that comes with status 200. The type that the server claims alone
// does not decide: many send media as text.
func isWebPage(contentType string, head []byte) bool {
	sniffed := http.DetectContentType(head)
	if strings.HasPrefix(sniffed, "text/html") {
		return true
	}
	return strings.HasPrefix(strings.ToLower(contentType), "text/html") && strings.HasPrefix(sniffed, "text/")
}
