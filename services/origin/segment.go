package origin

import (
	"context"
	"math"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/origin/flac"
	"github.com/grainmesh/grainmesh/services/origin/fmp4"
	"github.com/grainmesh/grainmesh/services/origin/plan"
)

// builder makes one media segment.
type builder struct {
	service *Service
	view    *view
	track   *trackView
	number  int
	span    plan.Span
}

// build returns the segment: a fragment for each stretch of media in it.
func (b *builder) build(ctx context.Context) ([]byte, error) {
	pieces, err := b.service.fetchGrains(ctx, b.track, wanted{
		window: b.window(), headers: !b.track.audio, takes: b.takes,
	})
	if err != nil {
		return nil, err
	}
	switch {
	case b.track.raw != nil:
		return b.flac(pieces)
	case b.track.audio:
		return b.aac(pieces)
	default:
		return b.pictures(pieces)
	}
}

// window returns the times whose stored segments hold the grains of the span.
func (b *builder) window() mediatime.Range {
	at := func(tick int64) mediatime.Time { return b.view.zero + b.track.clock.Time(tick-b.track.skip) }
	r := mediatime.NewRange(at(b.span.Start)-1, at(b.span.End)+1)
	if b.track.audio {
		r.Start, r.End = r.Start-reach, r.End+reach
	}
	return r
}

// takes says whether a grain belongs to the span: a picture by its place in decode
// order, a coded frame by its start, raw audio by any sample.
func (b *builder) takes(s *storedSegment, e *media.Entry) bool {
	clock := b.track.clock
	switch {
	case b.track.raw != nil:
		start := clock.At(e.PTS)
		return start < b.span.End && start+int64(e.Samples) > b.span.Start
	case b.track.audio:
		start := clock.At(e.PTS)
		return b.from() <= start && start < b.span.End && e.PTS < s.Range.End && e.Config == b.span.Config
	default:
		at, from := clock.At(e.Order), b.span.Start
		if b.number == 0 {
			from = clock.At(b.track.first)
		}
		return from <= at && (at < b.span.End || b.view.cells[b.number].Last)
	}
}

// from returns the first tick of the span's coded frames; those before time 0 go
// with the first span.
func (b *builder) from() int64 {
	if b.number == 0 {
		return 0
	}
	return b.span.Start
}

// aac makes a segment of AAC.
func (b *builder) aac(pieces []*piece) ([]byte, error) {
	var out []byte
	var samples []fmp4.Sample
	start, end := int64(0), int64(0)
	sequence := 0
	flush := func() {
		if len(samples) > 0 {
			out = b.fragment(out, sequence, start, samples)
			samples, sequence = samples[:0], sequence+1
		}
	}
	for _, p := range pieces {
		for i := range p.grains {
			e := &p.grains[i]
			at := b.track.clock.At(e.PTS)
			length := int64(e.Samples)
			if len(samples) > 0 && at+length/2 < end {
				continue // repeats the one before
			}
			if at != end {
				flush()
				start = at
			}
			samples = append(samples, fmp4.Sample{Data: p.payload(i), Duration: uint32(length), Sync: true})
			end = at + length
		}
	}
	flush()
	return out, nil
}

// stretch is raw audio without a hole.
type stretch struct {
	start int64
	pcm   []byte
}

// flac makes a segment of raw audio.
func (b *builder) flac(pieces []*piece) ([]byte, error) {
	encoder, err := flac.NewEncoder(b.track.raw.format)
	if err != nil {
		return nil, fault.Newf(fault.Internal, "segment %d: %w", b.number, err)
	}
	stretches, err := b.stretches(pieces)
	if err != nil {
		return nil, err
	}
	var out []byte
	for i := range stretches {
		samples, err := b.encode(encoder, stretches[i].pcm, stretches[i].start)
		if err != nil {
			return nil, fault.Newf(fault.Internal, "segment %d: %w", b.number, err)
		}
		out = b.fragment(out, i, stretches[i].start, samples)
	}
	return out, nil
}

// stretches collects the samples of the span.
func (b *builder) stretches(pieces []*piece) ([]stretch, error) {
	var all []stretch
	end, size := int64(math.MinInt64), b.track.raw.frameBytes()
	for _, p := range pieces {
		for i := range p.grains {
			from, to := b.samples(p, i, end)
			if from >= to {
				continue
			}
			at := b.track.clock.At(p.grains[i].PTS)
			data := p.payload(i)
			if int64(len(data)) < (to-at)*size {
				return nil, fault.Newf(fault.Internal, "object %s: grain %d has fewer samples than its index says", p.stored.Object, p.from+i)
			}
			if from != end {
				all = append(all, stretch{start: from})
			}
			last := &all[len(all)-1]
			last.pcm = append(last.pcm, b.track.raw.reduce(data[(from-at)*size:(to-at)*size])...)
			end = to
		}
	}
	return all, nil
}

// samples returns which ticks of a grain of raw audio belong to the span and come
// after those that were taken.
func (b *builder) samples(p *piece, i int, taken int64) (from, to int64) {
	clock, e := b.track.clock, &p.grains[i]
	at := clock.At(e.PTS)
	from = max(at, b.span.Start, clock.At(p.stored.Range.Start), taken)
	to = min(at+int64(e.Samples), b.span.End, clock.At(p.stored.Range.End))
	return from, to
}

// encode makes the samples of a stretch of raw audio, numbered from the start of
// the media on.
func (b *builder) encode(encoder *flac.Encoder, pcm []byte, start int64) ([]fmp4.Sample, error) {
	format := b.track.raw.format
	frame := format.Bits / 8 * format.Channels
	var samples []fmp4.Sample
	var failed error
	flac.Blocks(len(pcm)/frame, func(first, count int) {
		data, err := encoder.Append(nil, pcm[first*frame:(first+count)*frame], uint64(start)+uint64(first))
		if err != nil {
			failed = err
		}
		samples = append(samples, fmp4.Sample{Data: data, Duration: uint32(count), Sync: true})
	})
	return samples, failed
}

// maxFragments is how many fragments a segment is counted to have.
const maxFragments = 1 << 10

// fragment appends a fragment of the segment, numbered so that later ones have
// higher numbers.
func (b *builder) fragment(dst []byte, sequence int, start int64, samples []fmp4.Sample) []byte {
	if dst == nil {
		size := int64(0)
		for i := range samples {
			size += int64(len(samples[i].Data))
		}
		dst = make([]byte, 0, fmp4.Size(len(samples), size))
	}
	return fmp4.Append(dst, uint32(b.number*maxFragments+sequence+1), uint64(start), samples)
}
