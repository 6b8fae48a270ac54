package mux

import (
	"errors"

	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Track is a track to be written.
type Track struct {
	Handler   string   // "vide", "soun" or "tmcd"
	Entries   [][]byte // sample entries, whole boxes
	Timescale int64
	Language  string
	// Width and Height are those of display, for video.
	Width, Height int
	Samples       []Sample
	// MediaTime is the tick at which the presentation begins, and Duration how
	// long it is, in ticks.
	MediaTime, Duration int64
	// Delay is an empty edit before it.
	Delay mediatime.Time
	// Grains are the positions in the index of the grains that become the samples.
	Grains []int

	convert func(dst []byte, sample int, data []byte, offsets []uint32) ([]byte, error)
	// timecodeTrack is the position of the timecode track that goes with it, from 1.
	timecodeTrack int
	timecode      *mediatime.Timecode
}

// Sample is a sample of a track in decode order; for PCM it is a grain of many
// samples of one size.
type Sample struct {
	Size     uint32
	DTS      int64
	Duration uint32
	Offset   uint32 // PTS - DTS
	Sync     bool
	Entry    int // position in Entries
	// Count is how many samples of PCM it holds; 0 for one coded sample.
	Count uint32
	// skip is how many samples of PCM the grain has before those.
	skip uint32
}

// Errors of tracks that cannot be written.
var (
	// ErrNoConfig says that a Flow lacks what its sample entry needs.
	ErrNoConfig = errors.New("the flow has no decoder configuration")
	// ErrSize says that a sample has another size than was announced.
	ErrSize = errors.New("sample is not of the announced size")
	// ErrTooLarge says that something does not fit its field of the file format.
	ErrTooLarge = errors.New("too large for an MP4 file")
)

// Append appends sample number i, made of the data and the unit offsets of its
// grain, to dst.
func (t *Track) Append(dst []byte, i int, data []byte, offsets []uint32) ([]byte, error) {
	if t.convert == nil {
		return append(dst, data...), nil
	}
	return t.convert(dst, i, data, offsets)
}

// allSync says whether every sample is a sync sample.
func (t *Track) allSync() bool {
	for i := range t.Samples {
		if !t.Samples[i].Sync {
			return false
		}
	}
	return true
}

// pcm says whether samples are stretches of PCM.
func (t *Track) pcm() bool { return len(t.Samples) > 0 && t.Samples[0].Count > 0 }

// mediaDuration is the length of all samples, in ticks.
func (t *Track) mediaDuration() int64 {
	if len(t.Samples) == 0 {
		return 0
	}
	last := &t.Samples[len(t.Samples)-1]
	return last.DTS + int64(last.Duration) - t.Samples[0].DTS
}
