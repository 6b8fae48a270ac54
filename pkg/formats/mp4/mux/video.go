package mux

import (
	"bytes"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/grainmesh/grainmesh/pkg/h264"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/window"
)

// lengthSize is that of the samples that are written.
const lengthSize = 4

// VideoTrack lays out a selection of H.264 pictures. The window starts at from,
// which may be before the first picture that is shown. It returns ErrNoConfig for
// a Flow without sample entry or decoder configuration.
func VideoTrack(flow *media.Flow, index media.Index, sel window.Selection, from mediatime.Time) (*Track, error) {
	t, configs, err := newVideoTrack(flow)
	if err != nil {
		return nil, err
	}
	t.Grains = sel.Grains
	scale := timescaleOf(flow)
	scale.setBase(index, sel.Grains)
	t.Timescale = scale.ticks
	pts := make([]int64, len(sel.Grains))
	for k, at := range sel.Grains {
		g := &index[at]
		if int(g.Config) >= len(configs) {
			return nil, fmt.Errorf("grain at %s has configuration %d of %d: %w", g.PTS, g.Config+1, len(configs), ErrNoConfig)
		}
		size, err := configs[g.Config].sampleSize(g)
		if err != nil {
			return nil, err
		}
		pts[k] = scale.at(&g.Grain, sel.Carried.Start)
		// Leading pictures of the first are left out, so it is clean here.
		t.Samples = append(t.Samples, Sample{Size: size, Sync: k == 0 || g.Access == media.Clean, Entry: int(g.Config)})
	}
	delay := setTimes(t.Samples, pts, scale)
	t.present(index, sel, scale, delay, from)
	t.convertVideo(index, configs)
	return t, nil
}

// newVideoTrack makes a track without samples.
func newVideoTrack(flow *media.Flow) (*Track, []videoConfig, error) {
	v := flow.Video
	t := &Track{Handler: "vide", Timescale: timescaleOf(flow).ticks, Width: v.Width, Height: v.Height, Language: languageOf(flow)}
	if !v.AspectRatio.IsZero() {
		t.Width = int(mediatime.NewRate(int64(v.Height)*v.AspectRatio.Num, v.AspectRatio.Den).Float() + 0.5)
	}
	configs, err := videoConfigs(flow)
	for i := range configs {
		t.Entries = append(t.Entries, configs[i].entry)
	}
	return t, configs, err
}

// convertVideo makes samples of byte streams.
func (t *Track) convertVideo(index media.Index, configs []videoConfig) {
	t.convert = func(dst []byte, i int, data []byte, offsets []uint32) ([]byte, error) {
		g := &index[t.Grains[i]]
		injected := int(g.Injected)
		if !configs[g.Config].strips(g) {
			injected = 0
		}
		return h264.ToAVCC(dst, data, offsets, injected, lengthSize)
	}
}

// present sets the edit that shows the wanted part.
func (t *Track) present(index media.Index, sel window.Selection, scale timescale, delay int64, from mediatime.Time) {
	first, end := int64(math.MaxInt64), int64(math.MinInt64)
	for _, at := range sel.Grains {
		g := &index[at].Grain
		if !sel.Present.Contains(g.PTS) {
			continue
		}
		ticks := scale.at(g, sel.Carried.Start)
		first, end = min(first, ticks), max(end, ticks+scale.length(g))
	}
	t.MediaTime, t.Duration = first+delay, end-first
	if late := sel.Present.Start - from; late > mediatime.Microsecond {
		t.Delay = late
	}
}

// setTimes gives samples in decode order their times: they are decoded at the
// instants at which pictures are displayed, in turn, and displayed delay ticks
// later, so that no offset is negative.
func setTimes(samples []Sample, pts []int64, scale timescale) (delay int64) {
	sorted := slices.Clone(pts)
	slices.Sort(sorted)
	for i := range pts {
		delay = max(delay, sorted[i]-pts[i])
	}
	for i := range samples {
		s := &samples[i]
		s.DTS = sorted[i]
		s.Offset = uint32(pts[i] + delay - sorted[i])
		s.Duration = uint32(scale.step)
		if i+1 < len(sorted) {
			s.Duration = uint32(sorted[i+1] - sorted[i])
		}
	}
	if n := len(samples); n > 1 && scale.step == 0 {
		samples[n-1].Duration = samples[n-2].Duration
	}
	return delay
}

// timescale turns times of grains into ticks.
type timescale struct {
	ticks int64 // per second
	rate  mediatime.Rate
	step  int64 // ticks in a grain; 0 where it varies
	// source says that the grains' own ticks are used, counted from base.
	source bool
	base   int64
}

// varyingScale is the time scale of pictures at varying times that do not come
// with ticks of their own.
const varyingScale = 90_000

// timescaleOf keeps the source's time scale where its ticks divide a grain.
func timescaleOf(flow *media.Flow) timescale {
	rate := flow.GrainRate
	if rate.IsZero() {
		if flow.Timescale > 0 && flow.Timescale <= maxMovieTimescale {
			return timescale{ticks: flow.Timescale, source: true}
		}
		return timescale{ticks: varyingScale}
	}
	ticks := rate.Num
	if flow.Timescale > 0 && flow.Timescale*rate.Den%rate.Num == 0 {
		ticks = flow.Timescale
	}
	return timescale{ticks: ticks, rate: rate, step: ticks * rate.Den / rate.Num}
}

