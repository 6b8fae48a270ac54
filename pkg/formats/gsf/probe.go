package gsf

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Bounds of what Probe reads of a file beside its head, in bytes.
const (
	walkBudget = 512 << 10
	tailBytes  = 256 << 10
)

// state is what Probe hands to Plan.
type state struct {
	Tracks []track `json:"tracks"`
	Head   head    `json:"head"`
	// First is where the first grain starts.
	First int64 `json:"first"`
	// Mean is the size of a grain, as far as they were seen.
	Mean int64 `json:"mean"`
}

// Probe implements formats.Format. It walks over the headers of the first grains
// and, unless it came to the end, searches for the last ones.
func (Format) Probe(ctx context.Context, in formats.Input) (*formats.Analysis, error) {
	if in.Size() == 0 {
		return nil, fault.New(fault.EmptyFile, "the file is empty: it has no bytes")
	}
	meter := &metered{Input: in, block: -1}
	p := prober{in: meter, byFlow: map[uuid.UUID]*found{}}
	var err error
	if p.scan, err = scan(ctx, meter); err != nil {
		return nil, err
	}
	p.head = p.scan.reader.Header()
	if err := p.walk(meter.cost + walkBudget); err != nil {
		return nil, err
	}
	if !p.complete {
		if err := p.tail(ctx); err != nil {
			return nil, err
		}
	}
	return p.analysis()
}

// prober collects what is known of a file.
type prober struct {
	in       *metered
	scan     *scanner
	head     *gsf.Header
	ordered  []*found // tracks as they were met
	byFlow   map[uuid.UUID]*found
	first    int64 // byte offset of the first grain
	walked   int64 // grains
	complete bool  // all grains were seen
	warnings []string
}

// found is what is known of a track.
type found struct {
	segment  gsf.Segment // that its first grain belongs to
	header   *gsf.Header
	grain    gsf.Grain // the first with essence
	major    uint16
	grains   int64
	bytes    int64
	start    mediatime.Time
	started  bool // start is known
	last     info
	lastSeen bool // last is the last of the file
}

// walk goes from grain to grain until it has cost so many bytes.
func (p *prober) walk(budget int64) error {
	for p.in.cost < budget {
		g, err := p.scan.next()
		if errors.Is(err, io.EOF) {
			p.complete = true
			for _, w := range p.scan.reader.Warnings() {
				p.warnings = append(p.warnings, w.String())
			}
			return nil
		}
		if err != nil {
			return err
		}
		if p.walked == 0 {
			p.first = g.Pos.Offset
		}
		p.walked++
		if err := p.take(g, p.scan.reader.Header(), true); err != nil {
			return err
		}
	}
	return nil
}

// take notes a grain. Grains of the walk come in order from the first on.
func (p *prober) take(g *gsf.Grain, h *gsf.Header, walked bool) error {
	f := p.byFlow[g.FlowID]
	if f == nil {
		f = &found{header: h, major: h.Major, segment: gsf.Segment{LocalID: g.LocalID, Count: gsf.CountUnknown}}
		if s := h.Segment(g.LocalID); s != nil {
			f.segment = *s
		}
		p.byFlow[g.FlowID] = f
		p.ordered = append(p.ordered, f)
	}
	if f.grain.Kind == gsf.KindEmpty {
		f.grain, f.major = clone(g), h.Major
	}
	if walked {
		if f.grains > 0 && g.Origin <= f.last.at {
			return fault.Newf(fault.MalformedFile, "the grain at byte %d starts at %s, and the one of flow %s before it at %s: times go back",
				g.Pos.Offset, g.Origin, g.FlowID, f.last.at)
		}
		if f.grains == 0 {
			f.start, f.started = g.Origin, true
		}
		f.grains++
		f.bytes += g.Pos.DataSize
	}
	f.last = info{offset: g.Pos.Offset, at: g.Origin, length: length(g)}
	return nil
}

// clone copies what a scanner uses again.
func clone(g *gsf.Grain) gsf.Grain {
	out := *g
	out.Labels = append([]gsf.TimeLabel(nil), g.Labels...)
	return out
}

