package origin_test

import (
	"cmp"
	"encoding/binary"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/formats/mp4"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// frame is a decoded picture.
type frame struct {
	at   float64 // seconds
	hash string
}

// seen decodes the pictures of a playlist and returns those that stay longer than a
// millisecond.
func seen(t *testing.T, url string) []frame {
	t.Helper()
	out := mediatest.FFmpeg(t, "-copyts", "-i", url, "-map", "0:v:0", "-fps_mode", "passthrough", "-enc_time_base", "1:1000000", "-f", "framemd5", "-")
	var frames []frame
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, ",")
		pts, err := strconv.ParseInt(strings.TrimSpace(fields[2]), 10, 64)
		require.NoError(t, err)
		frames = append(frames, frame{float64(pts) / 1e6, strings.TrimSpace(fields[len(fields)-1])})
	}
	slices.SortStableFunc(frames, func(a, b frame) int { return cmp.Compare(a.at, b.at) })
	var stay []frame
	for i, f := range frames {
		if i+1 == len(frames) || frames[i+1].at-f.at > 0.001 {
			stay = append(stay, f)
		}
	}
	return stay
}

func TestAPartThatBeginsInsideAGroupShowsOnlyItsPictures(t *testing.T) {
	t.Parallel()
	path := film(t, "in.mp4", "-g", "50", "-preset", "veryfast", "-bf", "3")
	all := mediatest.FrameHashes(t, path, "v")
	for _, part := range [][2]int64{{83, 293}, {50, 150}, {99, 103}, {120, 121}} {
		b := newBench(t, nil)
		rate := mediatime.NewRate(25, 1)
		in := b.store.beginRange(t, mp4.Format{}, path, smallSizes(), mediatime.NewRange(rate.Offset(part[0]), rate.Offset(part[1])))
		b.store.readAll(t, in)
		frames := seen(t, b.play(t, in.multi.ID))
		require.Len(t, frames, int(part[1]-part[0]), "%v", part)
		for i, f := range frames {
			// Where the last picture refers to one after it, ffmpeg gives both new times,
			// by its own guess, for they leave its decoder in another order.
			if i+1 < len(frames) || part[1]%50 == 0 {
				require.Equal(t, all[int(part[0])+i], f.hash, "picture %d of %v", i, part)
			}
			require.InDelta(t, float64(i)/25, f.at, 0.003, "picture %d of %v", i, part)
		}
	}
}

func TestAChangedSampleEntryIsADiscontinuityEverywhere(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	path := film(t, "in.mp4", "-g", "50", "-preset", "veryfast")
	in := b.store.ingest(t, mp4.Format{}, path, smallSizes())
	// From a random access point at 6 s on, the same sample entry by another name.
	video := in.flows[1]
	b.store.mu.Lock()
	video.Configs = append(video.Configs, video.Configs[0])
	for _, s := range b.store.segments[video.ID] {
		for i := range s.index {
			if s.index[i].Order >= 6*mediatime.Second {
				s.index[i].Config = 1
			}
		}
	}
	b.store.mu.Unlock()
	url := b.play(t, in.multi.ID)
	for _, f := range in.flows {
		_, playlist := get(t, strings.Replace(url, "main.m3u8", f.ID.String()+"/media.m3u8", 1))
		require.Equal(t, 1, strings.Count(playlist, "#EXT-X-DISCONTINUITY\n"), f.Codec)
		maps := strings.Count(playlist, "#EXT-X-MAP")
		require.Equal(t, map[bool]int{true: 2, false: 1}[f.ID == video.ID], maps, f.Codec)
	}
	require.Equal(t, mediatest.FrameHashes(t, path, "v"), mediatest.FrameHashes(t, url, "v"))
}

