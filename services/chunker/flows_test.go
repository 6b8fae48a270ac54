package chunker

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

func job() uuid.UUID { return uuid.MustParse("6ba7b810-9dad-41d1-80b4-00c04fd430c8") }

func track(number int, format media.Format) formats.Track {
	return formats.Track{
		Number: number, Range: mediatime.Range{Start: 0, End: 10 * mediatime.Second},
		Flow: &media.Flow{Format: format, Tags: media.Tags{"of_the_file": {"yes"}}},
	}
}

// film has a picture, two sounds, and a track that cannot be ingested.
func film() *formats.Analysis {
	skipped := track(4, media.FormatData)
	skipped.Skipped = "text is not ingested"
	picture := track(1, media.FormatVideo)
	picture.Flow.GrainRate, picture.Flow.StartTimecode = mediatime.NewRate(25, 1), "01:00:00:05"
	return &formats.Analysis{Format: "film", Tracks: []formats.Track{picture, track(2, media.FormatAudio), track(3, media.FormatAudio), skipped}}
}

func spec() *jobv1.IngestSpec {
	return &jobv1.IngestSpec{Url: "https://media.example/a/film.mp4?token=hush#hush"}
}

func TestFlowsOfAFilm(t *testing.T) {
	t.Parallel()
	set, err := makeFlows(job(), 1, spec(), film())
	require.NoError(t, err)
	require.Len(t, set.ordered, 4, "three essences and the multi Flow")
	multi := set.ordered[3]
	require.Equal(t, media.FormatMulti, multi.Format)
	require.Equal(t, "film.mp4", multi.Label)
	require.Equal(t, "01:00:00:05", multi.StartTimecode)
	seen := map[uuid.UUID]bool{}
	var roles []string
	for i, flow := range set.ordered {
		require.Equal(t, media.StatusIngesting, flow.Status)
		require.Equal(t, job().String(), flow.JobID)
		require.NotContains(t, flow.Label, "hush")
		require.False(t, seen[flow.ID] || seen[flow.SourceID], "each Flow is of its own Source")
		seen[flow.ID], seen[flow.SourceID] = true, true
		if flow != multi {
			require.Equal(t, flow.ID, multi.Collection[i].FlowID)
			require.Same(t, flow, set.byTrack[i+1])
			roles = append(roles, multi.Collection[i].Role)
		}
	}
	require.Equal(t, []string{"video", "audio", "audio 2"}, roles)
}

// Two attempts at a plan, by whichever chunker, must make the same Flows.
func TestFlowIDsAreThoseOfJobRunAndTrack(t *testing.T) {
	t.Parallel()
	ids := func(job uuid.UUID, run int32) []uuid.UUID {
		set, err := makeFlows(job, run, spec(), film())
		require.NoError(t, err)
		var out []uuid.UUID
		for _, flow := range set.ordered {
			require.EqualValues(t, 5, flow.ID.Version(), "which TAMS takes")
			out = append(out, flow.ID, flow.SourceID)
		}
		return out
	}
	first := ids(job(), 1)
	require.Equal(t, first, ids(job(), 1))
	for _, other := range [][]uuid.UUID{ids(job(), 2), ids(uuid.New(), 1)} {
		for i := range first {
			require.NotEqual(t, first[i], other[i])
		}
	}
}

func TestTheRequestsIDsGoBeforeTheFiles(t *testing.T) {
	t.Parallel()
	analysis, asked := film(), uuid.New()
	for i := range analysis.Tracks {
		analysis.Tracks[i].GivenFlow, analysis.Tracks[i].GivenSource = uuid.New(), uuid.New()
	}
	s := spec()
	s.FlowIds = map[int32]string{2: asked.String()}
	s.SourceIds = map[int32]string{2: asked.String()}
	set, err := makeFlows(job(), 1, s, analysis)
	require.NoError(t, err)
	require.Equal(t, asked, set.byTrack[2].ID)
	require.Equal(t, asked, set.byTrack[2].SourceID)
	require.Equal(t, analysis.Tracks[0].GivenFlow, set.byTrack[1].ID)
	require.Equal(t, analysis.Tracks[0].GivenSource, set.byTrack[1].SourceID)

	s.NewIds = true
	set, err = makeFlows(job(), 1, s, analysis)
	require.NoError(t, err)
	require.Equal(t, asked, set.byTrack[2].ID, "what the request names stays")
	require.NotEqual(t, analysis.Tracks[0].GivenFlow, set.byTrack[1].ID)
	require.NotEqual(t, analysis.Tracks[0].GivenSource, set.byTrack[1].SourceID)
}

func TestTags(t *testing.T) {
	t.Parallel()
	analysis, s := film(), spec()
	s.Tags = map[string]*mediav1.TagValues{"mood": {Values: []string{"calm", "dark"}}, "of_the_file": {Values: []string{"no"}}}
	s.Origin = &jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_EXPLICIT, Time: "100:0"}
	s.Timerange = "[2:0_4:0)"
	set, err := makeFlows(job(), 1, s, analysis)
	require.NoError(t, err)
	tags := set.byTrack[2].Tags
	require.Equal(t, []string{"calm", "dark"}, tags["mood"])
	require.Equal(t, []string{"no"}, tags["of_the_file"], "the request's word is the last")
	require.Equal(t, []string{"100:0"}, tags[tagOrigin])
	require.Equal(t, []string{"2"}, tags[tagTrack])
	require.Equal(t, []string{job().String()}, tags[tagJob])
	require.Equal(t, []string{"[102:0_104:0)"}, tags[media.TagPlanned])
	require.Equal(t, "[102:0_104:0)", set.wanted.String())
	require.Equal(t, []string{"yes"}, analysis.Tracks[1].Flow.Tags["of_the_file"], "the analysis stays as it was")
}

