package rangereader_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
)

// BenchmarkStream reads 256 MB by loopback, whose server takes its share of the
// processor.
func BenchmarkStream(b *testing.B) {
	const size = 256 * mB
	content := strings.NewReader(strings.Repeat("x", size))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Time{}, io.NewSectionReader(content, 0, size))
	}))
	defer server.Close()
	guard, err := urlguard.New(urlguard.Config{Allow: []string{strings.TrimPrefix(server.URL, "http://")}})
	require.NoError(b, err)
	opener, err := rangereader.New(rangereader.Config{Guard: guard})
	require.NoError(b, err)
	defer opener.Close()
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		r, err := opener.Open(b.Context(), server.URL, rangereader.Options{})
		require.NoError(b, err)
		s, err := r.Stream(0, size)
		require.NoError(b, err)
		n, err := s.WriteTo(io.Discard)
		require.NoError(b, err)
		require.EqualValues(b, size, n)
		require.NoError(b, s.Close())
		require.NoError(b, r.Close())
	}
}
