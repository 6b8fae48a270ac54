package rangereader

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// FuzzAnswer reads heads of answers as an enemy would write them.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []struct {
		status        int
		contentRange  string
		contentLength int64
	}{
		{206, "bytes 0-99/1000", 100},
		{206, "bytes 0-99/*", -1},
		{206, "bytes 0-18446744073709551615/18446744073709551616", 0},
		{206, "bytes -1--1/-1", 0},
		{416, "bytes */0", 0},
		{200, "", 5},
		{503, "", 0},
	} {
		f.Add(seed.status, seed.contentRange, seed.contentLength, int64(0), int64(100))
	}
	f.Fuzz(func(t *testing.T, status int, contentRange string, contentLength, start, length int64) {
		if start < 0 || length <= 0 || start > maxSize || length > maxSize {
			return // no request asks for this
		}
		resp := &http.Response{
			StatusCode: status, ContentLength: contentLength, Body: http.NoBody, Header: http.Header{"Content-Range": {contentRange}},
		}
		a, err := readAnswer("https://media.example/film.mp4", resp, start, start+length)
		if err != nil {
			require.NotEqual(t, fault.Internal, fault.Of(err).Code)
			return
		}
		if a.partial {
			require.Greater(t, a.end, start)
			require.LessOrEqual(t, a.end, start+length)
			require.LessOrEqual(t, a.end, a.version.size)
			require.LessOrEqual(t, a.version.size, int64(maxSize))
		}
	})
}
