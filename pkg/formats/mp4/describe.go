package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/h264"
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/pcm"
)

// describeVideo fills in the Flow of an H.264 track, with a look at its first
// picture.
func (p *probe) describeVideo(t *probeTrack) error {
	t.flow.Format, t.flow.Codec = media.FormatVideo, media.CodecH264
	for i := range t.Entries {
		e := &t.Entries[i]
		t.flow.Configs = append(t.flow.Configs, media.CodecConfig{FourCC: e.FourCC, SampleEntry: e.Raw, Decoder: e.Child("avcC")})
	}
	parser, config, err := newParser(&t.flow.Configs[t.first.Description])
	if err != nil {
		return fmt.Errorf("track %d: %w", t.state.Number, err)
	}
	sps := parser.SPS()
	pic, err := peek(p.in, parser, &t.first, config.LengthSize)
	switch {
	case err == nil:
		sps = pic.SPS
	case sps == nil:
		return fault.Newf(fault.MalformedFile, "track %d: neither its header nor its first picture tells what is in it: %w", t.state.Number, err)
	default:
		p.warnings = append(p.warnings, fmt.Sprintf("track %d: its first picture cannot be read: %v", t.state.Number, err))
	}
	if err == nil && (pic.Structure == h264.TopField || pic.Structure == h264.BottomField) && t.singleFields(p.in, parser, config.LengthSize) {
		return fault.Newf(fault.UnsupportedFile, "track %d stores the fields of a frame as samples of their own, which is not supported", t.state.Number)
	}
	t.flow.Video = videoOf(sps, &t.Entries[t.first.Description])
	t.flow.Video.VariableRate = !t.state.Clock.constant()
	return nil
}

// singleFields reads the whole first sample: a look at its start cannot tell a
// lone field from the first of two.
func (t *probeTrack) singleFields(in formats.Input, parser *h264.Parser, lengthSize int) bool {
	const most = 512 << 10
	if t.first.Size > most {
		return false
	}
	sample := make([]byte, t.first.Size)
	if n, _ := in.ReadAt(sample, t.first.Offset); n < len(sample) {
		return false
	}
	pic, err := parser.AVCC(sample, lengthSize)
	return err == nil && (pic.Structure == h264.TopField || pic.Structure == h264.BottomField)
}

// newParser returns a parser that knows the parameter sets of a configuration.
func newParser(c *media.CodecConfig) (*h264.Parser, *h264.Config, error) {
	config, err := h264.ParseConfig(c.Decoder)
	if err != nil {
		return nil, nil, fault.Wrap(fault.MalformedFile, err)
	}
	parser := &h264.Parser{}
	if err := parser.AddSets(config); err != nil {
		return nil, nil, fault.Wrap(fault.MalformedFile, err)
	}
	return parser, config, nil
}

// Bytes of a picture that are looked at: most slices begin within the first
// few, but SEI and parameter sets may stand before them.
const (
	peekBytes    = 1 << 10
	peekBytesMax = 64 << 10
)

// peek reads the start of a sample and tells what picture it is.
func peek(in formats.Input, parser *h264.Parser, s *isobmff.Sample, lengthSize int) (h264.Picture, error) {
	for size := int64(peekBytes); ; size = peekBytesMax {
		prefix := make([]byte, min(size, int64(s.Size)))
		if n, err := in.ReadAt(prefix, s.Offset); n < len(prefix) {
			return h264.Picture{}, fmt.Errorf("reading the start of the picture at byte %d: %w", s.Offset, err)
		}
		pic, err := parser.PeekAVCC(prefix, lengthSize)
		if !errors.Is(err, h264.ErrNoPicture) || len(prefix) == int(s.Size) || size == peekBytesMax {
			return pic, err
		}
	}
}

