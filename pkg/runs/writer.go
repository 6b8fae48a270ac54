package runs

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// localID is the number of the one segment in our objects.
const localID = 1

// Writer builds one object in memory. The same grains and ids give the same bytes.
type Writer struct {
	flow   *media.Flow
	header gsf.Header
	buf    []byte
	index  media.Index
	extent mediatime.Range
	keys   int
	grain  gsf.Grain // reused from grain to grain
}

// NewWriter begins the object with the given file id, in the memory of buf, which
// may be nil.
func NewWriter(flow *media.Flow, id uuid.UUID, buf []byte) *Writer {
	w := &Writer{flow: flow}
	w.header = gsf.Header{
		ID: id, Created: flow.Created.UTC(),
		Segments: []gsf.Segment{{LocalID: localID, ID: flow.ID, Count: gsf.CountUnknown}},
	}
	// The header is written at the end, when the number of grains is known; its size
	// does not depend on it.
	size := gsf.HeaderSize(&w.header)
	w.buf = slices.Grow(buf[:0], size)[:size]
	w.grain = gsf.Grain{LocalID: localID, SourceID: flow.SourceID, FlowID: flow.ID, Kind: kindOf(flow)}
	return w
}

// Size returns how many bytes the object has so far.
func (w *Writer) Size() int { return len(w.buf) }

// Grains returns how many grains it has so far.
func (w *Writer) Grains() int { return len(w.index) }

// Add appends a grain, copying its data.
func (w *Writer) Add(g *formats.Grain) error {
	w.describe(g)
	var err error
	if w.buf, err = gsf.AppendGrainHeader(w.buf, gsf.Major9, &w.grain, len(g.Data)); err != nil {
		return fmt.Errorf("grain at %s: %w", g.PTS, err)
	}
	entry := media.Entry{Grain: g.Grain, Offset: int64(len(w.buf)), Size: int64(len(g.Data))}
	w.buf = append(w.buf, g.Data...)
	w.index = append(w.index, entry)
	w.extent = w.extent.Union(g.Range())
	if g.Access != media.NotRandom {
		w.keys++
	}
	return nil
}

// Object is a finished object.
type Object struct {
	Bytes     []byte
	Index     media.Index
	Range     mediatime.Range // from the first to the last instant of its grains
	KeyFrames int
}

// Finish ends the object. The writer must not be used again; its memory is the
// object's.
func (w *Writer) Finish() (*Object, error) {
	w.header.Segments[0].Count = int64(len(w.index))
	if _, err := gsf.AppendHeader(w.buf[:0], &w.header); err != nil {
		return nil, fmt.Errorf("header of an object of flow %s: %w", w.flow.ID, err)
	}
	return &Object{Bytes: gsf.AppendTerminator(w.buf), Index: w.index, Range: w.extent, KeyFrames: w.keys}, nil
}

// describe fills the GSF header of a grain: as its GSF source had it, or from the
// Flow.
func (w *Writer) describe(g *formats.Grain) {
	if g.GSF != nil {
		w.grain = *g.GSF
		w.grain.LocalID, w.grain.SourceID, w.grain.FlowID = localID, w.flow.SourceID, w.flow.ID
		return
	}
	h := &w.grain
	h.Origin, h.Sync = g.Order, g.Order
	h.Rate, h.Duration = timing(w.flow.GrainRate, g.Duration)
	switch h.Kind {
	case gsf.KindAudio:
		h.Audio = gsf.Audio{
			Format: gsf.AudioFormat(w.flow.Audio.GSFFormat), Channels: uint16(w.flow.Audio.Channels),
			Samples: g.Samples, SampleRate: uint32(w.flow.Audio.SampleRate),
		}
	case gsf.KindCodedAudio:
		h.CodedAudio = gsf.CodedAudio{
			Format: gsf.AudioFormat(w.flow.Audio.GSFFormat), Channels: uint16(w.flow.Audio.Channels),
			Samples: g.Samples, Priming: g.Priming, Remainder: g.Remainder, SampleRate: uint32(w.flow.Audio.SampleRate),
		}
	case gsf.KindCodedVideo:
		h.CodedVideo = codedVideo(w.flow.Video, g)
	case gsf.KindVideo:
		h.Video = rawVideo(w.flow.Video)
	case gsf.KindEvent, gsf.KindEmpty:
	}
}

func rawVideo(v *media.Video) gsf.Video {
	out := gsf.Video{
		Format: gsf.FrameFormat(v.GSFFormat), Layout: layoutOf(v.InterlaceMode), Width: uint32(v.Width), Height: uint32(v.Height),
		SourceAspect: ratio(v.AspectRatio), PixelAspect: ratio(v.PixelAspect),
	}
	// Without components, as for formats of unknown geometry, a reader sizes by itself.
	out.Components, _ = out.Format.Components(out.Width, out.Height)
	return out
}

// ratio is a ratio as GSF has it, null if it is not known or has no room there.
func ratio(r mediatime.Rate) gsf.Rational {
	out, err := gsf.NewRational(r)
	if err != nil {
		return gsf.Rational{Den: 1}
	}
	return out
}

func codedVideo(v *media.Video, g *formats.Grain) gsf.CodedVideo {
	key := gsf.KeyFrameNo
	if g.Access == media.Clean || g.Access == media.OpenGOP {
		key = gsf.KeyFrameYes
	}
	return gsf.CodedVideo{
		Format: gsf.FrameFormat(v.GSFFormat), Layout: layoutOf(v.InterlaceMode),
		OriginWidth: uint32(v.Width), OriginHeight: uint32(v.Height), CodedWidth: uint32(v.Width), CodedHeight: uint32(v.Height),
		KeyFrame: key, TemporalOffset: g.TemporalOffset, UnitOffsets: g.UnitOffsets,
	}
}

func layoutOf(interlaceMode string) gsf.FrameLayout {
	switch interlaceMode {
	case "progressive":
		return gsf.LayoutFullFrame
	case "interlaced_tff", "interlaced_bff":
		return gsf.LayoutMixedFields
	case "interlaced_psf":
		return gsf.LayoutSegmentedFrame
	default:
		return gsf.LayoutUnknown
	}
}

// kindOf says which essence header the grains of a Flow have.
func kindOf(f *media.Flow) gsf.Kind {
	raw := f.Codec == media.CodecPCM || f.Codec == media.CodecPCMFloat || f.Codec == media.CodecRawVideo
	switch {
	case f.Audio != nil && raw:
		return gsf.KindAudio
	case f.Audio != nil:
		return gsf.KindCodedAudio
	case f.Video != nil && raw:
		return gsf.KindVideo
	case f.Video != nil:
		return gsf.KindCodedVideo
	default:
		return gsf.KindEvent
	}
}

// timing returns rate and duration as GSF has them: exact where the rate is
// constant, else the nanoseconds of this grain.
func timing(rate mediatime.Rate, duration mediatime.Time) (gsf.Rational, gsf.Rational) {
	if exact, err := gsf.NewRational(rate); err == nil && !rate.IsZero() {
		return exact, gsf.Rational{Num: exact.Den, Den: exact.Num}
	}
	length, err := gsf.NewRational(mediatime.NewRate(int64(duration), int64(mediatime.Second)))
	if err != nil {
		// Longer than 2^32 ns in lowest terms: milliseconds do.
		length = gsf.Rational{Num: uint32(duration / mediatime.Millisecond), Den: uint32(mediatime.Second / mediatime.Millisecond)}
	}
	return gsf.Rational{Den: 1}, length
}
