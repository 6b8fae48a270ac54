package formats

import (
	"context"
	"io"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Format is one kind of file that can be ingested. Its methods keep no state, so
// that any machine can do any layer.
type Format interface {
	// Name is the format's short name, a subject token such as "wav".
	Name() string
	// MIMETypes lists the types that choose this format, the usual one first.
	MIMETypes() []string
	// Extensions lists the usual suffixes of file names, with their dot.
	Extensions() []string
	// Sniff says whether a file that starts with head (at most SniffSize bytes) is
	// of this format.
	Sniff(head []byte) bool
	// Probe finds the tracks of a file. It reads head, tail and index: no more than
	// the index plus 1 MB.
	Probe(ctx context.Context, in Input) (*Analysis, error)
	// Plan splits a file into chunks, handing each to emit in order. The same
	// request gives the same chunks.
	Plan(ctx context.Context, in Input, req *PlanRequest, emit func(*Chunk) error) error
	// Read hands the grains of a chunk to sink, each track's in decode order. The
	// same chunk gives the same objects.
	Read(ctx context.Context, in Input, req *ReadRequest, sink Sink) error
}

// SniffSize is how many bytes of a file's head Sniff may be given.
const SniffSize = 4096

// Input is a file of known size, wherever it lies. Reads are bound to the context
// with which it was opened.
type Input interface {
	io.ReaderAt
	Size() int64
}

// Analysis is what Probe found.
type Analysis struct {
	Format   string
	MIMEType string
	Size     int64
	ETag     string
	Tracks   []Track
	Warnings []string
	// CreationTime is when the content was made by the file's own word, Unix
	// nanoseconds; 0 if it does not say.
	CreationTime int64
	// State is private to the format.
	State []byte
}

// Track is one track of a file.
type Track struct {
	Number int
	// Flow is what the track becomes, without ids.
	Flow *media.Flow
	// Range is what it covers on the file's own time line.
	Range  mediatime.Range
	Bytes  int64
	Grains int64
	// Skipped says why the track is not ingested; empty if it is.
	Skipped string
	// GivenSource and GivenFlow are ids that the file itself names.
	GivenSource, GivenFlow uuid.UUID
}

// PlanRequest says what to plan.
type PlanRequest struct {
	Analysis *Analysis
	// Flows lists the tracks to take, with the Flow that each writes. Times in
	// Flows and chunks are on the store's time line.
	Flows map[int]*media.Flow
	// Shift is what to add to the file's own times.
	Shift mediatime.Time
	// Range is the part to take, on the store's time line.
	Range mediatime.Range
	Sizes Sizes
}

// Sizes are how large chunks and objects shall be.
type Sizes struct {
	ChunkBytes    int64          // least size of a chunk
	MaxChunkBytes int64          // most
	ChunkDuration mediatime.Time // least length of a chunk
	VideoObject   int64          // bytes of a video object
	AudioObject   int64          // bytes of an audio object
	AudioDuration mediatime.Time // longest audio object
	// Grains caps the grains in an object; 0 for no cap, 1 for one grain each.
	Grains int
}

// DefaultSizes are those of media rules 17 and 18.
func DefaultSizes() Sizes {
	return Sizes{
		ChunkBytes: 100 << 20, MaxChunkBytes: 1 << 30, ChunkDuration: 2 * mediatime.Second,
		VideoObject: 8 << 20, AudioObject: 1 << 20, AudioDuration: 30 * mediatime.Second,
	}
}

// Chunk is one unit of work of a reader.
type Chunk struct {
	Number int
	// Bytes [Start, End) are what a reader fetches.
	Start, End int64
	Tracks     []ChunkTrack
	// State is private to the format.
	State []byte
}

// ChunkTrack is one track's part of a chunk.
type ChunkTrack struct {
	Number int
	Flow   uuid.UUID
	Range  mediatime.Range // on the store's time line
	// Objects is how many the reader will write, or a few more.
	Objects int
}

// ReadRequest says what to read.
type ReadRequest struct {
	Chunk *Chunk
	// Flows by track number.
	Flows map[int]*media.Flow
}

// Sink takes the grains of a chunk. Its methods may be called from one goroutine
// only.
type Sink interface {
	// StartObject ends the track's open object and starts the next, which will be
	// registered for the given segment of the Flow's time line. Grains outside it
	// stay in the object and are not presented.
	StartObject(track int, segment mediatime.Range) error
	// Grain appends to the track's open object. The sink copies data.
	Grain(track int, g *Grain) error
}

// Grain is a grain on its way from a file into an object.
type Grain struct {
	media.Grain
	Data []byte
	// UnitOffsets are the borders of coded units (NAL units) within Data.
	UnitOffsets []uint32
	// GSF is the grain as a GSF source declared it; nil for other formats, whose
	// header follows from the Flow.
	GSF *gsf.Grain
}
