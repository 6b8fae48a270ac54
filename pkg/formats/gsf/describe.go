package gsf

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// timescale is ticks per second of GSF's times.
const timescale = int64(mediatime.Second)

// describe makes the Flow of a track from its first grain, and what the grain does
// not say from the Flow block of its segment.
func (p *prober) describe(t *formats.Track, f *found) {
	g := &f.grain
	document := documentOf(f.segment.Flow)
	flow := &media.Flow{
		Container: media.ContainerGSF, Label: document.Label, Description: document.Description,
		GrainRate: g.Rate.Rate(), Timescale: timescale, Tags: f.tags(&document),
	}
	switch g.Kind {
	case gsf.KindVideo, gsf.KindCodedVideo:
		flow.Format, flow.Video = media.FormatVideo, video(g, &document)
		flow.Codec = frameCodec(videoFormat(g), document.MediaType)
		flow.Video.VariableRate = flow.GrainRate.IsZero()
	case gsf.KindAudio, gsf.KindCodedAudio:
		flow.Format, flow.Audio = media.FormatAudio, audio(g)
		flow.Codec = audioCodec(audioFormat(g), document.MediaType)
	case gsf.KindEvent:
		flow.Format, flow.Codec = media.FormatData, "application/json"
	default:
		t.Skipped = "its grains are empty"
		return
	}
	flow.StartTimecode = timecode(g, flow.GrainRate)
	t.Flow = flow
	t.GivenSource = p.given("source", g.SourceID)
	t.GivenFlow = p.given("flow", g.FlowID)
}

// given returns an id that the store can use, which are UUIDs of versions 1 to 5
// as TAMS asks for, or none.
func (p *prober) given(what string, id uuid.UUID) uuid.UUID {
	if id.Variant() == uuid.RFC4122 && id.Version() >= 1 && id.Version() <= 5 {
		return id
	}
	p.warnings = append(p.warnings, fmt.Sprintf("the %s id %s is not one that TAMS allows; another is made", what, id))
	return uuid.Nil
}

// document is what is used of the Flow document, NMOS or TAMS, of a segment.
type document struct {
	Label         string                     `json:"label"`
	Description   string                     `json:"description"`
	MediaType     string                     `json:"media_type"`
	InterlaceMode string                     `json:"interlace_mode"`
	Colorspace    string                     `json:"colorspace"`
	Transfer      string                     `json:"transfer_characteristic"`
	Tags          map[string]json.RawMessage `json:"tags"`
}

// documentOf reads the document as far as it is one.
func documentOf(block *gsf.FlowBlock) document {
	var d document
	if block == nil || json.Unmarshal(block.Document, &d) != nil {
		return document{}
	}
	return d
}

// tags returns those of the Flow document, of the segment and of the file.
func (f *found) tags(d *document) media.Tags {
	out := media.Tags{}
	for name, raw := range d.Tags {
		var one string
		var many []string
		switch {
		case json.Unmarshal(raw, &one) == nil:
			out[name] = []string{one}
		case json.Unmarshal(raw, &many) == nil:
			out[name] = many
		}
	}
	for _, list := range [][]gsf.Tag{f.segment.Tags, f.header.Tags} {
		for _, t := range list {
			if _, given := d.Tags[t.Key]; !given {
				out[t.Key] = append(out[t.Key], t.Value)
			}
		}
	}
	return out
}

// timecode returns the first time label that counts grains.
func timecode(g *gsf.Grain, rate mediatime.Rate) string {
	for i := range g.Labels {
		if label := &g.Labels[i]; label.Rate.Rate() == rate && !rate.IsZero() {
			return mediatime.Timecode{Frames: int64(label.Frames), Rate: rate, Drop: label.DropFrame}.String()
		}
	}
	return ""
}

func videoFormat(g *gsf.Grain) gsf.FrameFormat {
	if g.Kind == gsf.KindVideo {
		return g.Video.Format
	}
	return g.CodedVideo.Format
}