// A range beside the file is refused, with what the file covers.
func TestRangeOutsideTheFile(t *testing.T) {
	t.Parallel()
	s := spec()
	s.Timerange = "[100:0_200:0)"
	_, err := makeFlows(job(), 1, s, film())
	require.Equal(t, fault.NoEssence, fault.Of(err).Code, "%v", err)
	require.ErrorContains(t, err, "[100:0_200:0), it covers [0:0_")
}

func TestTracksThatAreAskedFor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tracks []int32
		strict bool
		want   int
		code   fault.Code
		text   string
	}{
		"all that can be":       {nil, false, 3, "", ""},
		"one":                   {[]int32{2}, false, 1, "", ""},
		"one, strictly":         {[]int32{2}, true, 1, "", ""},
		"all, strictly":         {nil, true, 0, fault.UnsupportedFile, "track 4 cannot be ingested: text is not ingested"},
		"one that cannot be":    {[]int32{1, 4}, false, 0, fault.UnsupportedFile, "track 4 cannot be ingested"},
		"some that are missing": {[]int32{9, 1, 7}, false, 0, fault.InvalidArgument, "the file has no track 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := spec()
			s.Tracks, s.Strict = c.tracks, c.strict
			set, err := makeFlows(job(), 1, s, film())
			if c.code != "" {
				require.Error(t, err)
				require.Equal(t, c.code, fault.Of(err).Code)
				require.ErrorContains(t, err, c.text)
				return
			}
			require.NoError(t, err)
			require.Len(t, set.byTrack, c.want)
			require.Len(t, set.ordered[c.want].Collection, c.want)
		})
	}
}

func TestOrigins(t *testing.T) {
	t.Parallel()
	day, err := mediatime.FromUTC(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC))
	require.NoError(t, err)
	made := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	tai, err := mediatime.FromUTC(made)
	require.NoError(t, err)
	timecode := 3600*mediatime.Second + mediatime.Second/5 // 01:00:00:05 at 25 frames a second
	for name, c := range map[string]struct {
		origin *jobv1.Origin
		want   mediatime.Time
	}{
		"none":              {nil, 0},
		"zero":              {&jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_ZERO}, 0},
		"explicit":          {&jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_EXPLICIT, Time: "-5:1"}, -5*mediatime.Second - 1},
		"creation time":     {&jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_CREATION_TIME}, tai},
		"timecode":          {&jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_TIMECODE}, timecode},
		"timecode of a day": {&jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_TIMECODE, Date: "2024-02-29"}, day + timecode},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			analysis, s := film(), spec()
			analysis.CreationTime, s.Origin = made.UnixNano(), c.origin
			set, err := makeFlows(job(), 1, s, analysis)
			require.NoError(t, err)
			require.Equal(t, c.want, set.shift)
		})
	}
}

func TestOriginsThatTheFileLacks(t *testing.T) {
	t.Parallel()
	analysis := film()
	analysis.Tracks = analysis.Tracks[1:] // the timecode was the picture's
	for text, origin := range map[string]*jobv1.Origin{
		"to be the creation time, and the file has none":  {Kind: jobv1.OriginKind_ORIGIN_KIND_CREATION_TIME},
		"to be the start timecode, and the file has none": {Kind: jobv1.OriginKind_ORIGIN_KIND_TIMECODE},
	} {
		s := spec()
		s.Origin = origin
		_, err := makeFlows(job(), 1, s, analysis)
		require.True(t, fault.Is(err, fault.InvalidArgument))
		require.ErrorContains(t, err, text)
	}
	s := spec()
	s.Origin = &jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_TIMECODE, Date: "2500-01-01"}
	_, err := makeFlows(job(), 1, s, film())
	require.True(t, fault.Is(err, fault.TimeOutOfRange), "%v", err)
}

func TestTheLabelOfTheRequest(t *testing.T) {
	t.Parallel()
	s := spec()
	s.Label = "Night"
	set, err := makeFlows(job(), 1, s, film())
	require.NoError(t, err)
	for _, flow := range set.ordered {
		require.Equal(t, "Night", flow.Label)
	}
}

func TestWhatAFileIsCalled(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://media.example/a/film.mp4":           "film.mp4",
		"https://media.example/film.mp4?token=a/b":   "film.mp4",
		"https://media.example/film.mp4#token=a/b":   "film.mp4",
		"s3://bucket/uploads/acme/7/A film (1).mov":  "A film (1).mov",
		"https://media.example/":                     "",
		"https://media.example/film.mp4#hush?hush=1": "film.mp4",
	} {
		require.Equal(t, want, lastElement(url))
	}
}
