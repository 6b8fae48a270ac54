package media

import "github.com/grainmesh/grainmesh/pkg/mediatime"

// RandomAccess says how decoding can start at a picture, as its bitstream has it
// (media rule 9).
type RandomAccess uint8

// Kinds of random access.
const (
	NotRandom RandomAccess = iota
	// Clean is an IDR picture, or any grain of an intra-only or audio Flow.
	Clean
	// OpenGOP is an I picture that later pictures displayed before it refer past.
	OpenGOP
	// Recovery is a recovery point: pictures are right after RecoveryFrames more.
	Recovery
)

// String returns the name used in APIs: "", "idr", "open_gop", "recovery".
func (r RandomAccess) String() string {
	switch r {
	case Clean:
		return "idr"
	case OpenGOP:
		return "open_gop"
	case Recovery:
		return "recovery"
	default:
		return ""
	}
}

// Grain is what is known of one grain beside its bytes.
type Grain struct {
	// PTS is its presentation time.
	PTS mediatime.Time
	// Order is the presentation time of the picture that is displayed at this
	// grain's place in decode order. It equals PTS where nothing is reordered.
	Order    mediatime.Time
	Duration mediatime.Time
	// Ticks is PTS on the source file's own time line and time scale.
	Ticks          int64
	TemporalOffset int32 // display index - decode index, in pictures
	Access         RandomAccess
	RecoveryFrames uint16
	Leading        bool   // displayed before the random access point that it follows
	Disposable     bool   // nothing refers to it
	Injected       uint8  // units at its start that were not in the source's sample
	Config         uint16 // position in Flow.Configs
	Samples        uint32 // of audio, per channel
	Priming        uint32 // samples at its start that are not to be presented
	Remainder      uint32 // samples at its end that are not to be presented
}

// End returns PTS + Duration.
func (g *Grain) End() mediatime.Time { return g.PTS + g.Duration }

// Range returns the time that the grain covers.
func (g *Grain) Range() mediatime.Range { return mediatime.NewRange(g.PTS, g.End()) }
