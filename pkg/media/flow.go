package media

import (
	"time"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Format is an NMOS content format (TAMS 8.2, content-format.json).
type Format string

// Content formats.
const (
	FormatVideo Format = "urn:x-nmos:format:video"
	FormatAudio Format = "urn:x-nmos:format:audio"
	FormatData  Format = "urn:x-nmos:format:data"
	FormatMulti Format = "urn:x-nmos:format:multi"
	FormatImage Format = "urn:x-tam:format:image"
)

// Codecs that Grainmesh knows, as TAMS names them.
const (
	CodecH264     = "video/h264"
	CodecAAC      = "audio/aac"
	CodecPCM      = "audio/x-raw-int"
	CodecPCMFloat = "audio/x-raw-float"
	CodecRawVideo = "video/raw"
)

// ContainerGSF is the MIME type of the objects that Grainmesh writes.
const ContainerGSF = "application/x-ips-gsf"

// Status is where a Flow stands (TAMS 8.2, flow-core.json).
type Status string

// Statuses.
const (
	StatusAwaiting  Status = "awaiting_content"
	StatusIngesting Status = "ingesting"
	StatusReplicate Status = "replication_in_progress"
	StatusComplete  Status = "closed_complete"
)

// Tags are free names with one or more values each.
type Tags map[string][]string

// TagPlanned is the tag by which an ingest says what range of a Flow it is going to
// write, so that who reads the Flow while it grows knows what is still to come.
const TagPlanned = "ingest_timerange"

// Planned returns what TagPlanned says, if it says something.
func (t Tags) Planned() (mediatime.Range, bool) {
	if len(t[TagPlanned]) == 0 {
		return mediatime.Range{}, false
	}
	r, err := mediatime.ParseRange(t[TagPlanned][0])
	return r, err == nil && !r.IsEmpty() && r.HasStart()
}

// Source is an abstract piece of content.
type Source struct {
	ID          uuid.UUID
	Format      Format
	Label       string
	Description string
	Tags        Tags
	Created     time.Time
	Updated     time.Time
}

// Flow is one representation of a Source.
type Flow struct {
	ID          uuid.UUID
	SourceID    uuid.UUID
	Format      Format
	Codec       string // MIME type; empty for a multi Flow
	Container   string // MIME type of its objects; empty for a multi Flow
	Label       string
	Description string
	Tags        Tags
	Status      Status
	// GrainRate is grains per second: frames for video, coded frames or blocks of
	// samples for audio. Zero when it varies.
	GrainRate mediatime.Rate
	Video     *Video // for FormatVideo
	Audio     *Audio // for FormatAudio
	// Collection lists the members of a multi Flow, in order.
	Collection []Member
	// Configs are the sample entries that its grains refer to by position.
	Configs []CodecConfig
	// Timescale is ticks per second of the source file's time stamps.
	Timescale     int64
	StartTimecode string
	ReadOnly      bool
	AvgBitRate    int64 // in 1000 bit/s
	MaxBitRate    int64 // in 1000 bit/s
	JobID         string
	CollectedBy   []uuid.UUID
	Timerange     mediatime.Range // what is stored
	Created       time.Time
	Updated       time.Time
}

// Member is one Flow of a multi Flow.
type Member struct {
	FlowID uuid.UUID
	Role   string
}

// CodecConfig is how a decoder must be set up for some grains of a Flow.
type CodecConfig struct {
	FourCC string
	// SampleEntry is the whole box of ISO/IEC 14496-12, verbatim, if there was one.
	SampleEntry []byte
	// Decoder is the payload of avcC, or an AudioSpecificConfig.
	Decoder []byte
}

// Video holds the parameters of a video Flow, named as in TAMS 8.2
// flow-video.json.
type Video struct {
	Width, Height  int
	BitDepth       int
	InterlaceMode  string
	Colorspace     string
	Transfer       string
	AspectRatio    mediatime.Rate
	PixelAspect    mediatime.Rate
	ComponentType  string
	HorizontalSubs int
	VerticalSubs   int
	UncType        string
	Profile, Level int
	ProfileFlags   int
	VariableRate   bool
	GSFFormat      uint32 // Cog frame format
}

// Audio holds the parameters of an audio Flow, named as in TAMS 8.2
// flow-audio.json.
type Audio struct {
	SampleRate     int
	Channels       int
	BitDepth       int
	UncType        string
	CodedFrameSize int // samples in a coded frame; 0 for raw audio
	MP4OTI         int
	Float          bool
	GSFFormat      uint32 // Cog audio format
}

// BytesPerSample returns the size of one sample of one channel of raw audio in
// the store, where 8 bits are widened to 16 and 20 to 24 (media rule 11).
func (a *Audio) BytesPerSample() int {
	switch {
	case a.Float && a.BitDepth == 64:
		return 8
	case a.Float, a.BitDepth > 24:
		return 4
	case a.BitDepth > 16:
		return 3
	default:
		return 2
	}
}
