package window_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"

	"github.com/grainmesh/grainmesh/services/media-store/window"
)

// The grains of all members count, and those that are looked at on the way back to a
// random access point.
func TestGrainsOfAWindowAreBounded(t *testing.T) {
	t.Parallel()
	b := setupWith(t, window.Config{Reads: 1, ReadBytes: 1 << 20, AtOnce: 2, Patience: time.Minute, MaxGrains: 10})
	one, two, film := pcmFlow(), pcmFlow(), videoFlow()
	multi := &media.Flow{
		ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatMulti,
		Collection: []media.Member{{FlowID: one.ID}, {FlowID: two.ID}},
	}
	sound := pcmObjects(noise(6*1024*4), 3) // six grains
	b.put(t, []*media.Flow{multi, one, two, film}, map[uuid.UUID][]object{
		one.ID: sound, two.ID: sound,
		film.ID: pictures(
			gop{media.Clean, []int{0, 1, 2, 3}}, gop{media.NotRandom, []int{4, 5, 6, 7}}, gop{media.NotRandom, []int{8, 9, 10, 11}},
		),
	})
	b.want(t, http.StatusOK, one.ID.String()+"/window?format=gsf")
	refused := b.want(t, http.StatusBadRequest, multi.ID.String()+"/window?format=gsf")
	require.Contains(t, string(refused.body), string(fault.InvalidArgument))
	b.want(t, http.StatusOK, film.ID.String()+"/window?format=gsf&timerange=[0:0_0:200000000)")
	refused = b.want(t, http.StatusBadRequest, film.ID.String()+"/window?format=gsf&timerange=[0:320000000_0:400000000)")
	require.Contains(t, string(refused.body), "more than 10 grains")
}

// Windows are held in memory while they are read, so not any number of them.
func TestWindowsTakeTurns(t *testing.T) {
	t.Parallel()
	b := setupWith(t, window.Config{Reads: 1, ReadBytes: 1 << 20, AtOnce: 1, Patience: 100 * time.Millisecond})
	flow := pcmFlow()
	b.put(t, []*media.Flow{flow}, map[uuid.UUID][]object{flow.ID: pcmObjects(noise(32<<20), 100)})
	path := flow.ID.String() + "/window?format=raw"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/flows/"+path, nil)
	require.NoError(t, err)
	request.Header.Set("X-Tenant", string(tenant))
	held, err := b.client.Do(request) // more than fits on the way, and nobody reads it
	require.NoError(t, err)
	defer held.Body.Close()
	require.Equal(t, http.StatusOK, held.StatusCode)

	refused := b.get(t, path)
	require.Equal(t, http.StatusServiceUnavailable, refused.status)
	require.NotEmpty(t, refused.header.Get("Retry-After"))
	_, err = io.Copy(io.Discard, held.Body)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return b.get(t, path).status == http.StatusOK }, 30*time.Second, 10*time.Millisecond)
}
