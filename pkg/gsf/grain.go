package gsf

import (
	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Kind says which essence header a grain has.
type Kind uint8

// The kinds of grain.
const (
	KindEmpty      Kind = iota // no essence header
	KindVideo                  // Grain.Video, block vghd
	KindCodedVideo             // Grain.CodedVideo, block cghd
	KindAudio                  // Grain.Audio, block aghd
	KindCodedAudio             // Grain.CodedAudio, block cahd
	KindEvent                  // Grain.Event, block eghd
)

// String gives the kind in words.
func (k Kind) String() string {
	switch k {
	case KindEmpty:
		return "empty"
	case KindVideo:
		return "video"
	case KindCodedVideo:
		return "coded video"
	case KindAudio:
		return "audio"
	case KindCodedAudio:
		return "coded audio"
	case KindEvent:
		return "event"
	default:
		return "unknown kind"
	}
}

// Grain is one grain. Only the essence header that Kind names has a meaning; the
// others hold what an earlier use left in them. A Grain is meant to be used
// again: a Reader reuses its slices and texts.
type Grain struct {
	LocalID  uint16 // segment of the file it belongs to
	Kind     Kind
	SourceID uuid.UUID
	FlowID   uuid.UUID
	Origin   mediatime.Time // when captured or made; orders the Flow
	Sync     mediatime.Time // when to be presented with others
	Rate     Rational       // grains per second, null if not constant
	Duration Rational       // seconds, null if none
	Labels   []TimeLabel

	Video      Video
	CodedVideo CodedVideo
	Audio      Audio
	CodedAudio CodedAudio
	Event      Event

	// Data is the essence. From a Reader on memory it is a part of that memory;
	// other Readers put it into the capacity that Data has and replace it when
	// that does not suffice. So a Grain must not go from the one to the other.
	Data []byte

	// FarSync is the sync time as the file has it when it lies beyond +-292
	// years, where Sync is mediatime.Min or Max. It is written in place of Sync
	// unless it is zero. Files of the reference writer have such times.
	FarSync WireTime

	// Pos is where a Reader found the grain. It is not written.
	Pos Position
}

// Position is where a grain lies in its file, in bytes from the file's start.
type Position struct {
	Offset     int64 // of the grai block
	Size       int64 // of the grai block
	DataOffset int64 // of the essence; 0 when there is no grdt block
	DataSize   int64 // of the essence
}

// TimeLabel is a timecode of a grain.
type TimeLabel struct {
	Name      string   // at most 16 bytes; what is longer is cut off in writing
	Frames    uint32   // since midnight
	Rate      Rational // of the frames
	DropFrame bool
}

// Video is the header of a picture without compression.
type Video struct {
	Format       FrameFormat
	Layout       FrameLayout
	Width        uint32 // pixels
	Height       uint32 // lines
	Extension    uint32 // 0
	SourceAspect Rational
	PixelAspect  Rational
	Components   []Component // in the order of the data
}

// Component is a plane of a picture. It starts where the one before it ends.
type Component struct {
	Width  uint32 // samples per line
	Height uint32 // lines
	Stride uint32 // bytes from line to line
	Length uint32 // bytes in all
}

// KeyFrame is the flag of coded video as the file has it.
type KeyFrame uint8

// Key frame flags. In major 9 every value from 2 on means unknown; the reference
// writer uses 3, in majors 7 and 8 too, where a reader takes it as true.
const (
	KeyFrameNo      KeyFrame = 0
	KeyFrameYes     KeyFrame = 1
	KeyFrameUnknown KeyFrame = 3
)

// TemporalOffsetUnknown is the temporal offset of coded video that is not known,
// since major 9; the reference writer uses it in majors 7 and 8 too.
const TemporalOffsetUnknown int32 = 0x7fffffff

// CodedVideo is the header of a coded picture. Values are kept as the file has
// them; KeyFrameIn and OffsetIn give their meaning.
type CodedVideo struct {
	Format         FrameFormat
	Layout         FrameLayout
	OriginWidth    uint32 // of the picture before coding, pixels
	OriginHeight   uint32
	CodedWidth     uint32 // as coded, pixels
	CodedHeight    uint32
	KeyFrame       KeyFrame
	TemporalOffset int32    // display minus stored order, frames
	UnitOffsets    []uint32 // of coded units such as NAL units, bytes from the start of the data
}

// KeyFrameIn says whether the picture is a key frame in a file of a major
// version, and whether that is known.
func (c *CodedVideo) KeyFrameIn(major uint16) (key, known bool) {
	if major >= Major9 && c.KeyFrame > KeyFrameYes {
		return false, false
	}
	return c.KeyFrame != KeyFrameNo, true
}

// OffsetIn gives the temporal offset in frames in a file of a major version, and
// whether it is known.
func (c *CodedVideo) OffsetIn(major uint16) (frames int32, known bool) {
	if major >= Major9 && c.TemporalOffset == TemporalOffsetUnknown {
		return 0, false
	}
	return c.TemporalOffset, true
}

// Audio is the header of audio samples without compression.
type Audio struct {
	Format     AudioFormat
	Channels   uint16
	Samples    uint32 // per channel
	SampleRate uint32 // Hz
}

// CodedAudio is the header of a coded audio frame.
type CodedAudio struct {
	Format     AudioFormat
	Channels   uint16
	Samples    uint32 // per channel
	Priming    uint32 // samples to drop at the start
	Remainder  uint32 // samples to drop at the end
	SampleRate uint32 // Hz
}

// EventJSON is the event type whose data is a JSON object with type, topic and
// data.
const EventJSON uint8 = 0

// Event is the header of a data grain. Its payload is Grain.Data, kept as it is.
type Event struct {
	Type uint8
}
