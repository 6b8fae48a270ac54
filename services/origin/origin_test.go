package origin_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats/mp4"
	"github.com/grainmesh/grainmesh/pkg/formats/wav"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// samples decodes all audio of a file or playlist to raw samples and hashes them.
func samples(t *testing.T, input, format string) string {
	t.Helper()
	return hashOf(mediatest.FFmpeg(t, "-i", input, "-map", "0:a:0", "-f", format, "-"))
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// film makes a file with pictures and sound.
func film(t *testing.T, name string, args ...string) string {
	t.Helper()
	all := append([]string{
		"-f", "lavfi", "-i", "testsrc2=s=192x108:r=25:d=12", "-f", "lavfi", "-i", "sine=440:d=12:r=48000",
		"-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-b:a", "96k",
	}, args...)
	return mediatest.Make(t, name, all...)
}

func TestRawAudioPlaysBitForBit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ codec, rate, channels, format string }{
		"16 bit stereo":  {"pcm_s16le", "48000", "2", "s16le"},
		"24 bit mono":    {"pcm_s24le", "44100", "1", "s24le"},
		"24 bit six":     {"pcm_s24le", "48000", "6", "s24le"},
		"16 bit at 96 k": {"pcm_s16le", "96000", "2", "s16le"},
		"odd rate":       {"pcm_s16le", "11025", "2", "s16le"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			path := mediatest.Make(t, "in.wav", "-f", "lavfi", "-i", "aevalsrc=sin(440*2*PI*t)*0.4+0.01*random(0):d=13.37:s="+c.rate,
				"-ac", c.channels, "-c:a", c.codec)
			in := b.store.ingest(t, wav.Format{}, path, smallSizes())
			require.Equal(t, samples(t, path, c.format), samples(t, b.play(t, in.multi.ID), c.format))
		})
	}
}

func TestMoreBitsAreBroughtTo24(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"pcm_s32le", "pcm_f32le", "pcm_f64le"} {
		b := newBench(t, nil)
		// Full scale steps of 1/4096 are the same in each.
		path := mediatest.Make(t, "in.wav", "-f", "lavfi", "-i", "aevalsrc=floor(4096*sin(440*2*PI*t))/8192:d=5:s=48000", "-c:a", codec)
		in := b.store.ingest(t, wav.Format{}, path, smallSizes())
		require.Equal(t, samples(t, path, "s24le"), samples(t, b.play(t, in.multi.ID), "s24le"), codec)
	}
}

func TestPicturesPlayAsStored(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"no reordering":    {"-bf", "0", "-g", "50"},
		"closed groups":    {"-preset", "veryfast", "-bf", "3", "-g", "48", "-b_strategy", "0"},
		"open groups":      {"-preset", "veryfast", "-bf", "2", "-g", "25", "-x264-params", "open-gop=1:b-adapt=0"},
		"one group":        {"-preset", "veryfast", "-bf", "2", "-g", "1000"},
		"intra refresh":    {"-bf", "0", "-g", "30", "-x264-params", "intra-refresh=1"},
		"24000/1001":       {"-r", "24000/1001", "-g", "50", "-preset", "veryfast"},
		"source time base": {"-r", "30000/1001", "-video_track_timescale", "1000", "-g", "60"},
		"several slices":   {"-bf", "0", "-g", "50", "-x264-params", "slices=4:aud=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			path := film(t, "in.mp4", args...)
			in := b.store.ingest(t, mp4.Format{}, path, smallSizes())
			url := b.play(t, in.multi.ID)
			require.Equal(t, mediatest.FrameHashes(t, path, "v"), mediatest.FrameHashes(t, url, "v"))
			requireSameTimes(t, path, url)
		})
	}
}

// requireSameTimes checks that packets of sound and pictures are presented at the
// same time as in the file, to the tick of a coarse time base.
func requireSameTimes(t *testing.T, path, url string) {
	t.Helper()
	for _, stream := range []string{"v:0", "a:0"} {
		want, got := times(t, path, stream), times(t, url, stream)
		require.Len(t, got, len(want), stream)
		for i := range want {
			require.InDelta(t, want[i], got[i], 0.0011, "%s %d", stream, i)
		}
	}
}

// times returns when the packets of a stream are presented, in seconds.
func times(t *testing.T, input, stream string) []float64 {
	t.Helper()
	var out []float64
	for _, packet := range mediatest.Packets(t, input, stream) {
		out = append(out, packet.Seconds)
	}
	return out
}

