package tams

import (
	"encoding/json"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// rational is a fraction of TAMS, whose denominator is 1 where it is not given.
type rational struct {
	Numerator   int64  `json:"numerator"`
	Denominator *int64 `json:"denominator,omitempty"`
}

func (r *rational) rate() mediatime.Rate {
	switch {
	case r == nil:
		return mediatime.Rate{}
	case r.Denominator == nil:
		return mediatime.NewRate(r.Numerator, 1)
	default:
		return mediatime.NewRate(r.Numerator, *r.Denominator)
	}
}

// essenceIn is what is read of the essence parameters of any format
// (schemas/flow-video.json, flow-audio.json, flow-data.json).
type essenceIn struct {
	FrameWidth    int       `json:"frame_width"`
	FrameHeight   int       `json:"frame_height"`
	FrameRate     *rational `json:"frame_rate"`
	VFR           bool      `json:"vfr"`
	BitDepth      int       `json:"bit_depth"`
	InterlaceMode string    `json:"interlace_mode"`
	Colorspace    string    `json:"colorspace"`
	Transfer      string    `json:"transfer_characteristic"`
	AspectRatio   *rational `json:"aspect_ratio"`
	PixelAspect   *rational `json:"pixel_aspect_ratio"`
	ComponentType string    `json:"component_type"`
	HorizSubs     int       `json:"horiz_chroma_subs"`
	VertSubs      int       `json:"vert_chroma_subs"`
	AVC           struct {
		Profile int `json:"profile"`
		Level   int `json:"level"`
		Flags   int `json:"flags"`
	} `json:"avc_parameters"`
	Unc struct {
		Type string `json:"unc_type"`
	} `json:"unc_parameters"`
	SampleRate int `json:"sample_rate"`
	Channels   int `json:"channels"`
	Codec      struct {
		FrameSize int `json:"coded_frame_size"`
		OTI       int `json:"mp4_oti"`
	} `json:"codec_parameters"`
}

// setEssence reads essence parameters into a Flow. What is kept of the Flow's source
// beside them (codes of GSF, codec configurations) stays.
func setEssence(f *store.Flow, raw json.RawMessage) error {
	if len(raw) == 0 {
		return nil
	}
	var in essenceIn
	if err := json.Unmarshal(raw, &in); err != nil {
		return fault.Newf(fault.Malformed, "essence_parameters: %w", err)
	}
	switch f.Format {
	case media.FormatVideo:
		return in.setVideo(f)
	case media.FormatAudio:
		return in.setAudio(f)
	case media.FormatImage:
		if in.FrameWidth <= 0 || in.FrameHeight <= 0 {
			return fault.New(fault.InvalidArgument, "essence_parameters of an image flow need frame_width and frame_height")
		}
	case media.FormatData, media.FormatMulti:
	}
	return nil
}

func (in *essenceIn) setVideo(f *store.Flow) error {
	rate := in.FrameRate.rate()
	switch {
	case in.FrameWidth <= 0 || in.FrameHeight <= 0:
		return fault.New(fault.InvalidArgument, "essence_parameters of a video flow need frame_width and frame_height")
	case in.VFR == !rate.IsZero():
		return fault.New(fault.InvalidArgument, "essence_parameters of a video flow need frame_rate, or vfr: true instead of it")
	case f.Codec == media.CodecRawVideo && (in.BitDepth == 0 || in.Unc.Type == ""):
		return fault.New(fault.InvalidArgument, "essence_parameters of video/raw need bit_depth and unc_parameters.unc_type")
	}
	var code uint32
	if f.Video != nil {
		code = f.Video.GSFFormat
	}
	f.GrainRate = rate
	f.Video = &media.Video{
		Width: in.FrameWidth, Height: in.FrameHeight, BitDepth: in.BitDepth, InterlaceMode: in.InterlaceMode,
		Colorspace: in.Colorspace, Transfer: in.Transfer, AspectRatio: in.AspectRatio.rate(), PixelAspect: in.PixelAspect.rate(),
		ComponentType: in.ComponentType, HorizontalSubs: in.HorizSubs, VerticalSubs: in.VertSubs, UncType: in.Unc.Type,
		Profile: in.AVC.Profile, Level: in.AVC.Level, ProfileFlags: in.AVC.Flags, VariableRate: in.VFR, GSFFormat: code,
	}
	return nil
}

func (in *essenceIn) setAudio(f *store.Flow) error {
	if in.SampleRate <= 0 || in.Channels <= 0 {
		return fault.New(fault.InvalidArgument, "essence_parameters of an audio flow need sample_rate and channels")
	}
	var code uint32
	if f.Audio != nil {
		code = f.Audio.GSFFormat
	}
	f.Audio = &media.Audio{
		SampleRate: in.SampleRate, Channels: in.Channels, BitDepth: in.BitDepth, UncType: in.Unc.Type,
		CodedFrameSize: in.Codec.FrameSize, MP4OTI: in.Codec.OTI, Float: strings.HasSuffix(f.Codec, "float"), GSFFormat: code,
	}
	return nil
}

// essenceJSON writes the essence parameters of a Flow; nil if it has none.
func essenceJSON(f *store.Flow) map[string]any {
	switch {
	case f.Video != nil:
		return videoJSON(f.Video, f.GrainRate)
	case f.Audio != nil:
		return audioJSON(f.Audio)
	case f.Format == media.FormatMulti:
		return nil
	default:
		return map[string]any{}
	}
}

func videoJSON(v *media.Video, rate mediatime.Rate) map[string]any {
	out := map[string]any{"frame_width": v.Width, "frame_height": v.Height}
	if rate.IsZero() {
		out["vfr"] = true
	}
	setRate(out, "frame_rate", rate)
	setRate(out, "aspect_ratio", v.AspectRatio)
	setRate(out, "pixel_aspect_ratio", v.PixelAspect)
	setNumber(out, "bit_depth", v.BitDepth)
	setText(out, "interlace_mode", v.InterlaceMode)
	setText(out, "colorspace", v.Colorspace)
	setText(out, "transfer_characteristic", v.Transfer)
	setText(out, "component_type", v.ComponentType)
	setNumber(out, "horiz_chroma_subs", v.HorizontalSubs)
	setNumber(out, "vert_chroma_subs", v.VerticalSubs)
	if v.UncType != "" {
		out["unc_parameters"] = map[string]any{"unc_type": v.UncType}
	}
	if v.Profile != 0 {
		out["avc_parameters"] = map[string]any{"profile": v.Profile, "level": v.Level, "flags": v.ProfileFlags}
	}
	return out
}

func audioJSON(a *media.Audio) map[string]any {
	out := map[string]any{"sample_rate": a.SampleRate, "channels": a.Channels}
	setNumber(out, "bit_depth", a.BitDepth)
	if a.UncType != "" {
		out["unc_parameters"] = map[string]any{"unc_type": a.UncType}
	}
	codec := map[string]any{}
	setNumber(codec, "coded_frame_size", a.CodedFrameSize)
	setNumber(codec, "mp4_oti", a.MP4OTI)
	if len(codec) > 0 {
		out["codec_parameters"] = codec
	}
	return out
}

func setRate(out map[string]any, name string, r mediatime.Rate) {
	if !r.IsZero() {
		out[name] = r
	}
}