func TestAByteStreamWithoutSampleEntryPlays(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	path := film(t, "in.mp4", "-g", "50", "-preset", "veryfast")
	in := b.store.ingest(t, mp4.Format{}, path, smallSizes())
	b.store.mu.Lock()
	in.flows[1].Configs = nil
	for _, s := range b.store.segments[in.flows[1].ID] {
		for i := range s.index {
			s.index[i].Injected = 0
		}
	}
	b.store.mu.Unlock()
	url := b.play(t, in.multi.ID)
	_, main := get(t, url)
	require.Contains(t, main, `CODECS="avc3.`)
	require.Equal(t, mediatest.FrameHashes(t, path, "v"), mediatest.FrameHashes(t, url, "v"))
}

func TestQuickTimeSoundGetsASampleEntryThatBrowsersTake(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	path := film(t, "in.mov", "-g", "50")
	in := b.store.ingest(t, mp4.Format{}, path, smallSizes())
	url := b.play(t, in.multi.ID)
	_, head := get(t, strings.Replace(url, "main.m3u8", in.flows[2].ID.String()+"/init-0.mp4", 1))
	at := strings.Index(head, "mp4a")
	require.Zero(t, binary.BigEndian.Uint16([]byte(head[at+12:])), "version of the sample entry")
	require.Equal(t, samples(t, path, "s16le"), samplesAfter(t, url, 1024))
}

// samplesAfter hashes the sound of a playlist without samples at its start, which
// ffmpeg presents before time 0.
func samplesAfter(t *testing.T, url string, skip int) string {
	t.Helper()
	return hashOf(mediatest.FFmpeg(t, "-i", url, "-map", "0:a:0", "-f", "s16le", "-")[2*skip:])
}

func TestAFlowThatWasChangedIsPlannedAnew(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, mp4.Format{}, film(t, "in.mp4", "-g", "50"), smallSizes())
	url := b.play(t, in.multi.ID)
	list := strings.Replace(url, "main.m3u8", in.flows[1].ID.String()+"/media.m3u8", 1)
	_, before := get(t, list)
	b.store.mu.Lock()
	segments := b.store.segments[in.flows[1].ID]
	b.store.segments[in.flows[1].ID] = segments[:len(segments)/2]
	in.flows[1].Timerange.End, in.flows[1].Updated = segments[len(segments)/2-1].r.End, time.Unix(1800000000, 0)
	b.store.mu.Unlock()
	_, after := get(t, list)
	require.Less(t, strings.Count(after, "#EXTINF"), strings.Count(before, "#EXTINF"))
}

func TestAMissingObjectIsOurFault(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, mp4.Format{}, film(t, "in.mp4", "-g", "50"), smallSizes())
	url := b.play(t, in.multi.ID)
	b.store.mu.Lock()
	clear(b.store.objects)
	b.store.mu.Unlock()
	status, body := get(t, strings.Replace(url, "main.m3u8", in.flows[1].ID.String()+"/0.m4s", 1))
	require.Equal(t, http.StatusServiceUnavailable, status, body)
	require.NotContains(t, body, b.store.server.URL, "signed URLs do not leave the mesh")
}

// What an index claims is not allocated: a panic beside the request would end the process.
func TestAnIndexThatClaimsTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, mp4.Format{}, film(t, "in.mp4", "-g", "50"), smallSizes())
	url := b.play(t, in.multi.ID)
	b.store.mu.Lock()
	for _, s := range b.store.segments[in.flows[1].ID] {
		s.index[len(s.index)-1].Size = 1 << 60
	}
	b.store.mu.Unlock()
	status, body := get(t, strings.Replace(url, "main.m3u8", in.flows[1].ID.String()+"/0.m4s", 1))
	require.Equal(t, http.StatusInternalServerError, status, body)
}

func TestMembersThatAreGoneAreLeftOut(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, mp4.Format{}, film(t, "in.mp4", "-g", "50"), smallSizes())
	b.store.mu.Lock()
	in.multi.Collection = append([]media.Member{{FlowID: uuid.New()}}, in.multi.Collection...)
	b.store.mu.Unlock()
	status, _ := get(t, b.play(t, in.multi.ID))
	require.Equal(t, http.StatusOK, status)
}
