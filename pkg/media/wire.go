package media

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// Proto returns the Flow as APIs carry it.
func (f *Flow) Proto() *mediav1.Flow {
	out := &mediav1.Flow{
		Id: IDText(f.ID), SourceId: IDText(f.SourceID), Format: string(f.Format),
		Codec: f.Codec, Container: f.Container, Label: f.Label, Description: f.Description,
		Tags: f.Tags.Proto(), Status: statusToProto[f.Status], GrainRate: rateProto(f.GrainRate),
		Timescale: f.Timescale, Timerange: f.Timerange.String(),
		AvgBitRate: f.AvgBitRate, MaxBitRate: f.MaxBitRate, ReadOnly: f.ReadOnly,
		CreatedUnixNs: unixNanos(f.Created), UpdatedUnixNs: unixNanos(f.Updated),
		JobId: f.JobID, StartTimecode: f.StartTimecode,
	}
	for _, id := range f.CollectedBy {
		out.CollectedBy = append(out.CollectedBy, id.String())
	}
	for _, m := range f.Collection {
		out.Collection = append(out.Collection, &mediav1.CollectionItem{FlowId: m.FlowID.String(), Role: m.Role})
	}
	for _, c := range f.Configs {
		out.CodecConfigs = append(out.CodecConfigs, &mediav1.CodecConfig{Fourcc: c.FourCC, SampleEntry: c.SampleEntry, DecoderConfig: c.Decoder})
	}
	if f.Video != nil {
		out.Video = f.Video.proto()
	}
	if f.Audio != nil {
		out.Audio = f.Audio.proto()
	}
	return out
}

// FlowFromProto reads what Proto wrote. Its errors name the field.
func FlowFromProto(in *mediav1.Flow) (*Flow, error) {
	f := &Flow{
		Format: Format(in.GetFormat()), Codec: in.GetCodec(), Container: in.GetContainer(),
		Label: in.GetLabel(), Description: in.GetDescription(), Tags: TagsFromProto(in.GetTags()),
		Status: statusFromProto(in.GetStatus()), GrainRate: RateFromProto(in.GetGrainRate()),
		Timescale: in.GetTimescale(), AvgBitRate: in.GetAvgBitRate(), MaxBitRate: in.GetMaxBitRate(),
		ReadOnly: in.GetReadOnly(), JobID: in.GetJobId(), StartTimecode: in.GetStartTimecode(),
		Created: timeFromNanos(in.GetCreatedUnixNs()), Updated: timeFromNanos(in.GetUpdatedUnixNs()),
		Video: videoFromProto(in.GetVideo()), Audio: audioFromProto(in.GetAudio()),
	}
	var err error
	if f.ID, err = ParseID(in.GetId()); err != nil {
		return nil, fmt.Errorf("flow id: %w", err)
	}
	if f.SourceID, err = ParseID(in.GetSourceId()); err != nil {
		return nil, fmt.Errorf("source id of flow %s: %w", f.ID, err)
	}
	if text := in.GetTimerange(); text != "" {
		if f.Timerange, err = mediatime.ParseRange(text); err != nil {
			return nil, fmt.Errorf("flow %s: %w", f.ID, err)
		}
	}
	for _, m := range in.GetCollection() {
		id, err := ParseID(m.GetFlowId())
		if err != nil {
			return nil, fmt.Errorf("member of flow %s: %w", f.ID, err)
		}
		f.Collection = append(f.Collection, Member{FlowID: id, Role: m.GetRole()})
	}
	for _, c := range in.GetCodecConfigs() {
		f.Configs = append(f.Configs, CodecConfig{FourCC: c.GetFourcc(), SampleEntry: c.GetSampleEntry(), Decoder: c.GetDecoderConfig()})
	}
	return f, nil
}

// Proto returns the Source as APIs carry it.
func (s *Source) Proto() *mediav1.Source {
	return &mediav1.Source{
		Id: IDText(s.ID), Format: string(s.Format), Label: s.Label, Description: s.Description,
		Tags: s.Tags.Proto(), CreatedUnixNs: unixNanos(s.Created), UpdatedUnixNs: unixNanos(s.Updated),
	}
}

// SourceFromProto reads what Proto wrote.
func SourceFromProto(in *mediav1.Source) (*Source, error) {
	id, err := ParseID(in.GetId())
	if err != nil {
		return nil, fmt.Errorf("source id: %w", err)
	}
	return &Source{
		ID: id, Format: Format(in.GetFormat()), Label: in.GetLabel(), Description: in.GetDescription(),
		Tags: TagsFromProto(in.GetTags()),
	}, nil
}

// Proto returns the tags as APIs carry them.
func (t Tags) Proto() map[string]*mediav1.TagValues {
	if len(t) == 0 {
		return nil
	}
	out := make(map[string]*mediav1.TagValues, len(t))
	for name, values := range t {
		out[name] = &mediav1.TagValues{Values: values}
	}
	return out
}

