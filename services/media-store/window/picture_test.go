package window_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

func storeQuery(flow uuid.UUID) store.SegmentQuery {
	return store.SegmentQuery{Flow: flow, Range: mediatime.Eternity, Limit: 100}
}

var frameRate = mediatime.NewRate(25, 1)

func videoFlow() *media.Flow {
	return &media.Flow{
		ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatVideo, Codec: media.CodecH264, Container: media.ContainerGSF, Label: "film",
		GrainRate: frameRate, Video: &media.Video{Width: 640, Height: 360, InterlaceMode: "progressive", GSFFormat: uint32(gsf.FrameH264)},
	}
}

// gop is a run of pictures, given by their display numbers in decode order; the
// first is a random access point.
type gop struct {
	access media.RandomAccess
	shown  []int
}

// pictures makes an object of each group. Each picture's data says its number.
func pictures(gops ...gop) []object {
	var objects []object
	decoded := 0
	for _, g := range gops {
		var o object
		for i, n := range g.shown {
			grain := media.Grain{
				PTS: frameRate.Offset(int64(n)), Order: frameRate.Offset(int64(decoded)), Duration: frameRate.Duration(int64(n)),
				TemporalOffset: int32(n - decoded), Leading: g.access == media.OpenGOP && n < g.shown[0],
			}
			if i == 0 {
				grain.Access = g.access
			}
			o.grains = append(o.grains, formats.Grain{Grain: grain, Data: picture(n), UnitOffsets: []uint32{0}})
			decoded++
		}
		objects = append(objects, o)
	}
	return objects
}

func picture(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 3000+n) }

// numbers reads the display numbers of pictures from their data.
func numbers(t *testing.T, all []gsf.Grain) []int {
	t.Helper()
	out := make([]int, len(all))
	for i, g := range all {
		out[i] = int(g.Data[0])
		require.Equal(t, picture(out[i]), g.Data)
	}
	return out
}

func TestPicturesAreCarriedFromTheRandomAccessPoint(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow := videoFlow()
	b.put(t, []*media.Flow{flow}, map[uuid.UUID][]object{flow.ID: pictures(
		gop{media.Clean, []int{0, 3, 1, 2}}, gop{media.OpenGOP, []int{6, 4, 5, 9, 7, 8}}, gop{media.Clean, []int{10, 12, 11}},
	)})
	for _, c := range []struct {
		from, to int
		want     []int
		carried  [2]int
		exact    bool
	}{
		{0, 13, []int{0, 3, 1, 2, 6, 4, 5, 9, 7, 8, 10, 12, 11}, [2]int{0, 13}, true},
		{2, 3, []int{0, 3, 1, 2}, [2]int{0, 4}, false},
		{6, 8, []int{0, 3, 1, 2, 6, 4, 5, 9, 7}, [2]int{0, 10}, false}, // an open GOP is not trusted with a short window
		{4, 6, []int{0, 3, 1, 2, 6, 4, 5}, [2]int{0, 7}, false},
		{10, 13, []int{10, 12, 11}, [2]int{10, 13}, true},
		{11, 12, []int{10, 12, 11}, [2]int{10, 13}, false},
	} {
		within := mediatime.NewRange(frameRate.Offset(int64(c.from)), frameRate.Offset(int64(c.to)))
		path := fmt.Sprintf("%s/window?timerange=%s&format=gsf", flow.ID, within)
		got := b.want(t, http.StatusOK, path)
		header, all := grains(t, got.body)
		require.Equal(t, c.want, numbers(t, all), "%v", c)
		carried := mediatime.NewRange(frameRate.Offset(int64(c.carried[0])), frameRate.Offset(int64(c.carried[1])))
		require.Equal(t, carried.String(), got.header.Get("X-Media-Timerange"))
		if c.exact {
			require.Empty(t, header.Segments[0].Tags)
			b.want(t, http.StatusOK, path+"&trim=exact")
			continue
		}
		require.Equal(t, []gsf.Tag{{Key: "presented_timerange", Value: within.String()}}, header.Segments[0].Tags)
		refused := b.want(t, http.StatusConflict, path+"&trim=exact")
		require.Contains(t, string(refused.body), "not_exact")
		require.Contains(t, string(refused.body), "format=mp4")
	}
	one := b.want(t, http.StatusOK, fmt.Sprintf("%s/grains/%s", flow.ID, frameRate.Offset(5)))
	require.Equal(t, picture(5), one.body)
	require.Equal(t, media.CodecH264, one.header.Get("Content-Type"))
	raw := b.want(t, http.StatusOK, flow.ID.String()+"/window?format=raw&timerange=[0:400000000_0:520000000)")
	require.Equal(t, append(append(picture(10), picture(12)...), picture(11)...), raw.body)
}

func TestPreRollMayBeSeveralObjectsBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow := videoFlow()
	objects := pictures(gop{media.Clean, []int{0}}, gop{media.NotRandom, []int{1}}, gop{media.NotRandom, []int{2}}, gop{media.NotRandom, []int{3}},
		gop{media.NotRandom, []int{4}}, gop{media.NotRandom, []int{5}}, gop{media.NotRandom, []int{6}})
	b.put(t, []*media.Flow{flow}, map[uuid.UUID][]object{flow.ID: objects})
	got := b.want(t, http.StatusOK, flow.ID.String()+"/window?format=gsf&timerange=[0:240000000_0:280000000)")
	_, all := grains(t, got.body)
	require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6}, numbers(t, all))

	headless := videoFlow()
	b.put(t, []*media.Flow{headless}, map[uuid.UUID][]object{headless.ID: objects[1:]})
	refused := b.want(t, http.StatusConflict, headless.ID.String()+"/window?format=gsf&timerange=[0:240000000_0:280000000)")
	require.Contains(t, string(refused.body), "random access")
}

func TestMultiFlowHoldsAllItsMembers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	video, audio := videoFlow(), pcmFlow()
	multi := &media.Flow{ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatMulti, Label: "programme"}
	multi.Collection = []media.Member{{FlowID: video.ID, Role: "video"}, {FlowID: audio.ID, Role: "audio"}}
	b.put(t, []*media.Flow{multi, video, audio}, map[uuid.UUID][]object{
		video.ID: pictures(gop{media.Clean, []int{0, 3, 1, 2}}, gop{media.Clean, []int{4, 7, 5, 6}}), audio.ID: pcmObjects(noise(4*14112), 10),
	})
	got := b.want(t, http.StatusOK, multi.ID.String()+"/window?format=gsf&timerange=[0:160000000_0:320000000)")
	header, all := grains(t, got.body)
	require.Len(t, header.Segments, 2)
	var shown, samples int
	for _, g := range all {
		switch g.FlowID {
		case video.ID:
			require.EqualValues(t, 1, g.LocalID)
			shown++
		case audio.ID:
			require.EqualValues(t, 2, g.LocalID)
			samples += int(g.Audio.Samples)
		}
	}
	require.Equal(t, 4, shown)
	require.Equal(t, 7056, samples)
	refused := b.want(t, http.StatusConflict, multi.ID.String()+"/window?format=raw")
	require.Contains(t, string(refused.body), audio.ID.String())
	member := b.want(t, http.StatusOK, audio.ID.String()+"/window?format=wav")
	sound := b.want(t, http.StatusOK, multi.ID.String()+"/window?format=wav")
	require.True(t, bytes.Equal(member.body, sound.body), "the one member that WAV can hold")
}

func TestForeignObjectsAreNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow := &store.Flow{Flow: *videoFlow()}
	flow.Container = "video/mp2t"
	_, err := b.store.CreateFlow(t.Context(), tenant, "client", flow)
	require.NoError(t, err)
	allocated, err := b.store.AllocateFor(t.Context(), tenant, flow.ID, nil, 1, "video/mp2t")
	require.NoError(t, err)
	require.NoError(t, b.store.PostSegment(t.Context(), tenant, store.PostedSegment{NewSegment: store.NewSegment{
		Segment: store.Segment{FlowID: flow.ID, ObjectID: allocated[0].ID, Range: mediatime.NewRange(0, mediatime.Second)},
		Object:  store.ObjectFacts{Size: 10},
	}}))
	for _, path := range []string{"/window?format=gsf", "/grains/0:0"} {
		refused := b.want(t, http.StatusConflict, flow.ID.String()+path)
		require.Contains(t, string(refused.body), "not_representable")
	}
}

func TestDataStandsAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	flow := &media.Flow{
		ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatData, Codec: "application/json", Container: media.ContainerGSF, Label: "events",
	}
	var o object
	for n := range 5 {
		at := frameRate.Offset(int64(n))
		o.grains = append(o.grains, formats.Grain{Grain: media.Grain{PTS: at, Order: at, Duration: frameRate.Duration(int64(n))}, Data: picture(n)})
	}
	b.put(t, []*media.Flow{flow}, map[uuid.UUID][]object{flow.ID: {o}})
	got := b.want(t, http.StatusOK, flow.ID.String()+"/window?timerange=[0:80000000_0:160000000)&trim=exact")
	_, all := grains(t, got.body)
	require.Equal(t, []int{2, 3}, numbers(t, all))
}