func TestTheSampleEntryPassesVerbatim(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, mp4.Format{}, film(t, "in.mp4"), smallSizes())
	url := b.play(t, in.multi.ID)
	for _, f := range in.flows {
		status, body := get(t, strings.Replace(url, "main.m3u8", f.ID.String()+"/init-0.mp4", 1))
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, body, string(f.Configs[0].SampleEntry))
	}
}

func TestMainPlaylistSaysWhatIsPlayed(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	path := mediatest.Make(t, "in.mov", "-f", "lavfi", "-i", "testsrc2=s=192x108:r=25:d=10", "-f", "lavfi", "-i", "sine=440:d=10:r=48000",
		"-map", "0", "-map", "1", "-map", "1", "-map", "1", "-c:v", "libx264", "-preset", "ultrafast",
		"-c:a:0", "aac", "-c:a:1", "pcm_s16le", "-c:a:2", "pcm_s24be")
	in := b.store.ingest(t, mp4.Format{}, path, smallSizes())
	status, main := get(t, b.play(t, in.multi.ID))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 2, strings.Count(main, "#EXT-X-STREAM-INF:"), main)
	require.Contains(t, main, `CODECS="avc1.42C00B,mp4a.40.2",RESOLUTION=192x108,FRAME-RATE=25.000,AUDIO="audio1"`)
	require.Contains(t, main, `CODECS="avc1.42C00B,fLaC",RESOLUTION=192x108,FRAME-RATE=25.000,AUDIO="audio2"`)
	require.Equal(t, 3, strings.Count(main, "#EXT-X-MEDIA:TYPE=AUDIO"))
	require.Equal(t, 2, strings.Count(main, "DEFAULT=YES"), "one in each group")
	bandwidth, err := strconv.Atoi(regexp.MustCompile(`BANDWIDTH=(\d+)`).FindStringSubmatch(main)[1])
	require.NoError(t, err)
	require.Greater(t, bandwidth, 100_000)
}

func TestExtentsAddUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, mp4.Format{}, film(t, "in.mp4", "-g", "37"), smallSizes())
	url := b.play(t, in.multi.ID)
	for _, f := range in.flows {
		_, playlist := get(t, strings.Replace(url, "main.m3u8", f.ID.String()+"/media.m3u8", 1))
		require.Contains(t, playlist, "#EXT-X-PLAYLIST-TYPE:VOD")
		require.Contains(t, playlist, "#EXT-X-ENDLIST")
		require.Contains(t, playlist, "#EXT-X-TARGETDURATION:12\n")
		require.Contains(t, playlist, "#EXT-X-INDEPENDENT-SEGMENTS")
		sum := 0.0
		for _, m := range regexp.MustCompile(`#EXTINF:([\d.]+),`).FindAllStringSubmatch(playlist, -1) {
			length, err := strconv.ParseFloat(m[1], 64)
			require.NoError(t, err)
			sum += length
		}
		require.InDelta(t, 12, sum, 0.022, f.Codec)
	}
}

func TestOpenGroupsAreNotIndependent(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, mp4.Format{}, film(t, "in.mp4", "-preset", "veryfast", "-bf", "2", "-g", "25", "-x264-params", "open-gop=1:b-adapt=0"), smallSizes())
	url := b.play(t, in.multi.ID)
	_, playlist := get(t, strings.Replace(url, "main.m3u8", in.flows[1].ID.String()+"/media.m3u8", 1))
	require.NotContains(t, playlist, "INDEPENDENT")
}

func TestAGrowingFlowListsWhatIsContiguousInAll(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	path := film(t, "in.mp4", "-g", "25", "-b:v", "3M", "-bf", "0")
	in := b.store.begin(t, mp4.Format{}, path, smallSizes())
	require.Greater(t, len(in.chunks), 3)
	url := b.play(t, in.multi.ID)

	status, _ := get(t, url)
	require.Equal(t, http.StatusServiceUnavailable, status, "nothing is there yet")
	b.store.read(t, in, 1)
	status, _ = get(t, url)
	require.Equal(t, http.StatusServiceUnavailable, status, "the start is missing")

	lists := map[uuid.UUID]string{}
	look := func() (segments int) {
		for _, f := range in.flows {
			status, playlist := get(t, strings.Replace(url, "main.m3u8", f.ID.String()+"/media.m3u8", 1))
			require.Equal(t, http.StatusOK, status)
			require.Contains(t, playlist, "#EXT-X-PLAYLIST-TYPE:EVENT")
			require.NotContains(t, playlist, "ENDLIST")
			require.True(t, strings.HasPrefix(playlist, lists[f.ID]), "what was listed has changed")
			lists[f.ID] = playlist
			segments = strings.Count(playlist, "#EXTINF")
		}
		return segments
	}
	b.store.read(t, in, 0)
	first := look()
	require.Positive(t, first)
	b.store.read(t, in, 3)
	require.Equal(t, first, look(), "chunk 2 is missing")
	for i := range in.chunks {
		if i != 0 && i != 1 && i != 3 {
			b.store.read(t, in, i)
		}
	}
	require.Greater(t, look(), first)
	b.store.close()
	require.Equal(t, mediatest.FrameHashes(t, path, "v"), mediatest.FrameHashes(t, url, "v"))
	for id, list := range lists {
		_, playlist := get(t, strings.Replace(url, "main.m3u8", id.String()+"/media.m3u8", 1))
		_, listed, found := strings.Cut(list, "#EXT-X-MAP")
		require.True(t, found)
		require.Contains(t, playlist, listed, "what was listed has changed")
	}
}

