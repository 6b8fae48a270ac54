package mp4

import (
	"math"
	"slices"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// survey gathers what all samples of a track say together.
type survey struct {
	number    int
	timescale int64
	fileSize  int64
	count     int64
	bytes     int64
	origin    int64 // PTS of the sample that is decoded first
	step      int64 // duration of that sample
	lowest    int64 // PTS
	end       int64 // greatest PTS + duration
	fits      []fit
	prefer    mediatime.Rate
}

// add takes the next sample in decode order. It returns a truncated_file fault
// for a sample that the file does not hold.
func (s *survey) add(sample *isobmff.Sample) error {
	if sample.End() > s.fileSize || sample.End() < sample.Offset {
		return fault.Newf(fault.TruncatedFile,
			"mdat is cut: sample %d of track %d lies at bytes %d to %d, the file ends at %d",
			s.count+1, s.number, sample.Offset, sample.End(), s.fileSize)
	}
	if s.count == 0 {
		s.begin(sample)
	}
	s.count++
	s.bytes += int64(sample.Size)
	s.lowest = min(s.lowest, sample.PTS)
	s.end = max(s.end, sample.PTS+int64(sample.Duration))
	for i := range s.fits {
		s.fits[i].add(sample.PTS-s.origin, s.timescale)
	}
	return nil
}

func (s *survey) begin(first *isobmff.Sample) {
	s.origin, s.step = first.PTS, int64(first.Duration)
	s.lowest, s.end = math.MaxInt64, math.MinInt64
	exact := mediatime.NewRate(s.timescale, s.step)
	known := knownRates()
	if s.prefer.IsZero() && slices.Contains(known, exact) {
		s.prefer = exact
	}
	for _, rate := range append([]mediatime.Rate{s.prefer}, known...) {
		if !rate.IsZero() {
			s.fits = append(s.fits, fit{rate: rate, tolerance: 1})
		}
	}
	if !exact.IsZero() {
		s.fits = append(s.fits, fit{rate: exact})
	}
}

// clock returns the time line that the samples show.
func (s *survey) clock() clock {
	c := clock{Timescale: s.timescale, First: s.lowest}
	for i := range s.fits {
		f := &s.fits[i]
		if !f.holds(s.count) {
			continue
		}
		ticks := s.timescale * f.rate.Den
		if ticks%f.rate.Num == 0 && !f.jitter {
			c.Step = ticks / f.rate.Num
		} else {
			c.Rate = f.rate
		}
		return c
	}
	return c
}
