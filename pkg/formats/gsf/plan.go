package gsf

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// chunkState is what Plan hands to Read.
type chunkState struct {
	Tracks []track `json:"tracks"`
	Head   head    `json:"head"` // of the file that the chunk's first grain is in
	// Next is when the first grain of each track after the chunk starts, by number;
	// a track without one ends by its own word.
	Next  map[int]mediatime.Time `json:"next,omitempty"`
	Shift mediatime.Time         `json:"shift"`
	Range mediatime.Range        `json:"range"`
	Sizes formats.Sizes          `json:"sizes"`
}

// jumpBytes is how far it must be to the next border to jump there, and how large
// grains may be for it: below, reading all headers costs less than searching.
const jumpBytes = 1 << 20

// Plan implements formats.Format.
func (Format) Plan(ctx context.Context, in formats.Input, req *formats.PlanRequest, emit func(*formats.Chunk) error) error {
	p := &planner{ctx: ctx, in: in, req: req, emit: emit}
	if err := json.Unmarshal(req.Analysis.State, &p.state); err != nil {
		return fmt.Errorf("decode state: %w", err)
	}
	if err := p.prepare(); err != nil {
		return err
	}
	for !p.done {
		if err := p.chunk(); err != nil {
			return err
		}
	}
	if p.number == 0 {
		return fault.Newf(fault.NoEssence, "nothing of the file lies within %s", req.Range)
	}
	return nil
}

// planner goes through a file from border to border.
type planner struct {
	state
	ctx    context.Context //nolint:containedctx // lives as long as one call
	in     formats.Input
	req    *formats.PlanRequest
	emit   func(*formats.Chunk) error
	byFlow tracks
	least  int64 // bytes of a chunk
	scan   *scanner
	number int // of the next chunk
	done   bool

	// ahead are the grains from the present border on, as far as they were scanned.
	ahead []scanned
	ended int64 // where the grains end, once that is known
}

// scanned is a grain, and the header of its file.
type scanned struct {
	info
	header *gsf.Header
}

func (p *planner) prepare() error {
	if err := p.req.CheckShift(); err != nil {
		return err
	}
	p.byFlow = tracksOf(p.Tracks)
	wanted := false
	for _, t := range p.Tracks {
		wanted = wanted || p.wants(&t)
	}
	if !wanted {
		return fault.New(fault.NoEssence, "none of the tracks that are wanted is in the file")
	}
	p.least = p.chunkBytes()
	var err error
	if p.scan, err = scanAt(p.ctx, p.in, p.First, p.Head); err != nil {
		return err
	}
	return p.look()
}

// wants says whether a track is to be read.
func (p *planner) wants(t *track) bool { return !t.Skipped && p.req.Flows[t.Number] != nil }

// chunkBytes returns the least size of a chunk: that of ChunkDuration at the mean
// rate of the file, if it is more than ChunkBytes.
func (p *planner) chunkBytes() int64 {
	var longest mediatime.Range
	for _, t := range p.req.Analysis.Tracks {
		if t.Range.Bounded() {
			longest = longest.Union(t.Range)
		}
	}
	s := &p.req.Sizes
	bytes := s.ChunkBytes
	if length := longest.Length(); length > 0 {
		perSecond := float64(p.in.Size()-p.First) / length.Seconds()
		bytes = max(bytes, int64(min(perSecond*s.ChunkDuration.Seconds(), float64(s.MaxChunkBytes))))
	}
	return max(min(bytes, s.MaxChunkBytes), 1)
}

// look scans one more grain; at the end of the file it sets ended.
func (p *planner) look() error {
	if p.ended != 0 {
		return nil
	}
	g, err := p.scan.next()
	if errors.Is(err, io.EOF) {
		p.ended = p.scan.reader.Offset()
		return nil
	}
	if err != nil {
		return err
	}
	h := p.scan.reader.Header()
	x, err := p.byFlow.info(g, h.Major)
	p.ahead = append(p.ahead, scanned{x, h})
	return err
}

// chunk finds the end of the chunk that starts with the first grain ahead, and
// emits it.
func (p *planner) chunk() error {
	if len(p.ahead) == 0 {
		p.done = true
		return nil
	}
	first, starts := p.ahead[0], p.starts()
	from, gapless, err := p.reach(first.offset + p.least)
	if err != nil {
		return err
	}
	border, err := p.border(from, first.offset+p.req.Sizes.MaxChunkBytes)
	if err != nil {
		return err
	}
	passed := p.ahead[:border]
	end := p.ended
	if p.ahead = p.ahead[border:]; len(p.ahead) > 0 {
		end = p.ahead[0].offset
	}
	c := &formats.Chunk{Number: p.number, Start: first.offset, End: end}
	next := p.starts()
	p.done = p.beyond(next)
	if gapless {
		err = p.survey(c, passed, next)
	} else {
		p.estimate(c, starts, next)
	}
	if err != nil || len(c.Tracks) == 0 {
		return err
	}
	c.State, err = encode(chunkState{
		Tracks: p.Tracks, Head: headOf(first.header), Next: next, Shift: p.req.Shift, Range: p.req.Range, Sizes: p.req.Sizes,
	})
	if err != nil {
		return err
	}
	p.number++
	return p.emit(c)
}

