package window_test

import (
	"encoding/binary"
	"fmt"
	"mime"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// pcm stores two seconds of sound and returns its samples.
func pcm(t *testing.T, b *bundle) (*media.Flow, []byte) {
	t.Helper()
	flow, samples := pcmFlow(), noise(4*2*44100+4)
	b.put(t, []*media.Flow{flow}, map[uuid.UUID][]object{flow.ID: pcmObjects(samples, 10)})
	return flow, samples
}

func TestWAVHasEverySampleOfTheRange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow, samples := pcm(t, b)
	rate := mediatime.NewRate(44100, 1)
	for _, c := range [][2]int{{0, 88201}, {0, 1}, {1, 2}, {1023, 1025}, {1024, 2048}, {10239, 10241}, {44100, 88200}, {88200, 88201}, {500, 77000}} {
		within := mediatime.NewRange(rate.Offset(int64(c[0])), rate.Offset(int64(c[1])))
		got := b.want(t, http.StatusOK, fmt.Sprintf("%s/window?timerange=%s&format=wav", flow.ID, within))
		require.Equal(t, samples[4*c[0]:4*c[1]], got.body[44:], "%v", c)
		require.Equal(t, within.String(), got.header.Get("X-Media-Timerange"))
		require.Equal(t, fmt.Sprint(len(got.body)), got.header.Get("Content-Length"))
		require.EqualValues(t, len(got.body)-44, binary.LittleEndian.Uint32(got.body[40:]))
		raw := b.want(t, http.StatusOK, fmt.Sprintf("%s/window?timerange=%s&format=raw", flow.ID, within))
		require.Equal(t, samples[4*c[0]:4*c[1]], raw.body)
	}
	all := b.want(t, http.StatusOK, flow.ID.String()+"/window") // WAV suits it best
	require.Equal(t, samples, all.body[44:])
	_, params, err := mime.ParseMediaType(all.header.Get("Content-Disposition"))
	require.NoError(t, err)
	require.Equal(t, "Sound 1-2_0.000-2.000.wav", params["filename"])
	head := b.as(t, tenant, http.MethodHead, flow.ID.String()+"/window")
	require.Equal(t, all.header.Get("Content-Length"), head.header.Get("Content-Length"))
	require.Empty(t, head.body)
}

func TestBoundsBesideASampleMeanIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow, samples := pcm(t, b)
	at := mediatime.NewRate(44100, 1).Offset(2000)
	for _, off := range []mediatime.Time{-900, 0, 900} {
		within := mediatime.NewRange(at+off, at+off+mediatime.Second)
		got := b.want(t, http.StatusOK, fmt.Sprintf("%s/window?timerange=%s", flow.ID, within))
		require.Equal(t, samples[4*2000:4*(2000+44100)], got.body[44:])
	}
}

func TestGSFWindowIsCutToSamples(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow, samples := pcm(t, b)
	within := mediatime.NewRange(mediatime.NewRate(44100, 1).Offset(1500), mediatime.NewRate(44100, 1).Offset(40000))
	got := b.want(t, http.StatusOK, fmt.Sprintf("%s/window?timerange=%s&format=gsf&trim=exact", flow.ID, within))
	header, all := grains(t, got.body)
	require.Len(t, header.Segments, 1)
	require.EqualValues(t, len(all), header.Segments[0].Count)
	require.Equal(t, flow.ID, header.Segments[0].Flow.FlowID)
	require.Equal(t, within.Start, all[0].Origin)
	var data []byte
	for _, g := range all {
		require.Equal(t, gsf.KindAudio, g.Kind)
		require.EqualValues(t, len(g.Data), 4*g.Audio.Samples)
		data = append(data, g.Data...)
	}
	require.Equal(t, samples[4*1500:4*40000], data)
}

func TestGrainCoversItsInstant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow, samples := pcm(t, b)
	rate := mediatime.NewRate(44100, 1)
	for _, n := range []int{0, 1, 10, 86} { // 10 is the first of its object, 86 the last, and short
		start := rate.Offset(int64(n * 1024))
		for _, at := range []mediatime.Time{start, start + 20*mediatime.Microsecond} {
			got := b.want(t, http.StatusOK, fmt.Sprintf("%s/grains/%s", flow.ID, at))
			end := min(4*1024*(n+1), len(samples))
			require.Equal(t, samples[4*1024*n:end], got.body)
			require.Equal(t, mediatime.NewRange(start, rate.Offset(int64(end/4))).String(), got.header.Get("X-Media-Timerange"))
			require.Equal(t, media.CodecPCM, got.header.Get("Content-Type"))
			_, one := grains(t, b.want(t, http.StatusOK, fmt.Sprintf("%s/grains/%s?format=gsf", flow.ID, at)).body)
			require.Len(t, one, 1)
			require.Equal(t, got.body, one[0].Data)
			require.Equal(t, start, one[0].Origin)
		}
	}
	b.want(t, http.StatusNotFound, flow.ID.String()+"/grains/3:0")
	b.want(t, http.StatusBadRequest, flow.ID.String()+"/grains/soon")
	b.want(t, http.StatusBadRequest, flow.ID.String()+"/grains/99999999999:0")
}

