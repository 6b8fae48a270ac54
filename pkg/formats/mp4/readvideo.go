package mp4

import (
	"bytes"
	"cmp"
	"errors"
	"slices"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/h264"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// videoReader makes grains of H.264 samples.
type videoReader struct {
	*chunkTrack
	place
	sink    formats.Sink
	flow    *media.Flow
	parser  *h264.Parser
	lengths int      // size of the length fields
	config  int      // position of the parser's configuration
	sets    [][]byte // parameter sets of that configuration
	ranks   []int
	sorted  []int64 // PTS of the object in display order
	rapPTS  int64
	hasRAP  bool
	grain   formats.Grain
}

func newVideoReader(t *chunkTrack, flow *media.Flow, sink formats.Sink) (*videoReader, error) {
	v := &videoReader{chunkTrack: t, place: place{list: t.objects}, sink: sink, flow: flow, config: -1}
	for i := range t.objects {
		if len(t.objects[i].Samples) == 0 {
			return nil, errState
		}
	}
	return v, nil
}

func (v *videoReader) take(data []byte) error {
	o := &v.list[v.object]
	s := &o.Samples[v.sample]
	if v.sample == 0 {
		if err := v.sink.StartObject(v.Number, o.Segment.Shift(v.Shift)); err != nil {
			return err
		}
		v.arrange(o)
	}
	if err := v.configure(s.Description); err != nil {
		return err
	}
	g := &v.grain
	g.Grain = media.Grain{Ticks: s.PTS, Config: uint16(s.Description)}
	v.setTimes(o)
	if err := v.setPicture(s, data); err != nil {
		return err
	}
	v.step()
	return v.sink.Grain(v.Number, g)
}

// arrange works out the display order of an object's pictures.
func (v *videoReader) arrange(o *object) {
	byPTS := make([]int, len(o.Samples))
	for i := range byPTS {
		byPTS[i] = i
	}
	slices.SortStableFunc(byPTS, func(a, b int) int { return cmp.Compare(o.Samples[a].PTS, o.Samples[b].PTS) })
	v.ranks = make([]int, len(byPTS))
	v.sorted = make([]int64, len(byPTS))
	for rank, i := range byPTS {
		v.ranks[i], v.sorted[rank] = rank, o.Samples[i].PTS
	}
}

// configure sets up the parser for a sample entry.
func (v *videoReader) configure(description int) error {
	if description == v.config {
		return nil
	}
	if description >= len(v.flow.Configs) {
		return fault.Newf(fault.MalformedFile, "track %d names sample entry %d of %d", v.Number, description+1, len(v.flow.Configs))
	}
	parser, config, err := newParser(&v.flow.Configs[description])
	if err != nil {
		return err
	}
	v.parser, v.lengths, v.config, v.sets = parser, config.LengthSize, description, config.Sets()
	return nil
}

// setTimes fills in the times of the sample at hand (media rule 7).
func (v *videoReader) setTimes(o *object) {
	g := &v.grain.Grain
	rank := v.ranks[v.sample]
	ticks, index := v.sorted[rank], o.First+int64(rank)
	g.PTS = v.Clock.at(ticks, index) + v.Shift
	g.Order = v.Clock.at(v.sorted[v.sample], o.First+int64(v.sample)) + v.Shift
	g.TemporalOffset = int32(rank - v.sample)
	var end mediatime.Time
	switch {
	case v.Clock.Step > 0:
		end = v.Clock.at(ticks+v.Clock.Step, 0)
	case v.Clock.constant():
		end = v.Clock.at(0, index+1)
	case rank+1 < len(v.sorted):
		end = v.Clock.at(v.sorted[rank+1], 0)
	default:
		end = v.Clock.at(o.After, 0)
	}
	g.Duration = max(0, end+v.Shift-g.PTS)
}

// setPicture fills in what the bitstream tells and the picture itself. Pictures
// that cannot be read are kept as they are, and are no random access points;
// only where the borders of units are wrong nothing can be kept.
func (v *videoReader) setPicture(s *isobmff.Sample, data []byte) error {
	pic, err := v.parser.AVCC(data, v.lengths)
	if errors.Is(err, h264.ErrFraming) {
		return fault.Newf(fault.MalformedFile, "sample at byte %d of track %d: %w", s.Offset, v.Number, err)
	}
	g := &v.grain
	rap := h264.RAPNone
	if err == nil {
		rap = pic.RAP(s.Sync)
		g.Disposable = pic.Disposable
	}
	var inject [][]byte
	if rap != h264.RAPNone && !pic.Complete {
		inject = v.sets
		if active := v.parser.Sets(); !slices.EqualFunc(active, v.sets, bytes.Equal) {
			// Sets have changed in the stream. Behind those of the sample entry they win,
			// and their number tells that they are not just those.
			inject = slices.Concat(v.sets, active)
		}
	}
	v.setAccess(&pic, rap, s.PTS)
	var injected int
	g.Data, g.UnitOffsets, injected, err = h264.ToAnnexB(g.Data[:0], data, v.lengths, inject)
	if err != nil || injected > 255 {
		return fault.Newf(fault.MalformedFile, "sample at byte %d of track %d, with %d parameter sets: %w", s.Offset, v.Number, injected, err)
	}
	g.Injected = uint8(injected)
	return nil
}

func (v *videoReader) setAccess(pic *h264.Picture, rap h264.RAP, pts int64) {
	g := &v.grain
	switch {
	case rap == h264.RAPNone:
		g.Leading = v.hasRAP && pts < v.rapPTS
		return
	case rap == h264.RAPIDR, rap == h264.RAPOpen && pic.SPS.IntraOnly():
		g.Access = media.Clean
	case rap == h264.RAPOpen:
		g.Access = media.OpenGOP
	case rap == h264.RAPRecovery:
		g.Access = media.Recovery
		g.RecoveryFrames = uint16(min(pic.Recovery.FrameCount, 0xffff))
	}
	v.hasRAP, v.rapPTS = true, pts
}