func video(g *gsf.Grain, d *document) *media.Video {
	v := &media.Video{GSFFormat: uint32(videoFormat(g)), Colorspace: d.Colorspace, Transfer: d.Transfer}
	layout := g.CodedVideo.Layout
	if g.Kind == gsf.KindCodedVideo {
		c := &g.CodedVideo
		v.Width, v.Height = int(cmp.Or(c.OriginWidth, c.CodedWidth)), int(cmp.Or(c.OriginHeight, c.CodedHeight))
	} else {
		layout = g.Video.Layout
		v.Width, v.Height = int(g.Video.Width), int(g.Video.Height)
		v.AspectRatio, v.PixelAspect = g.Video.SourceAspect.Rate(), g.Video.PixelAspect.Rate()
	}
	if raw, ok := videoFormat(g).Raw(); ok {
		v.BitDepth, v.UncType, v.HorizontalSubs, v.VerticalSubs = raw.BitDepth, raw.Type, raw.HorizSubs, raw.VertSubs
		v.ComponentType = "YCbCr"
		if raw.RGB {
			v.ComponentType = "RGB"
		}
	}
	v.InterlaceMode = cmp.Or(d.InterlaceMode, interlaceMode(layout))
	return v
}

// interlaceMode says what a layout is in TAMS, where that is certain: GSF does not
// say which field comes first.
func interlaceMode(l gsf.FrameLayout) string {
	switch l {
	case gsf.LayoutFullFrame:
		return "progressive"
	case gsf.LayoutSegmentedFrame:
		return "interlaced_psf"
	default:
		return ""
	}
}

// unknownCodec is the type of essence whose coding nobody names.
const unknownCodec = "application/octet-stream"

// frameCodec returns the MIME type of a frame format, or what the Flow document
// says where the format has no code.
func frameCodec(f gsf.FrameFormat, documented string) string {
	switch f {
	case gsf.FrameMJPEG:
		return "video/jpeg"
	case gsf.FrameDNxHD:
		return "video/vc3"
	case gsf.FrameMPEG2, gsf.FrameD10:
		return "video/mpv"
	case gsf.FrameAVCI, gsf.FrameH264:
		return media.CodecH264
	case gsf.FrameDV:
		return "video/dv"
	case gsf.FrameVC2:
		return "video/vc2"
	case gsf.FrameVP8:
		return "video/vp8"
	case gsf.FrameH265:
		return "video/h265"
	}
	if f.Planar() || f.Packed() {
		return media.CodecRawVideo
	}
	return cmp.Or(strings.ToLower(documented), unknownCodec)
}

func audioFormat(g *gsf.Grain) gsf.AudioFormat {
	if g.Kind == gsf.KindAudio {
		return g.Audio.Format
	}
	return g.CodedAudio.Format
}

func audio(g *gsf.Grain) *media.Audio {
	if g.Kind == gsf.KindCodedAudio {
		a := &g.CodedAudio
		return &media.Audio{
			SampleRate: int(a.SampleRate), Channels: int(a.Channels), CodedFrameSize: int(a.Samples), GSFFormat: uint32(a.Format),
		}
	}
	out := &media.Audio{SampleRate: int(g.Audio.SampleRate), Channels: int(g.Audio.Channels), GSFFormat: uint32(g.Audio.Format)}
	if raw, ok := g.Audio.Format.Raw(); ok {
		out.BitDepth, out.UncType, out.Float = raw.BitDepth, raw.Type, raw.Float
	}
	return out
}

// audioCodec returns the MIME type of an audio format, or what the Flow document
// says where the format has no code.
func audioCodec(f gsf.AudioFormat, documented string) string {
	switch f {
	case gsf.AudioMP1:
		return "audio/mpeg"
	case gsf.AudioAAC:
		return media.CodecAAC
	case gsf.AudioOpus:
		return "audio/opus"
	}
	raw, ok := f.Raw()
	switch {
	case ok && raw.Float:
		return media.CodecPCMFloat
	case ok:
		return media.CodecPCM
	default:
		return cmp.Or(strings.ToLower(documented), unknownCodec)
	}
}

// intra says that decoding can start at every grain of a track.
func (f *found) intra() bool {
	if f.grain.Kind != gsf.KindCodedVideo {
		return true
	}
	switch f.grain.CodedVideo.Format {
	case gsf.FrameMJPEG, gsf.FrameDNxHD, gsf.FrameAVCI, gsf.FrameDV, gsf.FrameD10, gsf.FrameVC2:
		return true
	default:
		return false
	}
}