// reach brings the grains at a target into sight and returns the position among
// those ahead of the first one there. It says whether all before it are ahead too.
func (p *planner) reach(target int64) (at int, gapless bool, err error) {
	unseen := min(target, p.in.Size()) - p.scan.reader.Offset()
	if p.ended == 0 && p.req.Sizes.Grains == 0 && p.Mean < jumpBytes/2 && unseen > jumpBytes {
		return 0, false, p.jump(target)
	}
	for {
		for ; at < len(p.ahead); at++ {
			if p.ahead[at].offset >= target {
				return at, true, nil
			}
		}
		if p.ended != 0 {
			return at, true, nil
		}
		if err := p.look(); err != nil {
			return 0, false, err
		}
	}
}

// jump goes to the first grain at or after a target, without those before it.
func (p *planner) jump(target int64) error {
	p.ahead = nil
	h := headOf(p.scan.reader.Header())
	at, ok, err := gsf.ResyncAt(p.in, target, p.in.Size(), p.byFlow.keys(h))
	if err != nil {
		return toFault(err)
	}
	if !ok {
		p.ended = p.in.Size()
		return nil
	}
	if p.scan, err = scanAt(p.ctx, p.in, at, h); err != nil {
		return err
	}
	return p.look()
}

// starts returns when the first grain of each track from the present border on
// starts, as far as it is in sight.
func (p *planner) starts() map[int]mediatime.Time {
	out := map[int]mediatime.Time{}
	for i := range p.ahead {
		x := &p.ahead[i]
		if _, seen := out[x.track.Number]; !seen {
			out[x.track.Number] = x.at
		}
	}
	return out
}

// beyond says whether all that is to come is later than what is wanted.
func (p *planner) beyond(next map[int]mediatime.Time) bool {
	if !p.req.Range.HasEnd() {
		return false
	}
	for i := range p.Tracks {
		if t := &p.Tracks[i]; p.wants(t) {
			at, ok := next[t.Number]
			if !ok || mediatime.NewRange(at, at+1).Shift(p.req.Shift).Start < p.req.Range.End {
				return false
			}
		}
	}
	return true
}

// survey describes a chunk of which every grain was seen.
func (p *planner) survey(c *formats.Chunk, passed []scanned, next map[int]mediatime.Time) error {
	parts := map[int]*part{}
	for i := range passed {
		x := &passed[i].info
		if !p.wants(x.track) {
			continue
		}
		if parts[x.track.Number] == nil {
			parts[x.track.Number] = newPart(x.track, &chunkState{Sizes: p.req.Sizes, Shift: p.req.Shift, Range: p.req.Range})
		}
		if err := parts[x.track.Number].add(x, nil); err != nil {
			return err
		}
	}
	for _, number := range slices.Sorted(maps.Keys(parts)) {
		part := parts[number]
		if err := part.finish(next); err != nil {
			return err
		}
		if part.objects > 0 {
			c.Tracks = append(c.Tracks, formats.ChunkTrack{
				Number: number, Flow: p.req.Flows[number].ID, Range: part.covered, Objects: part.objects,
			})
		}
	}
	return nil
}

// estimate describes a chunk of which only the grains at its borders were seen.
func (p *planner) estimate(c *formats.Chunk, starts, next map[int]mediatime.Time) {
	for i := range p.Tracks {
		t := &p.Tracks[i]
		if !p.wants(t) {
			continue
		}
		whole := mediatime.Eternity
		for _, found := range p.req.Analysis.Tracks {
			if found.Number == t.Number {
				whole = found.Range
			}
		}
		r := whole
		if at, ok := starts[t.Number]; ok {
			r.Start = at
		}
		if at, ok := next[t.Number]; ok {
			r.End = at
		}
		r = r.Shift(p.req.Shift).Intersect(p.req.Range)
		if r.IsEmpty() {
			continue
		}
		length := mediatime.Time(0)
		if r.Bounded() {
			length = r.Length()
		}
		c.Tracks = append(c.Tracks, formats.ChunkTrack{
			Number: t.Number, Flow: p.req.Flows[t.Number].ID, Range: r, Objects: most(t, &p.req.Sizes, c.End-c.Start, length),
		})
	}
}