// setBase makes the grains' own ticks count from the earliest of them.
func (s *timescale) setBase(index media.Index, grains []int) {
	s.base = math.MaxInt64
	for _, at := range grains {
		s.base = min(s.base, index[at].Ticks)
	}
}

// at returns the ticks of a grain's presentation since an instant near by.
func (s *timescale) at(g *media.Grain, since mediatime.Time) int64 {
	switch {
	case s.step > 0:
		return s.step * s.places(g.PTS-since)
	case s.source:
		return g.Ticks - s.base
	}
	return mediatime.Ticks(g.PTS-since, s.ticks)
}

// places returns how many grains a length of time is, to the nearest.
func (s *timescale) places(d mediatime.Time) int64 {
	negative := d < 0
	if negative {
		d = -d
	}
	hi, lo := bits.Mul64(uint64(d), uint64(s.rate.Num))
	unit := uint64(mediatime.Second) * uint64(s.rate.Den)
	lo, carry := bits.Add64(lo, unit/2, 0)
	if hi += carry; hi >= unit {
		return math.MaxInt32
	}
	n, _ := bits.Div64(hi, lo, unit)
	if negative {
		return -int64(n)
	}
	return int64(n)
}

// length returns how many ticks a grain lasts.
func (s *timescale) length(g *media.Grain) int64 {
	if s.step > 0 {
		return s.step
	}
	return mediatime.Ticks(g.Duration, s.ticks)
}

// videoConfig is a sample entry of a Flow as it is written.
type videoConfig struct {
	entry []byte
	sets  int   // parameter sets in the entry
	bytes int64 // what they take in a byte stream
}

// strips says whether a grain's injected sets are those of the sample entry.
func (c *videoConfig) strips(g *media.Entry) bool { return int(g.Injected) == c.sets }

// sampleSize is the size of the sample that a grain becomes. Start codes are as
// long as lengths.
func (c *videoConfig) sampleSize(g *media.Entry) (uint32, error) {
	size := g.Size
	if c.strips(g) && g.Injected > 0 {
		size -= c.bytes
	}
	if size < 0 || size > math.MaxUint32 {
		return 0, fmt.Errorf("grain at %s would take %d bytes: %w", g.PTS, size, ErrSize)
	}
	return uint32(size), nil
}

func videoConfigs(flow *media.Flow) ([]videoConfig, error) {
	if len(flow.Configs) == 0 {
		return nil, fmt.Errorf("flow %s: %w", flow.ID, ErrNoConfig)
	}
	configs := make([]videoConfig, len(flow.Configs))
	for i := range flow.Configs {
		c := &flow.Configs[i]
		config, err := h264.ParseConfig(c.Decoder)
		if err != nil {
			return nil, fmt.Errorf("flow %s: %w: %w", flow.ID, ErrNoConfig, err)
		}
		configs[i].entry = videoEntry(flow, c, config)
		configs[i].sets = len(config.Sets())
		for _, set := range config.Sets() {
			configs[i].bytes += int64(len(set)) + lengthSize
		}
	}
	return configs, nil
}

// videoEntry returns the source's sample entry, with the size of lengths
// corrected, or makes one.
func videoEntry(flow *media.Flow, c *media.CodecConfig, config *h264.Config) []byte {
	avcC := bytes.Clone(c.Decoder)
	avcC[4] = avcC[4]&^3 | (lengthSize - 1)
	if len(c.SampleEntry) == 0 {
		return newVideoEntry(flow.Video, avcC)
	}
	if config.LengthSize == lengthSize {
		return c.SampleEntry
	}
	return bytes.Replace(c.SampleEntry, c.Decoder, avcC, 1)
}

func newVideoEntry(v *media.Video, avcC []byte) []byte {
	var w boxes
	w.box("avc1", func() {
		w.zero(6)
		w.u16(1)
		w.zero(16)
		w.u16(uint16(v.Width))
		w.u16(uint16(v.Height))
		w.u32(72 << 16)
		w.u32(72 << 16)
		w.zero(4)
		w.u16(1) // frames in a sample
		w.zero(32)
		w.u16(24)
		w.u16(0xffff)
		w.box("avcC", func() { w.raw(avcC) })
		if !v.PixelAspect.IsZero() {
			w.box("pasp", func() {
				w.u32(uint32(v.PixelAspect.Num))
				w.u32(uint32(v.PixelAspect.Den))
			})
		}
	})
	return w.b
}

func languageOf(flow *media.Flow) string {
	if code := flow.Tags["language"]; len(code) == 1 {
		return code[0]
	}
	return ""
}

// quickTimeSound says whether a sound description has a version that only
// QuickTime knows.
func quickTimeSound(entry []byte) bool {
	for box := range isobmff.Children(entry) {
		return len(box.Data) > 9 && (box.Data[8] != 0 || box.Data[9] != 0)
	}
	return false
}
