package ingest_test

import (
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// edit changes the spec of a request.
func edit(f func(s *jobv1.IngestSpec)) func(r *jobv1.CreateJobRequest) {
	return func(r *jobv1.CreateJobRequest) { f(r.GetSpec()) }
}

func withURL(url string) func(r *jobv1.CreateJobRequest) {
	return edit(func(s *jobv1.IngestSpec) { s.Url = url })
}

func tags(n, size int) map[string]*mediav1.TagValues {
	out := map[string]*mediav1.TagValues{}
	for i := range n {
		out["tag "+strconv.Itoa(i)] = &mediav1.TagValues{Values: []string{strings.Repeat("v", size)}}
	}
	return out
}

// refused are requests that make no sense, with the code and part of the message.
type refused struct {
	change func(r *jobv1.CreateJobRequest)
	code   fault.Code
	text   string
}

const uuidV7 = "01890a5d-ac96-774b-bcce-b302099a8057"

func badURLs() map[string]refused {
	return map[string]refused{
		"no spec":        {func(r *jobv1.CreateJobRequest) { r.Spec = nil }, fault.InvalidArgument, "spec is missing"},
		"no url":         {withURL(""), fault.InvalidArgument, "spec.url is empty"},
		"url too long":   {withURL("https://a/" + strings.Repeat("x", 8192)), fault.InvalidArgument, "8202 bytes, at most 8192"},
		"url unreadable": {withURL("https://user:hush@media.example/%zz"), fault.InvalidArgument, "cannot be read"},
		"file url":       {withURL("file:///etc/passwd"), fault.InvalidArgument, `scheme "file", want http, https or s3`},
		"no scheme":      {withURL("media.example/film.wav"), fault.InvalidArgument, `scheme ""`},
		"no host":        {withURL("https:///film.wav"), fault.InvalidArgument, "names no host"},
		"unknown type":   {edit(func(s *jobv1.IngestSpec) { s.MimeType = "application/x-nothing" }), fault.UnknownMIMEType, "application/x-nothing"},
	}
}

func badTexts() map[string]refused {
	return map[string]refused{
		"long key":   {func(r *jobv1.CreateJobRequest) { r.IdempotencyKey = strings.Repeat("k", 257) }, fault.InvalidArgument, "idempotency_key has 257 bytes, at most 256"},
		"zero key":   {func(r *jobv1.CreateJobRequest) { r.IdempotencyKey = "a\x00b" }, fault.InvalidArgument, "idempotency_key holds a zero byte"},
		"long label": {edit(func(s *jobv1.IngestSpec) { s.Label = strings.Repeat("é", 513) }), fault.InvalidArgument, "spec.label has 1026 bytes, at most 1024"},
		"zero label": {edit(func(s *jobv1.IngestSpec) { s.Label = "\x00" }), fault.InvalidArgument, "spec.label holds a zero byte"},
		"many tags":  {edit(func(s *jobv1.IngestSpec) { s.Tags = tags(101, 1) }), fault.InvalidArgument, "101 tags, at most 100"},
		"large tag":  {edit(func(s *jobv1.IngestSpec) { s.Tags = tags(1, 4096) }), fault.InvalidArgument, `tag "tag 0" has 4101 bytes`},
		"no tag name": {edit(func(s *jobv1.IngestSpec) {
			s.Tags = map[string]*mediav1.TagValues{"": {Values: []string{"v"}}}
		}), fault.InvalidArgument, `tag "" has 1 bytes`},
		"zero tag": {edit(func(s *jobv1.IngestSpec) {
			s.Tags = map[string]*mediav1.TagValues{"mood": {Values: []string{"a", "\x00"}}}
		}), fault.InvalidArgument, `tag "mood" holds a zero byte`},
	}
}

func badTracks() map[string]refused {
	ids := func(text string) func(r *jobv1.CreateJobRequest) {
		return edit(func(s *jobv1.IngestSpec) { s.FlowIds = map[int32]string{2: text} })
	}
	return map[string]refused{
		"track 0":        {edit(func(s *jobv1.IngestSpec) { s.Tracks = []int32{1, 0} }), fault.InvalidArgument, "names track 0"},
		"track twice":    {edit(func(s *jobv1.IngestSpec) { s.Tracks = []int32{3, 3} }), fault.InvalidArgument, "names track 3"},
		"flow id text":   {ids("film"), fault.InvalidArgument, `spec.flow_ids[2] is "film"`},
		"flow id upper":  {ids("6BA7B810-9DAD-41D1-80B4-00C04FD430C8"), fault.InvalidArgument, "lower-case"},
		"flow id braces": {ids("{6ba7b810-9dad-41d1-80b4-00c04fd430c8}"), fault.InvalidArgument, "lower-case"},
		"flow id v7":     {ids(uuidV7), fault.InvalidArgument, "version 1 to 5"},
		"flow id nil":    {ids("00000000-0000-0000-0000-000000000000"), fault.InvalidArgument, "version 1 to 5"},
		"source id": {
			edit(func(s *jobv1.IngestSpec) { s.SourceIds = map[int32]string{1: uuidV7} }),
			fault.InvalidArgument, "spec.source_ids[1]",
		},
	}
}

func badTimes() map[string]refused {
	origin := func(o *jobv1.Origin) func(r *jobv1.CreateJobRequest) {
		return edit(func(s *jobv1.IngestSpec) { s.Origin = o })
	}
	timerange := func(text string) func(r *jobv1.CreateJobRequest) {
		return edit(func(s *jobv1.IngestSpec) { s.Timerange = text })
	}
	return map[string]refused{
		"timerange text":  {timerange("soon"), fault.InvalidArgument, "spec.timerange: "},
		"timerange empty": {timerange("()"), fault.InvalidArgument, `spec.timerange "()" holds no time`},
		"timerange far":   {timerange("[0:0_9300000000:0)"), fault.TimeOutOfRange, "spec.timerange: "},
		"origin date": {
			origin(&jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_TIMECODE, Date: "1.4.2026"}),
			fault.InvalidArgument, `spec.origin.date is "1.4.2026", want YYYY-MM-DD`,
		},
		"origin without time": {origin(&jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_EXPLICIT}), fault.InvalidArgument, "spec.origin.time: "},
		"origin far": {
			origin(&jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_EXPLICIT, Time: "9300000000:0"}),
			fault.TimeOutOfRange, "spec.origin.time: ",
		},
	}
}

func TestRequestsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cases := badURLs()
	maps.Copy(cases, badTexts())
	maps.Copy(cases, badTracks())
	maps.Copy(cases, badTimes())
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := request()
			c.change(r)
			_, err := b.Submit(t.Context(), tenantA, []*jobv1.CreateJobRequest{r})
			requireFault(t, err, c.code, c.text)
			require.NotContains(t, err.Error(), "hush", "a password is told to nobody")
			require.False(t, fault.Of(err).Retryable())
		})
	}
}

func TestRequestsAtTheBounds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.submit(func(r *jobv1.CreateJobRequest) {
		r.IdempotencyKey = strings.Repeat("k", 256)
		r.Spec = &jobv1.IngestSpec{
			Url: "S3://bucket/" + strings.Repeat("x", 8180), MimeType: "Audio/WAV; codecs=1", Label: strings.Repeat("l", 1024),
			Tracks: []int32{2, 1}, Timerange: "[1:0_", Tags: tags(100, 4000),
			FlowIds:   map[int32]string{1: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
			SourceIds: map[int32]string{2: "6ba7b810-9dad-51d1-80b4-00c04fd430c8"},
			Origin:    &jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_TIMECODE, Date: "2024-02-29"},
		}
	})
	b.submit(edit(func(s *jobv1.IngestSpec) {
		s.Origin = &jobv1.Origin{Kind: jobv1.OriginKind_ORIGIN_KIND_EXPLICIT, Time: "-5:0"}
	}))
}