// TagsFromProto reads what Proto wrote.
func TagsFromProto(in map[string]*mediav1.TagValues) Tags {
	if len(in) == 0 {
		return nil
	}
	out := make(Tags, len(in))
	for name, values := range in {
		out[name] = values.GetValues()
	}
	return out
}

// RateFromProto reads a rate; nil is the zero Rate.
func RateFromProto(in *mediav1.Rate) mediatime.Rate {
	return mediatime.NewRate(in.GetNumerator(), in.GetDenominator())
}

func rateProto(r mediatime.Rate) *mediav1.Rate {
	if r.IsZero() {
		return nil
	}
	return &mediav1.Rate{Numerator: r.Num, Denominator: r.Den}
}

func (v *Video) proto() *mediav1.Video {
	return &mediav1.Video{
		Width: int32(v.Width), Height: int32(v.Height), BitDepth: int32(v.BitDepth),
		InterlaceMode: v.InterlaceMode, Colorspace: v.Colorspace, TransferCharacteristic: v.Transfer,
		AspectRatio: rateProto(v.AspectRatio), PixelAspectRatio: rateProto(v.PixelAspect),
		ComponentType: v.ComponentType, HorizontalChromaSubsampling: int32(v.HorizontalSubs),
		VerticalChromaSubsampling: int32(v.VerticalSubs), UncType: v.UncType,
		Profile: int32(v.Profile), Level: int32(v.Level), ProfileFlags: int32(v.ProfileFlags),
		VariableFrameRate: v.VariableRate, GsfFormat: v.GSFFormat,
	}
}

func videoFromProto(in *mediav1.Video) *Video {
	if in == nil {
		return nil
	}
	return &Video{
		Width: int(in.GetWidth()), Height: int(in.GetHeight()), BitDepth: int(in.GetBitDepth()),
		InterlaceMode: in.GetInterlaceMode(), Colorspace: in.GetColorspace(), Transfer: in.GetTransferCharacteristic(),
		AspectRatio: RateFromProto(in.GetAspectRatio()), PixelAspect: RateFromProto(in.GetPixelAspectRatio()),
		ComponentType: in.GetComponentType(), HorizontalSubs: int(in.GetHorizontalChromaSubsampling()),
		VerticalSubs: int(in.GetVerticalChromaSubsampling()), UncType: in.GetUncType(),
		Profile: int(in.GetProfile()), Level: int(in.GetLevel()), ProfileFlags: int(in.GetProfileFlags()),
		VariableRate: in.GetVariableFrameRate(), GSFFormat: in.GetGsfFormat(),
	}
}

func (a *Audio) proto() *mediav1.Audio {
	return &mediav1.Audio{
		SampleRate: int32(a.SampleRate), Channels: int32(a.Channels), BitDepth: int32(a.BitDepth),
		UncType: a.UncType, CodedFrameSize: int32(a.CodedFrameSize), Mp4Oti: int32(a.MP4OTI),
		FloatingPoint: a.Float, GsfFormat: a.GSFFormat,
	}
}

func audioFromProto(in *mediav1.Audio) *Audio {
	if in == nil {
		return nil
	}
	return &Audio{
		SampleRate: int(in.GetSampleRate()), Channels: int(in.GetChannels()), BitDepth: int(in.GetBitDepth()),
		UncType: in.GetUncType(), CodedFrameSize: int(in.GetCodedFrameSize()), MP4OTI: int(in.GetMp4Oti()),
		Float: in.GetFloatingPoint(), GSFFormat: in.GetGsfFormat(),
	}
}

var statusToProto = map[Status]mediav1.FlowStatus{
	StatusAwaiting:  mediav1.FlowStatus_FLOW_STATUS_AWAITING_CONTENT,
	StatusIngesting: mediav1.FlowStatus_FLOW_STATUS_INGESTING,
	StatusReplicate: mediav1.FlowStatus_FLOW_STATUS_REPLICATION_IN_PROGRESS,
	StatusComplete:  mediav1.FlowStatus_FLOW_STATUS_CLOSED_COMPLETE,
}

func statusFromProto(in mediav1.FlowStatus) Status {
	for status, value := range statusToProto {
		if value == in {
			return status
		}
	}
	return ""
}

// IDText writes an id as messages hold it: the nil id is an empty string.
func IDText(id uuid.UUID) string {
	if id == uuid.Nil {
		return ""
	}
	return id.String()
}

// ParseID reads what IDText wrote.
func ParseID(s string) (uuid.UUID, error) {
	if s == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.Nil, fmt.Errorf("%q is not a UUID: %w", s, err)
	}
	return id, nil
}

func unixNanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func timeFromNanos(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}
