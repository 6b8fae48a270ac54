package mp4

import (
	"github.com/grainmesh/grainmesh/pkg/aac"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// audioReader makes a grain of each AAC frame, its bytes as they are.
type audioReader struct {
	*chunkTrack
	place
	sink    formats.Sink
	samples int64 // of a frame, at the output's rate
	rate    int64
	grain   formats.Grain
}

func newAudioReader(t *chunkTrack, flow *media.Flow, sink formats.Sink) (*audioReader, error) {
	if len(flow.Configs) == 0 {
		return nil, errState
	}
	c, err := aac.Parse(flow.Configs[0].Decoder)
	if err != nil {
		return nil, fault.Wrap(fault.MalformedFile, err)
	}
	for i := range t.objects {
		if len(t.objects[i].Samples) == 0 {
			return nil, errState
		}
	}
	return &audioReader{
		chunkTrack: t, place: place{list: t.objects}, sink: sink,
		samples: int64(c.OutputSamples()), rate: int64(c.OutputRate),
	}, nil
}

func (a *audioReader) take(data []byte) error {
	o := &a.list[a.object]
	s := &o.Samples[a.sample]
	if a.sample == 0 {
		if err := a.sink.StartObject(a.Number, o.Segment.Shift(a.Shift)); err != nil {
			return err
		}
	}
	index := o.First + int64(a.sample)
	pts := a.Clock.at(s.PTS, index)
	g := &a.grain
	g.Data = data
	g.Grain = media.Grain{
		PTS: pts + a.Shift, Order: pts + a.Shift, Duration: a.end(s.PTS, index) - pts, Ticks: s.PTS,
		Access: media.Clean, Config: uint16(s.Description), Samples: uint32(a.samples),
	}
	length := mulDivRound(a.samples, a.Clock.Timescale, a.rate)
	g.Priming = a.outside(a.Begin - s.PTS)
	g.Remainder = a.outside(s.PTS + length - a.End)
	a.step()
	return a.sink.Grain(a.Number, g)
}

// end returns when the frame ends. Its length is that of a frame, whatever the
// container says of the last.
func (a *audioReader) end(ticks, index int64) mediatime.Time {
	if !a.Clock.Rate.IsZero() {
		return a.Clock.at(0, index+1)
	}
	return a.Clock.at(ticks+mulDivRound(a.samples, a.Clock.Timescale, a.rate), 0)
}

// outside returns how many samples a number of ticks are that lie outside what
// is presented, at most a frame.
func (a *audioReader) outside(ticks int64) uint32 {
	return uint32(min(a.samples, mulDivRound(max(0, ticks), a.rate, a.Clock.Timescale)))
}

// pcmReader cuts PCM into grains.
type pcmReader struct {
	*chunkTrack
	sink   formats.Sink
	object int
	span   int
	at     int64 // next sample
	begun  bool
	grain  formats.Grain
}

func (p *pcmReader) extents() []extent {
	var all []extent
	for i := range p.objects {
		for _, s := range p.objects[i].Spans {
			all = append(all, extent{s.Offset, s.Offset + s.Count*p.Layout.FrameBytes()})
		}
	}
	return all
}

// grainEnd returns the first sample after the grain that holds p.at.
func (p *pcmReader) grainEnd() int64 {
	begin := p.Clock.MediaTime
	return begin + ceilMultiple(p.at+1-begin, p.Layout.SamplesPerGrain())
}

func (p *pcmReader) next() (piece, bool) {
	if p.object >= len(p.objects) {
		return piece{}, false
	}
	s := &p.objects[p.object].Spans[p.span]
	if !p.begun {
		p.begun, p.at = true, s.First
	}
	count := min(p.grainEnd(), s.First+s.Count) - p.at
	size := p.Layout.FrameBytes()
	return piece{s.Offset + (p.at-s.First)*size, count * size}, true
}

func (p *pcmReader) take(data []byte) error {
	o := &p.objects[p.object]
	if p.span == 0 && p.at == o.First {
		if err := p.sink.StartObject(p.Number, o.Segment.Shift(p.Shift)); err != nil {
			return err
		}
	}
	end := p.grainEnd()
	g := &p.grain
	if len(g.Data) == 0 {
		g.Grain = media.Grain{
			PTS: p.Clock.at(p.at, 0) + p.Shift, Ticks: p.at, Access: media.Clean,
			Config: uint16(o.Spans[p.span].Description),
		}
		g.Order = g.PTS
	}
	g.Data = p.Layout.Append(g.Data, data)
	p.at += int64(len(data)) / p.Layout.FrameBytes()
	s := &o.Spans[p.span]
	last := false
	if p.at == s.First+s.Count {
		if p.span++; p.span == len(o.Spans) {
			last = true
			p.object, p.span = p.object+1, 0
		}
		p.begun = !last
	}
	if p.at < end && !last {
		return nil
	}
	return p.emit()
}

// emit hands over the grain that ends at p.at.
func (p *pcmReader) emit() error {
	g := &p.grain
	g.Samples = uint32(int64(len(g.Data)) / p.Layout.StoredFrameBytes())
	g.Duration = p.Clock.at(p.at, 0) + p.Shift - g.PTS
	err := p.sink.Grain(p.Number, g)
	g.Data = g.Data[:0]
	return err
}