func TestAMissingPartIsAGap(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	path := film(t, "in.mp4", "-g", "25", "-b:v", "3M", "-bf", "0")
	in := b.store.begin(t, mp4.Format{}, path, smallSizes())
	for i := range in.chunks {
		if i != 1 {
			b.store.read(t, in, i)
		}
	}
	b.store.close()
	url := b.play(t, in.multi.ID)
	_, playlist := get(t, strings.Replace(url, "main.m3u8", in.flows[1].ID.String()+"/media.m3u8", 1))
	require.Contains(t, playlist, "#EXT-X-GAP\n")
	require.Contains(t, playlist, "#EXT-X-VERSION:8\n")
	pts := times(t, url, "v:0")
	require.InDelta(t, 11.96, pts[len(pts)-1], 0.001, "media after the gap keeps its time")
}

func TestDeletedFlowsAreGone(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, wav.Format{}, mediatest.Make(t, "in.wav", "-f", "lavfi", "-i", "sine=d=9"), smallSizes())
	url := b.play(t, in.multi.ID)
	status, _ := get(t, url)
	require.Equal(t, http.StatusOK, status)
	b.store.mu.Lock()
	b.store.deleted[in.multi.ID] = true
	b.store.mu.Unlock()
	status, body := get(t, url)
	require.Equal(t, http.StatusGone, status, body)
}

func TestOnlyTheTenantPlaysAFlow(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, wav.Format{}, mediatest.Make(t, "in.wav", "-f", "lavfi", "-i", "sine=d=3"), smallSizes())
	other := b.store.ingest(t, wav.Format{}, mediatest.Make(t, "in.wav", "-f", "lavfi", "-i", "sine=d=3"), smallSizes())
	_, err := b.links(t, "intruder", in.multi.ID)
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)

	url := b.play(t, in.multi.ID)
	status, _ := get(t, strings.Replace(url, in.multi.ID.String(), other.multi.ID.String(), 1))
	require.Equal(t, http.StatusNotFound, status, "a link opens one Flow")
	status, _ = get(t, strings.Replace(url, "main.m3u8", other.multi.Collection[0].FlowID.String()+"/media.m3u8", 1))
	require.Equal(t, http.StatusNotFound, status)

	bare := b.server.URL + "/origin/hls/" + in.multi.ID.String() + "/main.m3u8"
	status, _ = get(t, bare)
	require.Equal(t, http.StatusUnauthorized, status)
	status, _ = get(t, strings.Replace(url, "/hls/e", "/hls/f", 1))
	require.Equal(t, http.StatusUnauthorized, status)
	for who, want := range map[string]int{tenant: http.StatusOK, "intruder": http.StatusNotFound} {
		response, _ := request(t, bare, http.Header{"Authorization": {"Bearer " + b.userToken(t, who)}})
		require.Equal(t, want, response.StatusCode, who)
	}
}

func TestWhatCannotPlaySaysSo(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	hevc := &media.Flow{ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatVideo, Codec: "video/H265", Video: &media.Video{}, Status: media.StatusComplete}
	many := &media.Flow{
		ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatAudio, Codec: media.CodecPCM, Status: media.StatusComplete,
		Audio: &media.Audio{SampleRate: 48000, Channels: 16, BitDepth: 24, UncType: "interleaved"},
	}
	multi := &media.Flow{ID: uuid.New(), SourceID: uuid.New(), Format: media.FormatMulti, Collection: []media.Member{{FlowID: hevc.ID}, {FlowID: many.ID}}}
	for _, f := range []*media.Flow{hevc, many, multi} {
		b.store.put(f)
	}
	response, err := b.links(t, tenant, multi.ID)
	require.NoError(t, err)
	require.Empty(t, response.GetHlsUrl())
	require.Len(t, response.GetUnplayable(), 2)
	require.Contains(t, response.GetUnplayable()[0], "video/H265")
	require.Contains(t, response.GetUnplayable()[1], "16 channels, FLAC has 1 to 8")
}

func TestAnswersCanBeKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, wav.Format{}, mediatest.Make(t, "in.wav", "-f", "lavfi", "-i", "sine=d=9"), smallSizes())
	url := b.play(t, in.multi.ID)
	segment := strings.Replace(url, "main.m3u8", in.flows[1].ID.String()+"/0.m4s", 1)
	response, body := request(t, segment, nil)
	require.Equal(t, http.StatusOK, response.StatusCode)
	require.Equal(t, "audio/mp4", response.Header.Get("Content-Type"))
	require.NotEmpty(t, body)
	again, _ := request(t, segment, http.Header{"If-None-Match": {response.Header.Get("ETag")}})
	require.Equal(t, http.StatusNotModified, again.StatusCode)
	for _, name := range []string{"9.m4s", "-1.m4s", "00.m4s", "init-x.mp4", "init-7.mp5", "other"} {
		status, _ := get(t, strings.Replace(segment, "0.m4s", name, 1))
		require.Equal(t, http.StatusNotFound, status, name)
	}
}

// By a path without a token another user of the same browser may ask next; one with a
// token is only its holder's.
func TestABrowserKeepsOnlyWhatItsPathOpens(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, wav.Format{}, mediatest.Make(t, "in.wav", "-f", "lavfi", "-i", "sine=d=2"), smallSizes())
	linked := strings.TrimSuffix(b.play(t, in.multi.ID), "main.m3u8")
	plain := b.server.URL + "/origin/hls/" + in.multi.ID.String() + "/"
	mine := http.Header{"Authorization": {"Bearer " + b.userToken(t, tenant)}}
	segment := in.flows[1].ID.String() + "/0.m4s"
	for _, test := range []struct{ url, keep, vary string }{
		{plain + segment, "private, no-cache", "Cookie, Authorization"},
		{plain + "main.m3u8", "private, no-cache", "Cookie, Authorization"},
		{linked + segment, "private, max-age=3600", ""},
		{linked + "main.m3u8", "private, no-cache", "Cookie, Authorization"},
	} {
		response, _ := request(t, test.url, mine.Clone())
		require.Equal(t, http.StatusOK, response.StatusCode, test.url)
		require.Equal(t, test.keep, response.Header.Get("Cache-Control"), test.url)
		require.Equal(t, test.vary, response.Header.Get("Vary"), test.url)
	}
	response, _ := request(t, plain+segment, mine.Clone())
	theirs := http.Header{"Authorization": {"Bearer " + b.userToken(t, "other")}, "If-None-Match": {response.Header.Get("ETag")}}
	response, _ = request(t, plain+segment, theirs)
	require.Equal(t, http.StatusNotFound, response.StatusCode, "another tenant is not told that it has it")
}

func TestAFlowKeepsItsOwnTimeLine(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	path := film(t, "in.mp4", "-g", "50", "-preset", "veryfast")
	in := b.store.ingest(t, mp4.Format{}, path, smallSizes())
	// The same content, by reference, on a time line in the year 2023.
	const shift = 1_700_000_000*mediatime.Second + 123_456_789
	b.store.mu.Lock()
	for id, segments := range b.store.segments {
		for i := range segments {
			segments[i].r, segments[i].offset = segments[i].r.Shift(shift), shift
		}
		b.store.flows[id].Timerange = b.store.flows[id].Timerange.Shift(shift)
		b.store.flows[id].Tags = nil
	}
	b.store.mu.Unlock()
	url := b.play(t, in.multi.ID)
	require.Equal(t, mediatest.FrameHashes(t, path, "v"), mediatest.FrameHashes(t, url, "v"))
	requireSameTimes(t, path, url)
}

func TestWhatIsInMemoryOutlivesTheMediaStore(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	in := b.store.ingest(t, wav.Format{}, mediatest.Make(t, "in.wav", "-f", "lavfi", "-i", "sine=d=9"), smallSizes())
	url := b.play(t, in.multi.ID)
	segment := strings.Replace(url, "main.m3u8", in.flows[1].ID.String()+"/0.m4s", 1)
	status, _ := get(t, segment)
	require.Equal(t, http.StatusOK, status)
	b.store.mu.Lock()
	b.store.away = true
	b.store.mu.Unlock()
	status, _ = get(t, segment)
	require.Equal(t, http.StatusOK, status)
	response, _ := request(t, url, nil)
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	require.NotEmpty(t, response.Header.Get("Retry-After"))
}
