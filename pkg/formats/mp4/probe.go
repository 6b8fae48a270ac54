package mp4

import (
	"context"
	"fmt"
	"strconv"

	"github.com/grainmesh/grainmesh/pkg/aac"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/h264"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// probe is one run of Probe.
type probe struct {
	in       formats.Input
	movie    *isobmff.Movie
	tracks   []*probeTrack
	warnings []string
}

// probeTrack is what is being learnt about one track.
type probeTrack struct {
	*isobmff.Track
	state   trackState
	flow    *media.Flow
	skipped string
	survey  survey
	first   isobmff.Sample // as decoded
	pcm     isobmff.PCM
	aac     *aac.Config
}

func newProbe(in formats.Input, movie *isobmff.Movie) *probe {
	p := &probe{in: in, movie: movie}
	for i, t := range movie.Tracks {
		pt := &probeTrack{Track: t, state: trackState{Number: i + 1, AllListed: t.AllSync()}}
		pt.survey = survey{number: i + 1, timescale: int64(t.Timescale), fileSize: in.Size()}
		pt.classify()
		p.tracks = append(p.tracks, pt)
	}
	return p
}

// classify decides what the track is taken as, if at all.
func (t *probeTrack) classify() {
	kind := ""
	for i := range t.Entries {
		k, reason := t.classifyEntry(&t.Entries[i])
		if k == "" {
			t.skipped = reason
			return
		}
		if kind != "" && k != kind {
			t.skipped = fmt.Sprintf("it changes from %s to %s midway, which is not supported", kind, k)
			return
		}
		kind = k
	}
	if kind == "" {
		t.skipped = fmt.Sprintf("it has no sample description (handler %q)", t.Handler)
	}
	t.state.Kind = kind
}

func (t *probeTrack) classifyEntry(e *isobmff.Entry) (kind, reason string) {
	switch {
	case t.Handler == "vide" && (e.FourCC == "avc1" || e.FourCC == "avc3"):
		if _, err := h264.ParseConfig(e.Child("avcC")); err != nil {
			return "", fmt.Sprintf("its avcC box cannot be read: %v", err)
		}
		return kindH264, ""
	case t.Handler == "soun" && e.FourCC == "mp4a":
		return t.classifyMP4A(e)
	case t.Handler == "soun":
		if t.pcm, _ = e.PCM(); t.pcm.FrameBytes == 0 {
			break
		}
		if err := layoutOf(&t.pcm).Validate(); err != nil {
			return "", fmt.Sprintf("its PCM is not supported: %v", err)
		}
		if size := t.SampleSize(); size > 1 && size != int64(t.pcm.FrameBytes) {
			return "", fmt.Sprintf("its samples of %d bytes are not single PCM samples", size)
		}
		if t.pcm.SampleRate != float64(int64(t.pcm.SampleRate)) {
			return "", fmt.Sprintf("its sample rate of %g Hz is not whole", t.pcm.SampleRate)
		}
		return kindPCM, ""
	}
	return "", fmt.Sprintf("codec %q (handler %q) is not supported", e.FourCC, t.Handler)
}

func (t *probeTrack) classifyMP4A(e *isobmff.Entry) (kind, reason string) {
	config, ok := e.DecoderConfig()
	const mpeg4, mpeg2Main, mpeg2SSR = 0x40, 0x66, 0x68
	if !ok || (config.ObjectType != mpeg4 && (config.ObjectType < mpeg2Main || config.ObjectType > mpeg2SSR)) {
		return "", fmt.Sprintf("codec %q with object type %#x is not supported", e.FourCC, config.ObjectType)
	}
	c, err := aac.Parse(config.Specific)
	if err != nil {
		return "", fmt.Sprintf("its AAC configuration is not supported: %v", err)
	}
	t.aac = c
	return kindAAC, ""
}

// survey walks all samples of the tracks that are taken.
func (p *probe) survey(ctx context.Context) error {
	for _, t := range p.tracks {
		if err := p.surveyTrack(ctx, t); err != nil {
			return err
		}
	}
	return p.surveyFragments(ctx)
}

const checkEvery = 1 << 16 // samples between looks at the context

func (p *probe) surveyTrack(ctx context.Context, t *probeTrack) error {
	if t.skipped != "" {
		return nil
	}
	t.preferRate()
	if t.state.Kind == kindPCM {
		for c := t.Spans(); ; {
			span, ok, err := c.Next()
			if err != nil || !ok {
				return err
			}
			if err := t.addSpan(&span); err != nil {
				return err
			}
		}
	}
	for c := t.Samples(); ; {
		sample, ok, err := c.Next()
		if err != nil || !ok {
			return err
		}
		if err := t.add(&sample); err != nil {
			return err
		}
		if t.survey.count%checkEvery == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// preferRate sets the rate that the bitstream itself names.
func (t *probeTrack) preferRate() {
	switch t.state.Kind {
	case kindAAC:
		t.survey.prefer = mediatime.NewRate(int64(t.aac.OutputRate), int64(t.aac.OutputSamples()))
	case kindH264:
		config, err := h264.ParseConfig(t.Entries[0].Child("avcC"))
		if err != nil || len(config.SPS) == 0 {
			return
		}
		if sps, err := h264.ParseSPS(config.SPS[0]); err == nil {
			t.survey.prefer = sps.FrameRate
		}
	}
}

func (t *probeTrack) add(s *isobmff.Sample) error {
	if t.survey.count == 0 {
		t.first = *s
	}
	return t.survey.add(s)
}

func (t *probeTrack) addSpan(s *isobmff.Span) error {
	size := s.Count * int64(t.pcm.FrameBytes)
	if s.Offset+size > t.survey.fileSize {
		return fault.Newf(fault.TruncatedFile,
			"mdat is cut: samples %d to %d of track %d lie at bytes %d to %d, the file ends at %d",
			s.First+1, s.First+s.Count, t.state.Number, s.Offset, s.Offset+size, t.survey.fileSize)
	}
	t.survey.count += s.Count
	t.survey.bytes += size
	return nil
}

func (p *probe) surveyFragments(ctx context.Context) error {
	byTrack := map[*isobmff.Track]*probeTrack{}
	for _, t := range p.tracks {
		byTrack[t.Track] = t
	}
	for c := p.movie.Fragments(p.in); ctx.Err() == nil; {
		runs, err := c.Next()
		if err != nil || runs == nil {
			return err
		}
		for _, run := range runs {
			if t := byTrack[run.Track]; t.skipped == "" {
				if err := t.addRun(&run); err != nil {
					return err
				}
			}
		}
	}
	return ctx.Err()
}

func (t *probeTrack) addRun(run *isobmff.Run) error {
	for i := range run.Samples {
		if err := t.add(&run.Samples[i]); err != nil {
			return err
		}
	}
	for i := range run.Spans {
		if err := t.addSpan(&run.Spans[i]); err != nil {
			return err
		}
	}
	return nil
}

// finish settles a track's time line and describes its Flow.
func (p *probe) finish(t *probeTrack) (formats.Track, error) {
	out := formats.Track{Number: t.state.Number}
	if t.skipped == "" && t.survey.count == 0 {
		t.skipped = "it has no samples"
	}
	if t.skipped != "" {
		out.Skipped = t.skipped
		return out, nil
	}
	if err := t.timeline(p.movie); err != nil {
		return out, err
	}
	t.flow = &media.Flow{
		Container: media.ContainerGSF, Timescale: int64(t.Timescale), GrainRate: t.state.Clock.grainRate(), StartTimecode: p.startTimecode(t),
		Tags: media.Tags{"mp4_track_id": {strconv.FormatUint(uint64(t.ID), 10)}},
	}
	if t.Language != "" && t.Language != "und" {
		t.flow.Tags["language"] = []string{t.Language}
	}
	var err error
	switch t.state.Kind {
	case kindH264:
		err = p.describeVideo(t)
	case kindAAC:
		t.describeAAC()
		// Frames are what they are even where the container leaves holes between them.
		t.flow.GrainRate = t.survey.prefer
	case kindPCM:
		err = t.describePCM()
	}
	if err != nil {
		return out, err
	}
	out.Flow, out.Range = t.flow, t.state.presented()
	out.Bytes, out.Grains = t.survey.bytes, t.survey.count
	if t.state.Kind == kindPCM {
		layout := layoutOf(&t.pcm)
		out.Grains = ceilMultiple(t.state.End-t.state.Begin, layout.SamplesPerGrain()) / layout.SamplesPerGrain()
	}
	if seconds := out.Range.Length().Seconds(); seconds > 0 {
		t.flow.AvgBitRate = int64(float64(out.Bytes)*8/1000/seconds + 0.5)
	}
	return out, nil
}

// startTimecode reads the timecode track that t refers to, or the only one.
func (p *probe) startTimecode(t *probeTrack) string {
	for _, code := range p.movie.Tracks {
		refers := len(t.Timecode) == 0
		for _, id := range t.Timecode {
			refers = refers || id == code.ID
		}
		if code.Handler != "tmcd" || !refers || len(code.Entries) == 0 {
			continue
		}
		format, ok := code.Entries[0].Timecode()
		frame, found := isobmff.ReadTimecode(p.in, code)
		if !ok || !found {
			continue
		}
		tc := mediatime.Timecode{
			Frames: int64(frame), Drop: format.DropFrame,
			Rate: mediatime.NewRate(int64(format.Timescale), int64(format.FrameDuration)),
		}
		return tc.String()
	}
	return ""
}