func videoOf(sps *h264.SPS, e *isobmff.Entry) *media.Video {
	v := &media.Video{
		Width: sps.Width, Height: sps.Height, BitDepth: int(sps.BitDepth), InterlaceMode: "progressive",
		ComponentType: "YCbCr", HorizontalSubs: 1, VerticalSubs: 1,
		Profile: int(sps.Profile), Level: int(sps.Level), ProfileFlags: int(sps.Constraints),
		GSFFormat: uint32(gsf.FrameH264),
	}
	if sps.ChromaFormat == 1 || sps.ChromaFormat == 2 {
		v.HorizontalSubs = 2
	}
	if sps.ChromaFormat == 1 {
		v.VerticalSubs = 2
	}
	if !sps.FrameOnly {
		v.InterlaceMode = interlace(e.Child("fiel"))
	}
	v.PixelAspect = mediatime.NewRate(int64(sps.SampleAspect.Num), int64(sps.SampleAspect.Den))
	if pasp := e.Child("pasp"); len(pasp) >= 8 {
		v.PixelAspect = mediatime.NewRate(int64(binary.BigEndian.Uint32(pasp)), int64(binary.BigEndian.Uint32(pasp[4:])))
	}
	if v.PixelAspect.IsZero() {
		v.PixelAspect = mediatime.NewRate(1, 1)
	}
	v.AspectRatio = mediatime.NewRate(int64(v.Width)*v.PixelAspect.Num, int64(v.Height)*v.PixelAspect.Den)
	v.Colorspace, v.Transfer = colourNames(sps.Colour, e.Child("colr"))
	return v
}

// interlace reads QuickTime's fiel box; a stream that allows fields and says
// nothing is taken as top field first, which all but old 525 line material is.
func interlace(fiel []byte) string {
	const oneField, bottomFirst, bottomFirstInterleaved = 1, 6, 14
	switch {
	case len(fiel) >= 1 && fiel[0] == oneField:
		return "progressive"
	case len(fiel) >= 2 && (fiel[1] == bottomFirst || fiel[1] == bottomFirstInterleaved):
		return "interlaced_bff"
	}
	return "interlaced_tff"
}

// colourNames maps code points of ITU-T H.273 to the names of TAMS; the
// container's colr box wins over the bitstream.
func colourNames(c h264.Colour, colr []byte) (space, transfer string) {
	if len(colr) >= 10 && (string(colr[:4]) == "nclx" || string(colr[:4]) == "nclc") {
		c.Primaries, c.Transfer = colr[5], colr[7]
	}
	const pq, hlg = 16, 18
	switch c.Transfer {
	case 1, 4, 5, 6, 13, 14, 15:
		transfer = "SDR"
	case pq:
		transfer = "PQ"
	case hlg:
		transfer = "HLG"
	}
	switch {
	case c.Primaries == 1:
		space = "BT709"
	case c.Primaries == 5 || c.Primaries == 6:
		space = "BT601"
	case c.Primaries == 9 && (c.Transfer == pq || c.Transfer == hlg):
		space = "BT2100"
	case c.Primaries == 9:
		space = "BT2020"
	}
	return space, transfer
}

func (t *probeTrack) describeAAC() {
	t.flow.Format, t.flow.Codec = media.FormatAudio, media.CodecAAC
	for i := range t.Entries {
		e := &t.Entries[i]
		config, _ := e.DecoderConfig()
		t.flow.Configs = append(t.flow.Configs, media.CodecConfig{FourCC: e.FourCC, SampleEntry: e.Raw, Decoder: config.Specific})
		t.flow.MaxBitRate = max(t.flow.MaxBitRate, int64(config.MaxBitRate)/1000)
	}
	channels := t.aac.OutputChannels()
	if channels == 0 {
		channels = max(1, t.Entries[0].Channels)
	}
	t.flow.Audio = &media.Audio{
		SampleRate: t.aac.OutputRate, Channels: channels, CodedFrameSize: t.aac.OutputSamples(), MP4OTI: t.aac.OTI(),
		GSFFormat: uint32(gsf.AudioAAC),
	}
}

// layoutOf says how PCM samples are written in the file.
func layoutOf(p *isobmff.PCM) pcm.Layout {
	return pcm.Layout{
		SampleRate: int(p.SampleRate), Channels: p.Channels, Bytes: (p.Bits + 7) / 8, ValidBits: p.Bits,
		Float: p.Float, BigEndian: p.BigEndian, Unsigned: p.Unsigned,
	}
}

func (t *probeTrack) describePCM() error {
	flow, err := layoutOf(&t.pcm).Flow()
	if err != nil {
		return fault.Newf(fault.UnsupportedFile, "track %d: %w", t.state.Number, err)
	}
	maps.Copy(flow.Tags, t.flow.Tags)
	flow.StartTimecode = t.flow.StartTimecode
	t.flow = flow
	for i := range t.Entries {
		t.flow.Configs = append(t.flow.Configs, media.CodecConfig{FourCC: t.Entries[i].FourCC, SampleEntry: t.Entries[i].Raw})
	}
	return nil
}