// What is at an instant may be cut, deleted, or another tenant's: a browser asks again
// each time, by the ETag.
func TestAGrainIsAskedForAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow, _ := pcm(t, b)
	for _, format := range []string{"raw", "gsf"} {
		path := flow.ID.String() + "/grains/0:0?format=" + format
		first := b.want(t, http.StatusOK, path)
		require.Equal(t, "private, no-cache", first.header.Get("Cache-Control"))
		require.Equal(t, "Cookie, Authorization", first.header.Get("Vary"))
		etag := first.header.Get("ETag")
		require.NotEmpty(t, etag)

		known := b.as(t, tenant, http.MethodGet, path, "If-None-Match", `"x", `+etag)
		require.Equal(t, http.StatusNotModified, known.status)
		require.Empty(t, known.body)
		require.Equal(t, etag, known.header.Get("ETag"))
		next := b.as(t, tenant, http.MethodGet, flow.ID.String()+"/grains/1:0?format="+format, "If-None-Match", etag)
		require.Equal(t, http.StatusOK, next.status, "another grain")
		require.NotEmpty(t, next.body)
		theirs := b.as(t, "other", http.MethodGet, path, "If-None-Match", etag)
		require.Equal(t, http.StatusNotFound, theirs.status)
		require.Empty(t, theirs.header.Get("ETag"))
	}
	require.NoError(t, b.store.DeleteFlow(t.Context(), tenant, flow.ID))
	etag := b.want(t, http.StatusGone, flow.ID.String()+"/grains/0:0").header.Get("ETag")
	require.Empty(t, etag)
}

func TestWindowsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow, _ := pcm(t, b)
	gone := pcmFlow()
	run := b.put(t, []*media.Flow{gone}, nil)
	_, err := b.store.EndRun(t.Context(), tenant, run, store.Discard)
	require.NoError(t, err)
	closed := pcmFlow()
	run = b.put(t, []*media.Flow{closed}, map[uuid.UUID][]object{closed.ID: pcmObjects(noise(2*44100), 10)})
	_, err = b.store.EndRun(t.Context(), tenant, run, store.Close)
	require.NoError(t, err)
	for query, status := range map[string]int{
		flow.ID.String() + "/window?timerange=[2:500000000_3:0)":    http.StatusConflict, // it may still come
		flow.ID.String() + "/window?timerange=[1:0_3:0)":            http.StatusConflict,
		closed.ID.String() + "/window?timerange=[2:500000000_3:0)":  http.StatusNotFound,
		closed.ID.String() + "/window?timerange=[0:0_3:0)":          http.StatusOK,
		flow.ID.String() + "/window?timerange=()":                   http.StatusBadRequest,
		flow.ID.String() + "/window?timerange=x":                    http.StatusBadRequest,
		flow.ID.String() + "/window?timerange=[0:0_9300000000:0)":   http.StatusBadRequest,
		flow.ID.String() + "/window?format=avi":                     http.StatusBadRequest,
		flow.ID.String() + "/window?trim=some":                      http.StatusBadRequest,
		uuid.NewString() + "/window":                                http.StatusNotFound,
		"x/window":                                                  http.StatusNotFound,
		gone.ID.String() + "/window":                                http.StatusGone,
		flow.ID.String() + "/window?timerange=[-9:0_0:0)":           http.StatusNotFound,
		flow.ID.String() + "/window?timerange=[0:0_0:0]&format=wav": http.StatusNotFound, // shorter than half a sample
	} {
		b.want(t, status, query)
	}
	require.Equal(t, http.StatusNotFound, b.as(t, "beta", http.MethodGet, flow.ID.String()+"/window").status)
	require.Equal(t, http.StatusNotFound, b.as(t, "beta", http.MethodGet, flow.ID.String()+"/grains/0:0").status)
}

func TestGapsAreNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow := pcmFlow()
	objects := pcmObjects(noise(4*44100), 10)
	b.put(t, []*media.Flow{flow}, map[uuid.UUID][]object{flow.ID: {objects[0], objects[2]}})
	refused := b.want(t, http.StatusConflict, flow.ID.String()+"/window?format=wav")
	require.Contains(t, string(refused.body), "gap")
	b.want(t, http.StatusOK, flow.ID.String()+"/window?format=gsf")
	b.want(t, http.StatusOK, flow.ID.String()+"/window?format=wav&timerange=[0:0_0:200000000)")
}

func TestReplacedObjectsAreNotServed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow, _ := pcm(t, b)
	segments, err := b.store.Segments(t.Context(), tenant, storeQuery(flow.ID))
	require.NoError(t, err)
	require.NoError(t, b.bucket.Remove(t.Context(), segments[0].Key))
	failed := b.get(t, flow.ID.String()+"/window?timerange=[0:0_0:100000000)&format=raw")
	require.NotEqual(t, http.StatusOK, failed.status)
	require.Empty(t, failed.header.Get("Content-Disposition"))
}
