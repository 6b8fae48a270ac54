package window_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/media"
)

// BenchmarkWAVWindow reads a window of 64 MB of sound, which lies in objects of 1 MB,
// through the embedded object store.
func BenchmarkWAVWindow(b *testing.B) {
	s := setup(b)
	flow, samples := pcmFlow(), noise(64<<20)
	s.put(b, []*media.Flow{flow}, map[uuid.UUID][]object{flow.ID: pcmObjects(samples, 256)})
	b.SetBytes(int64(len(samples)))
	for b.Loop() {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, s.url+"/flows/"+flow.ID.String()+"/window", nil)
		require.NoError(b, err)
		request.Header.Set("X-Tenant", string(tenant))
		response, err := s.client.Do(request)
		require.NoError(b, err)
		n, err := io.Copy(io.Discard, response.Body)
		require.NoError(b, err)
		require.EqualValues(b, len(samples)+44, n)
		require.NoError(b, response.Body.Close())
	}
}
