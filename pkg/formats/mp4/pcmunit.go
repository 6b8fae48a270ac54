package mp4

import (
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// pcmSource cuts PCM where the file does, moved up to the next border of grains,
// so that a grain belongs to the unit that holds its first byte.
type pcmSource struct {
	feed       *feedTrack
	state      *trackState
	frameBytes int64
	limit      int64 // samples in a unit, about
	perGrain   int64 // samples in a grain
	grains     int64 // most grains in a unit, 0 for no such limit
	spans      []isobmff.Span
	at         int64 // next sample
	ended      bool
}

// border returns the first border of grains at or after a sample. Borders count
// from where the presentation begins.
func (p *pcmSource) border(sample int64) int64 {
	begin := p.state.Clock.MediaTime
	return begin + ceilMultiple(sample-begin, p.perGrain)
}

// ceilMultiple returns the least multiple of step that is not below n.
func ceilMultiple(n, step int64) int64 {
	up := n / step * step
	if up < n {
		up += step
	}
	return up
}

func (p *pcmSource) next() (*unit, error) {
	if err := p.fill(p.at + 1); err != nil || len(p.spans) == 0 {
		return nil, err
	}
	first := p.spans[0]
	end := p.border(min(first.First+first.Count, p.at+p.limit))
	if end <= p.at {
		end = p.border(p.at + 1)
	}
	if p.grains > 0 {
		end = min(end, p.border(p.at+1)+(p.grains-1)*p.perGrain)
	}
	if err := p.fill(end); err != nil {
		return nil, err
	}
	u := &unit{offset: first.Offset + (p.at-first.First)*p.frameBytes, object: object{First: p.at}}
	for len(p.spans) > 0 && p.at < end {
		s := &p.spans[0]
		count := min(end, s.First+s.Count) - p.at
		part := isobmff.Span{Offset: s.Offset + (p.at-s.First)*p.frameBytes, First: p.at, Count: count, Description: s.Description}
		u.Spans = append(u.Spans, part)
		u.Count += count
		u.tail = part.Offset + count*p.frameBytes
		u.end = max(u.end, u.tail)
		p.at += count
		if p.at == s.First+s.Count {
			p.spans = p.spans[1:]
		}
	}
	u.bytes = u.Count * p.frameBytes
	u.segment = mediatime.NewRange(p.state.Clock.at(u.First, 0), p.state.Clock.at(p.at, 0))
	return u, nil
}

// fill takes in spans until they reach up to a sample.
func (p *pcmSource) fill(to int64) error {
	for !p.ended {
		if n := len(p.spans); n > 0 && p.spans[n-1].First+p.spans[n-1].Count >= to {
			return nil
		}
		s, ok, err := p.feed.span()
		if err != nil {
			return err
		}
		switch {
		case !ok:
			p.ended = true
		case s.Count > 0:
			p.spans = append(p.spans, s)
		}
	}
	return nil
}