// tail searches the end of the file for the last grain of each track. What it does
// not find there stays unknown.
func (p *prober) tail(ctx context.Context) error {
	size := p.in.Size()
	from := max(size-tailBytes, p.scan.reader.Offset())
	b := make([]byte, size-from)
	if n, err := p.in.ReadAt(b, from); n < len(b) {
		if err == nil || errors.Is(err, io.EOF) {
			return fault.Newf(fault.TruncatedFile, "the file ends at byte %d, and was to have %d", from+int64(n), size)
		}
		return err
	}
	h := headOf(p.head)
	at, ok := gsf.Resync(b, p.keys(b))
	if !ok {
		p.warnings = append(p.warnings, fmt.Sprintf("the last %d bytes have no start of a grain: how long the file is will be known when it is planned", len(b)))
		return nil
	}
	end, err := scanPart(ctx, memory{b, from}, from+int64(at), h.header())
	if err != nil {
		return err
	}
	for {
		g, err := end.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := p.take(g, p.head, false); err != nil {
			return err
		}
		p.byFlow[g.FlowID].lastSeen = true
	}
}

// keys lists what looks like the start of a grain of a declared segment. A track
// may have all its grains at the end, and no block that names its Flow.
func (p *prober) keys(b []byte) []gsf.GrainKey {
	const toFlow = 8 + 2 + 8 + 16 // grai, local id, gbhd, source id
	seen := map[gsf.GrainKey]bool{}
	var keys []gsf.GrainKey
	for at := 0; ; at++ {
		next := bytes.Index(b[at:], []byte("grai"))
		if next < 0 || at+next+toFlow+16 > len(b) {
			return keys
		}
		at += next
		key := gsf.GrainKey{LocalID: binary.LittleEndian.Uint16(b[at+8:]), FlowID: uuid.UUID(b[at+toFlow : at+toFlow+16])}
		if string(b[at+10:at+14]) == "gbhd" && p.head.Segment(key.LocalID) != nil && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
}

// memory is the end of a file that was read before.
type memory struct {
	b    []byte
	from int64
}

// Size implements formats.Input.
func (m memory) Size() int64 { return m.from + int64(len(m.b)) }

// ReadAt implements formats.Input.
func (m memory) ReadAt(p []byte, off int64) (int, error) {
	return bytes.NewReader(m.b).ReadAt(p, off-m.from)
}

// tracks numbers what was found: by local id where that is free, else by the next
// number that is.
func (p *prober) tracks() []track {
	taken := map[int]bool{0: true}
	out := make([]track, len(p.ordered))
	for i, f := range p.ordered {
		number := int(f.segment.LocalID)
		for taken[number] {
			number = p.free(taken)
		}
		taken[number] = true
		out[i] = track{Number: number, Flow: f.grain.FlowID, Kind: f.grain.Kind, Intra: f.intra()}
	}
	return out
}

// free returns a number that no segment has.
func (p *prober) free(taken map[int]bool) int {
	number := 1
	for taken[number] || p.head.Segment(uint16(number)) != nil {
		number++
	}
	return number
}

// timerange returns what of a track's time is known.
func (f *found) timerange(complete bool) mediatime.Range {
	r := mediatime.Eternity
	if f.started {
		r.Start = f.start
	}
	rate := rateOf(&f.grain)
	switch {
	case complete || f.lastSeen:
		r.End = f.last.end()
	case f.started && f.segment.Count > 0 && !rate.IsZero():
		// Its count and rate tell the end if nothing is left out.
		r.End = f.start + rate.Offset(f.segment.Count)
	}
	return r
}

func (p *prober) analysis() (*formats.Analysis, error) {
	if len(p.ordered) == 0 {
		return nil, fault.Newf(fault.NoEssence, "the GSF has no grains; its head names %d segments", len(p.head.Segments))
	}
	a := &formats.Analysis{Size: p.in.Size()}
	list := p.tracks()
	for i, f := range p.ordered {
		t := formats.Track{Number: list[i].Number, Range: f.timerange(p.complete), Bytes: f.bytes, Grains: f.grains}
		if !p.complete {
			t.Bytes, t.Grains = (p.in.Size()-p.first)/int64(len(p.ordered)), max(f.segment.Count, 0)
		}
		p.describe(&t, f)
		list[i].Skipped = t.Skipped != ""
		a.Tracks = append(a.Tracks, t)
	}
	for i := range p.head.Segments {
		if s := &p.head.Segments[i]; !p.has(s.LocalID) && p.complete {
			p.warnings = append(p.warnings, fmt.Sprintf("segment %d has no grains", s.LocalID))
		}
	}
	if !p.head.Created.IsZero() {
		a.CreationTime = p.head.Created.UnixNano()
	}
	a.Warnings = p.warnings
	var err error
	a.State, err = encode(state{
		Tracks: list, Head: headOf(p.head), First: p.first, Mean: (p.scan.reader.Offset() - p.first) / p.walked,
	})
	return a, err
}

// has says whether a segment has grains.
func (p *prober) has(localID uint16) bool {
	for _, f := range p.ordered {
		if f.segment.LocalID == localID {
			return true
		}
	}
	return false
}
