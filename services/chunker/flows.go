package chunker

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// Tags that every ingested Flow carries.
const (
	tagOrigin = "ingest_origin"
	tagTrack  = "ingest_track"
	tagJob    = "ingest_job"
)

// makeFlows makes a Flow of its own Source for each wanted track, and a multi Flow
// that collects them in order (media rule 26). Ids follow from job, run and track,
// unless the request or the file names them.
func makeFlows(job uuid.UUID, run int32, spec *jobv1.IngestSpec, a *formats.Analysis) (*flowSet, error) {
	tracks, err := wantedTracks(spec, a)
	if err != nil {
		return nil, err
	}
	shift, err := originOf(spec.GetOrigin(), a, tracks)
	if err != nil {
		return nil, err
	}
	set := &flowSet{byTrack: map[int]*media.Flow{}, shift: shift, wanted: mediatime.Eternity}
	if text := spec.GetTimerange(); text != "" {
		r, err := mediatime.ParseRange(text)
		if err != nil {
			return nil, fault.Wrap(fault.TimeOutOfRange, err)
		}
		if err := checkWanted(r, tracks); err != nil {
			return nil, err
		}
		set.wanted = r.Shift(shift)
	}
	m := maker{job: job, run: run, spec: spec, now: time.Now().UTC()}
	multi := m.flow("multi", media.FormatMulti, uuid.Nil, uuid.Nil)
	multi.Label = cmp.Or(spec.GetLabel(), lastElement(spec.GetUrl()))
	for _, t := range tracks {
		flow := m.track(t, shift, multi.Label)
		flow.Tags[media.TagPlanned] = []string{t.Range.Shift(shift).Intersect(set.wanted).String()}
		set.byTrack[t.Number] = flow
		set.ordered = append(set.ordered, flow)
		multi.Collection = append(multi.Collection, media.Member{FlowID: flow.ID, Role: role(flow.Format, len(multi.Collection), tracks)})
		multi.StartTimecode = cmp.Or(multi.StartTimecode, flow.StartTimecode)
	}
	set.ordered = append(set.ordered, multi)
	return set, nil
}

// checkWanted refuses a range in which nothing lies. What tracks cover is known before
// they are planned, or else unknown of all.
func checkWanted(wanted mediatime.Range, tracks []formats.Track) error {
	var covered mediatime.Range
	for _, t := range tracks {
		if t.Range.IsEmpty() || !t.Range.Intersect(wanted).IsEmpty() {
			return nil
		}
		covered = covered.Union(t.Range)
	}
	return fault.Newf(fault.NoEssence, "nothing of it lies in the range %s, it covers %s", wanted, covered)
}

// wantedTracks picks the tracks to take, or says which cannot be.
func wantedTracks(spec *jobv1.IngestSpec, a *formats.Analysis) ([]formats.Track, error) {
	var wanted []formats.Track
	missing := map[int32]bool{}
	for _, number := range spec.GetTracks() {
		missing[number] = true
	}
	for _, t := range a.Tracks {
		named := missing[int32(t.Number)]
		delete(missing, int32(t.Number))
		if len(spec.GetTracks()) > 0 && !named {
			continue
		}
		if t.Skipped != "" && (named || spec.GetStrict()) {
			return nil, fault.Newf(fault.UnsupportedFile, "track %d cannot be ingested: %s", t.Number, t.Skipped)
		}
		if t.Skipped == "" {
			wanted = append(wanted, t)
		}
	}
	if len(missing) > 0 {
		return nil, fault.Newf(fault.InvalidArgument, "the file has no track %d", slices.Min(slices.Collect(maps.Keys(missing))))
	}
	return wanted, nil
}

// originOf returns what to add to the file's own times (media rule 2).
func originOf(o *jobv1.Origin, a *formats.Analysis, tracks []formats.Track) (mediatime.Time, error) {
	switch o.GetKind() {
	case jobv1.OriginKind_ORIGIN_KIND_EXPLICIT:
		return mediatime.Parse(o.GetTime())
	case jobv1.OriginKind_ORIGIN_KIND_CREATION_TIME:
		if a.CreationTime == 0 {
			return 0, fault.New(fault.InvalidArgument, "the origin is to be the creation time, and the file has none")
		}
		return mediatime.FromUTC(time.Unix(0, a.CreationTime))
	case jobv1.OriginKind_ORIGIN_KIND_TIMECODE:
		return timecodeOrigin(o.GetDate(), tracks)
	default:
		return 0, nil
	}
}

