package origin

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/h264"
	"github.com/grainmesh/grainmesh/pkg/media"

	"github.com/grainmesh/grainmesh/services/origin/fmp4"
)

// lengthSize is what the sample entries that are made here say.
const lengthSize = 4

// frameAVC brings a picture from the store into the form that its sample entry
// says, which is the very sample that was ingested.
func frameAVC(c media.CodecConfig, data []byte, offsets []uint32, injected int) ([]byte, error) {
	if described(c) && len(offsets) > 0 {
		config, err := h264.ParseConfig(c.Decoder)
		if err != nil {
			return nil, err
		}
		return h264.ToAVCC(make([]byte, 0, len(data)), data, offsets, injected, config.LengthSize)
	}
	out := make([]byte, 0, len(data)+lengthSize)
	err := h264.EachAnnexB(data, func(unit []byte) error {
		out = append(binary.BigEndian.AppendUint32(out, uint32(len(unit))), unit...)
		return nil
	})
	return out, err
}

// reorderFrames returns how many pictures may be decoded before one that is shown
// before them (max_num_reorder_frames, H.264 E.2.1); 0 where it is not said.
func reorderFrames(c media.CodecConfig) int {
	config, err := h264.ParseConfig(c.Decoder)
	if err != nil || len(config.SPS) == 0 {
		return 0
	}
	sps, err := h264.ParseSPS(config.SPS[0])
	if err != nil {
		return 0
	}
	return max(0, sps.Reorder)
}

// initSection returns the media initialization section of a sample entry.
func (s *Service) initSection(ctx context.Context, v *view, t *trackView, config uint16) ([]byte, error) {
	entry, err := s.sampleEntry(ctx, v, t, config)
	if err != nil {
		return nil, err
	}
	track := &fmp4.Track{Timescale: uint32(t.timescale), SampleEntry: entry, Audio: t.audio, Skip: t.skip}
	track.Width, track.Height = t.display()
	return fmp4.Init(track), nil
}

// sampleEntry returns the sample entry of the source, verbatim where players take
// it, or one that is made.
func (s *Service) sampleEntry(ctx context.Context, v *view, t *trackView, n uint16) ([]byte, error) {
	c, a := t.config(n), t.flow.Audio
	switch {
	case t.raw != nil:
		f := t.raw.format
		return fmp4.FLAC(f.StreamInfo(), f.Channels, f.Bits, f.Rate), nil
	case t.audio && isoSound(c.SampleEntry):
		return c.SampleEntry, nil
	case t.audio:
		return fmp4.AAC(c.Decoder, a.Channels, a.SampleRate), nil
	case described(c):
		return c.SampleEntry, nil
	default:
		return s.foundEntry(ctx, v, t, n)
	}
}

// isoSound says that a sample entry is an mp4a of ISO files. QuickTime has others by
// the same name, with a version in place of reserved zeros, which browsers refuse.
func isoSound(entry []byte) bool {
	const version = 16
	return len(entry) > version+2 && binary.BigEndian.Uint16(entry[version:]) == 0
}

// foundEntry makes a sample entry from the parameter sets in the first picture that
// has this configuration.
func (s *Service) foundEntry(ctx context.Context, v *view, t *trackView, n uint16) ([]byte, error) {
	number := -1
	for i := range t.spans {
		if !t.spans[i].Empty && t.spans[i].Config == n {
			number = i
			break
		}
	}
	if number < 0 {
		return nil, fault.Newf(fault.NotFound, "flow %s has no pictures with sample entry %d", t.flow.ID, n)
	}
	b := &builder{s, v, t, number, t.spans[number]}
	taken := false
	pieces, err := s.fetchGrains(ctx, t, wanted{window: b.window(), headers: true, takes: func(stored *storedSegment, e *media.Entry) bool {
		if taken || !b.takes(stored, e) {
			return false
		}
		taken = true
		return true
	}})
	if err != nil || len(pieces) == 0 {
		return nil, err
	}
	config, err := configIn(pieces[0])
	if err != nil {
		return nil, fault.Newf(fault.Internal, "flow %s: %w", t.flow.ID, err)
	}
	return fmp4.AVC(config, t.flow.Video.Width, t.flow.Video.Height), nil
}

// configIn makes an avcC from the parameter sets in a picture.
func configIn(p *piece) ([]byte, error) {
	var grain gsf.Grain
	if err := p.decode(0, &grain); err != nil {
		return nil, err
	}
	var sps, pps [][]byte
	err := h264.EachAnnexB(grain.Data, func(unit []byte) error {
		switch h264.TypeOf(unit) {
		case h264.UnitSPS:
			sps = append(sps, unit)
		case h264.UnitPPS:
			pps = append(pps, unit)
		default:
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	config, err := h264.NewConfig(sps, pps, lengthSize)
	if err != nil {
		return nil, fmt.Errorf("object %s: grain %d: %w", p.stored.Object, p.from, err)
	}
	return config.Bytes(), nil
}
