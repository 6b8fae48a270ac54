package mp4

import (
	"context"
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/h264"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/pcm"
)

// planTrack is a track on its way into chunks.
type planTrack struct {
	state  *trackState
	layout pcm.Layout
	source source
	unit   *unit // the next
}

// Plan implements [formats.Format].
func (Format) Plan(ctx context.Context, in formats.Input, req *formats.PlanRequest, emit func(*formats.Chunk) error) error {
	state, err := parseState(req.Analysis.State)
	if err != nil {
		return err
	}
	movie, err := isobmff.ReadMovie(in)
	if err != nil {
		return fmt.Errorf("reading the index: %w", err)
	}
	p := planner{in: in, req: req, sizes: req.Sizes, emit: emit, feed: newFeed(in, movie)}
	for i, t := range movie.Tracks {
		ts := state.track(i + 1)
		if flow := req.Flows[i+1]; flow != nil && ts != nil {
			if err := p.open(t, ts, flow); err != nil {
				return err
			}
		}
	}
	return p.run(ctx)
}

type planner struct {
	in     formats.Input
	req    *formats.PlanRequest
	sizes  formats.Sizes
	emit   func(*formats.Chunk) error
	feed   *feed
	tracks []*planTrack
	number int
	chunk  *draft
}

func (p *planner) open(t *isobmff.Track, state *trackState, flow *media.Flow) error {
	pt := &planTrack{state: state}
	clip := state.presented().Intersect(p.req.Range.Shift(-p.req.Shift))
	c := &clipper{kind: state.Kind, clip: clip}
	feed := p.feed.open(t)
	switch state.Kind {
	case kindH264:
		isRAP, err := p.rapTest(flow)
		if err != nil {
			return fmt.Errorf("track %d: %w", state.Number, err)
		}
		c.isRAP = isRAP
		c.source = &videoSource{feed: feed, state: state, sizes: p.sizes, isRAP: isRAP}
	case kindAAC:
		limit := maxAudioRun
		if p.sizes.Grains > 0 {
			limit = min(limit, p.sizes.Grains)
		}
		c.source = &audioSource{feed: feed, state: state, limit: limit}
	case kindPCM:
		format, ok := t.Entries[0].PCM()
		if !ok {
			return fault.Newf(fault.SourceChanged, "track %d is no longer PCM", state.Number)
		}
		pt.layout = layoutOf(&format)
		c.source = &pcmSource{
			feed: feed, state: state, frameBytes: pt.layout.FrameBytes(), limit: state.Clock.Timescale,
			perGrain: pt.layout.SamplesPerGrain(), grains: int64(p.sizes.Grains),
		}
	}
	pt.source = c
	if !clip.IsEmpty() {
		p.tracks = append(p.tracks, pt)
	}
	return nil
}

// rapTest returns a function that looks at the start of a picture. What it
// cannot read is no random access point.
func (p *planner) rapTest(flow *media.Flow) (func(*isobmff.Sample) bool, error) {
	type config struct {
		parser     *h264.Parser
		lengthSize int
	}
	configs := make([]config, len(flow.Configs))
	for i := range flow.Configs {
		parser, c, err := newParser(&flow.Configs[i])
		if err != nil {
			return nil, err
		}
		configs[i] = config{parser, c.LengthSize}
	}
	return func(s *isobmff.Sample) bool {
		if s.Description >= len(configs) {
			return false
		}
		c := configs[s.Description]
		pic, err := peek(p.in, c.parser, s, c.lengthSize)
		return err == nil && pic.RAP(s.Sync) != h264.RAPNone
	}, nil
}