func timecodeOrigin(date string, tracks []formats.Track) (mediatime.Time, error) {
	midnight := mediatime.Time(0)
	if date != "" {
		day, err := time.Parse(time.DateOnly, date)
		if err != nil {
			return 0, fault.Newf(fault.InvalidArgument, "date of the origin: %w", err)
		}
		if midnight, err = mediatime.FromUTC(day); err != nil {
			return 0, fault.Wrap(fault.TimeOutOfRange, err)
		}
	}
	for _, t := range tracks {
		if t.Flow.StartTimecode != "" {
			tc, err := mediatime.ParseTimecode(t.Flow.StartTimecode, t.Flow.GrainRate)
			return midnight + tc.Offset(), err
		}
	}
	return 0, fault.New(fault.InvalidArgument, "the origin is to be the start timecode, and the file has none")
}

// maker makes the Flows of one run.
type maker struct {
	job  uuid.UUID
	run  int32
	spec *jobv1.IngestSpec
	now  time.Time
}

// flow makes a Flow whose ids follow from its name within the run.
func (m *maker) flow(name string, format media.Format, id, source uuid.UUID) *media.Flow {
	if id == uuid.Nil {
		id = uuid.NewSHA1(m.job, fmt.Appendf(nil, "%d/%s", m.run, name))
	}
	if source == uuid.Nil {
		source = uuid.NewSHA1(m.job, fmt.Appendf(nil, "%d/%s/source", m.run, name))
	}
	return &media.Flow{
		ID: id, SourceID: source, Format: format, Status: media.StatusIngesting, JobID: m.job.String(), Created: m.now,
		Tags: media.TagsFromProto(m.spec.GetTags()),
	}
}

// track completes what the analyser found of a track.
func (m *maker) track(t formats.Track, shift mediatime.Time, label string) *media.Flow {
	number := int32(t.Number)
	id, source := t.GivenFlow, t.GivenSource
	if m.spec.GetNewIds() {
		id, source = uuid.Nil, uuid.Nil
	}
	id = cmp.Or(parsed(m.spec.GetFlowIds()[number]), id)
	source = cmp.Or(parsed(m.spec.GetSourceIds()[number]), source)
	made := m.flow("track/"+strconv.Itoa(t.Number), t.Flow.Format, id, source)

	flow := *t.Flow
	flow.ID, flow.SourceID, flow.Status, flow.JobID, flow.Created = made.ID, made.SourceID, made.Status, made.JobID, made.Created
	flow.Label = cmp.Or(flow.Label, label)
	flow.Tags = maps.Clone(flow.Tags)
	if flow.Tags == nil {
		flow.Tags = media.Tags{}
	}
	maps.Copy(flow.Tags, made.Tags)
	flow.Tags[tagOrigin] = []string{shift.String()}
	flow.Tags[tagTrack] = []string{strconv.Itoa(t.Number)}
	flow.Tags[tagJob] = []string{m.job.String()}
	return &flow
}

// parsed reads an id that was checked when the job was taken; "" is the nil id.
func parsed(text string) uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil
	}
	return id
}

// role names a member of the multi Flow: "video", "audio", and "audio 2" for the
// next of its kind.
func role(format media.Format, position int, tracks []formats.Track) string {
	name := string(format[strings.LastIndexByte(string(format), ':')+1:])
	same := 1
	for _, t := range tracks[:position] {
		if t.Flow.Format == format {
			same++
		}
	}
	if same > 1 {
		return name + " " + strconv.Itoa(same)
	}
	return name
}

// lastElement returns what a URL's file is called, without query and fragment, which
// may hold secrets.
func lastElement(url string) string {
	if end := strings.IndexAny(url, "?#"); end >= 0 {
		url = url[:end]
	}
	return url[strings.LastIndexByte(url, '/')+1:]
}
