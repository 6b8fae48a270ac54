package gsf

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// track is what the layers hand one another of a track.
type track struct {
	Number int       `json:"number"`
	Flow   uuid.UUID `json:"flow"` // in the file
	Kind   gsf.Kind  `json:"kind"`
	// Intra says that decoding can start at every grain.
	Intra bool `json:"intra,omitempty"`
	// Skipped tracks are not read.
	Skipped bool `json:"skipped,omitempty"`
}

// head is what of a file's header is needed to read grains further on.
type head struct {
	Major    uint16   `json:"major"`
	LocalIDs []uint16 `json:"local_ids"`
}

func headOf(h *gsf.Header) head {
	out := head{Major: h.Major}
	for i := range h.Segments {
		out.LocalIDs = append(out.LocalIDs, h.Segments[i].LocalID)
	}
	return out
}

func (h head) header() *gsf.Header {
	out := &gsf.Header{Major: h.Major}
	for _, id := range h.LocalIDs {
		out.Segments = append(out.Segments, gsf.Segment{LocalID: id})
	}
	return out
}

// tracks finds a track by its Flow.
type tracks map[uuid.UUID]*track

func tracksOf(list []track) tracks {
	out := make(tracks, len(list))
	for i := range list {
		out[list[i].Flow] = &list[i]
	}
	return out
}

// keys are what the grains of a file start with. Local ids of files that were
// joined may go with any Flow.
func (t tracks) keys(h head) []gsf.GrainKey {
	var keys []gsf.GrainKey
	for _, id := range h.LocalIDs {
		for _, flow := range slices.SortedFunc(maps.Keys(t), func(a, b uuid.UUID) int { return cmp.Compare(a.String(), b.String()) }) {
			keys = append(keys, gsf.GrainKey{LocalID: id, FlowID: flow})
		}
	}
	return keys
}

// info is what the time line and the cutting need of a grain.
type info struct {
	track  *track
	offset int64          // in the file
	bytes  int64          // with its header
	at     mediatime.Time // of the picture displayed at this place in decode order
	length mediatime.Time // by its own word; 0 if it has none
	moved  int            // display - decode index; 0 if unknown
	key    bool           // decoding can start here
}

// farthest bounds temporal offsets: no codec reorders by more than 16 pictures, or
// 32 fields. What is beyond is not believed.
const farthest = 32

// info describes a grain, or says that it does not belong.
func (t tracks) info(g *gsf.Grain, major uint16) (info, error) {
	x := info{track: t[g.FlowID], offset: g.Pos.Offset, bytes: g.Pos.Size, at: g.Origin, length: length(g)}
	if x.track == nil {
		return x, fault.Newf(fault.UnsupportedFile, "the grain at byte %d is of the flow %s, which is not one of those at the start of the file", g.Pos.Offset, g.FlowID)
	}
	if g.Kind != gsf.KindEmpty && g.Kind != x.track.Kind && !x.track.Skipped {
		return x, fault.Newf(fault.MalformedFile, "the grain at byte %d is %s, and those before it of flow %s are %s", g.Pos.Offset, g.Kind, g.FlowID, x.track.Kind)
	}
	x.key = x.track.Intra
	if g.Kind == gsf.KindCodedVideo && !x.track.Intra {
		key, _, frames := coded(&g.CodedVideo, major)
		x.key, x.moved = key, frames
	}
	return x, nil
}

// coded returns what a coded picture says of itself, with what is unknown as "no".
// Writers of majors 7 and 8 that did not know wrote 3 and 0x7fffffff.
func coded(c *gsf.CodedVideo, major uint16) (key, keyKnown bool, frames int) {
	key, keyKnown = c.KeyFrameIn(major)
	if major < gsf.Major9 && c.KeyFrame > gsf.KeyFrameYes && c.TemporalOffset == gsf.TemporalOffsetUnknown {
		key, keyKnown = false, false
	}
	if n, known := c.OffsetIn(major); known && n >= -farthest && n <= farthest {
		frames = int(n)
	}
	return key && keyKnown, keyKnown, frames
}

// length returns how long a grain says it is: exactly one place of its rate where
// it lies on the rate's own places since 1970, else its duration rounded down.
// Audio that has neither rate nor duration is as long as its samples.
func length(g *gsf.Grain) mediatime.Time {
	rate := rateOf(g)
	switch {
	case !rate.IsZero():
	case !g.Duration.IsNull():
		return mediatime.Rescale(int64(g.Duration.Num), int64(g.Duration.Den))
	case g.Kind == gsf.KindAudio:
		return mediatime.Rescale(int64(g.Audio.Samples), int64(g.Audio.SampleRate))
	case g.Kind == gsf.KindCodedAudio:
		return mediatime.Rescale(int64(g.CodedAudio.Samples), int64(g.CodedAudio.SampleRate))
	default:
		return 0
	}
	if n := rate.Index(g.Origin); rate.Offset(n) == g.Origin {
		return rate.Duration(n)
	}
	return rate.Offset(1)
}

// rateOf returns grains per second by a grain's duration or its rate; zero if it
// has neither, or they contradict one another.
func rateOf(g *gsf.Grain) mediatime.Rate {
	switch {
	case g.Duration.IsNull():
		return g.Rate.Rate()
	case g.Rate.IsNull() || g.Rate.Rate() != mediatime.NewRate(int64(g.Duration.Den), int64(g.Duration.Num)):
		return mediatime.Rate{}
	default:
		return g.Rate.Rate()
	}
}

// end returns when the grain's place ends by its own word.
func (x *info) end() mediatime.Time { return x.at + max(x.length, 1) }

// follows says whether next is the continuation of x, and not one after a gap:
// jitter of up to half a grain is none.
func (x *info) follows(next mediatime.Time) bool {
	return x.length == 0 || next <= x.end()+x.length/2
}

// endBefore returns when the grain's place ends, given when the next one starts.
func (x *info) endBefore(next mediatime.Time) mediatime.Time {
	if x.follows(next) {
		return next
	}
	return x.end()
}

func encode(state any) ([]byte, error) {
	b, err := json.Marshal(state)
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	return b, nil
}