// run merges the tracks in the order of their bytes.
func (p *planner) run(ctx context.Context) error {
	for _, t := range p.tracks {
		if err := t.advance(); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		first := p.first()
		if first == nil {
			return p.flush()
		}
		if p.chunk != nil && p.chunk.full(first, &p.sizes) {
			if err := p.flush(); err != nil {
				return err
			}
		}
		if p.chunk == nil {
			p.chunk = &draft{start: first.unit.segment.Start, end: first.unit.segment.End, from: first.unit.offset, to: first.unit.end}
		}
		p.chunk.add(first)
		if err := first.advance(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// first returns the track whose next unit comes first in the file, nil after the
// last unit of all.
func (p *planner) first() *planTrack {
	var first *planTrack
	for _, t := range p.tracks {
		if t.unit != nil && (first == nil || t.unit.offset < first.unit.offset) {
			first = t
		}
	}
	return first
}

func (t *planTrack) advance() error {
	u, err := t.source.next()
	if err != nil {
		return fmt.Errorf("planning track %d: %w", t.state.Number, err)
	}
	t.unit = u
	return nil
}

// draft is the chunk being gathered.
type draft struct {
	tracks     []*draftTrack
	bytes      int64
	from, to   int64
	videoTo    int64
	start, end mediatime.Time
}

type draftTrack struct {
	*planTrack
	units []*unit
}

// full says whether the chunk shall end before the unit. It ends where a run of
// video begins, or where no video is open, unless it gets too large.
func (d *draft) full(next *planTrack, sizes *formats.Sizes) bool {
	u := next.unit
	if d.bytes+u.bytes > sizes.MaxChunkBytes {
		return true
	}
	if d.bytes < sizes.ChunkBytes || d.end-d.start < sizes.ChunkDuration {
		return false
	}
	return next.state.Kind == kindH264 || u.offset >= d.videoTo
}

func (d *draft) add(t *planTrack) {
	var dt *draftTrack
	for _, have := range d.tracks {
		if have.planTrack == t {
			dt = have
		}
	}
	if dt == nil {
		dt = &draftTrack{planTrack: t}
		d.tracks = append(d.tracks, dt)
	}
	u := t.unit
	dt.units = append(dt.units, u)
	d.bytes += u.bytes
	d.from, d.to = min(d.from, u.offset), max(d.to, u.end)
	d.start, d.end = min(d.start, u.segment.Start), max(d.end, u.segment.End)
	if t.state.Kind == kindH264 {
		d.videoTo = max(d.videoTo, u.end)
	}
}

// flush emits the chunk.
func (p *planner) flush() error {
	d := p.chunk
	p.chunk = nil
	if d == nil {
		return nil
	}
	c := &formats.Chunk{Number: p.number, Start: d.from, End: d.to}
	var state chunkState
	for _, t := range d.tracks {
		part := chunkTrack{trackState: *t.state, Shift: p.req.Shift, Layout: t.layout}
		clip := t.state.presented().Intersect(p.req.Range.Shift(-p.req.Shift))
		part.objects = t.group(&p.sizes, clip)
		if len(part.objects) == 0 {
			continue
		}
		state.Tracks = append(state.Tracks, part)
		last := part.objects[len(part.objects)-1]
		c.Tracks = append(c.Tracks, formats.ChunkTrack{
			Number: t.state.Number, Flow: p.req.Flows[t.state.Number].ID, Objects: len(part.objects),
			Range: mediatime.NewRange(part.objects[0].Segment.Start, last.Segment.End).Shift(p.req.Shift),
		})
	}
	if len(c.Tracks) == 0 {
		return nil
	}
	var err error
	if c.State, err = state.pack(); err != nil {
		return err
	}
	p.number++
	return p.emit(c)
}

// group makes objects of units: one each for video, as many as fit for audio.
func (t *draftTrack) group(sizes *formats.Sizes, clip mediatime.Range) []object {
	var objects []object
	var open *unit
	flush := func() {
		if open == nil {
			return
		}
		open.Segment = open.segment.Intersect(clip)
		objects = append(objects, open.object)
		open = nil
	}
	for _, u := range t.units {
		if open != nil && t.endsBefore(open, u, sizes, clip) {
			flush()
		}
		if open == nil {
			open = u
		} else {
			open.join(u)
		}
	}
	flush()
	// What shows nothing has no place on the time line.
	if n := len(objects); n > 0 && objects[n-1].Segment.IsEmpty() {
		objects = objects[:n-1]
	}
	return objects
}

func (t *draftTrack) endsBefore(open, next *unit, sizes *formats.Sizes, clip mediatime.Range) bool {
	if open.segment.Intersect(clip).IsEmpty() || next.segment.Intersect(clip).IsEmpty() {
		return false
	}
	if t.state.Kind == kindH264 || sizes.Grains > 0 {
		return true
	}
	stored := open.bytes + next.bytes
	if t.state.Kind == kindPCM {
		stored = (open.Count + next.Count) * t.layout.StoredFrameBytes()
	}
	return stored > sizes.AudioObject || next.segment.End-open.segment.Start > sizes.AudioDuration
}
