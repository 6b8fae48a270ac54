package wav

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/pcm"
)

// Format is WAV as a format of ingest.
type Format struct{}

var _ formats.Format = Format{}

// Name implements formats.Format.
func (Format) Name() string { return "wav" }

// MIMETypes implements formats.Format.
func (Format) MIMETypes() []string {
	return []string{"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave", "audio/x-bwf", "audio/rf64"}
}

// Extensions implements formats.Format.
func (Format) Extensions() []string { return []string{".wav", ".wave", ".bwf", ".rf64", ".bw64"} }

// Sniff implements formats.Format.
func (Format) Sniff(head []byte) bool { return sniff(head) }

// track is the number of the one track.
const track = 1

// state is what Probe hands to Plan, and Plan to Read.
type state struct {
	Layout    pcm.Layout `json:"layout"`
	DataStart int64      `json:"data_start"`
	Frames    int64      `json:"frames"` // samples of each channel in the file
}

// Probe implements formats.Format. It reads the chunk headers.
func (Format) Probe(_ context.Context, in formats.Input) (*formats.Analysis, error) {
	h, err := readHeader(in)
	if err != nil {
		return nil, err
	}
	frames := h.dataSize / h.FrameBytes()
	if frames == 0 {
		return nil, fault.New(fault.NoEssence, "the WAV holds no samples")
	}
	if rest := h.dataSize % h.FrameBytes(); rest != 0 {
		h.warnings = append(h.warnings, fmt.Sprintf("the last %d bytes are less than one sample of every channel and are left out", rest))
	}
	flow, err := h.flow()
	if err != nil {
		return nil, fault.Newf(fault.UnsupportedFile, "%w", err)
	}
	handed, err := json.Marshal(state{h.Layout, h.dataStart, frames})
	if err != nil {
		return nil, fmt.Errorf("encode state: %w", err)
	}
	analysis := &formats.Analysis{
		Size: in.Size(), Warnings: h.warnings, State: handed,
		Tracks: []formats.Track{{
			Number: track, Flow: flow, Bytes: frames * h.FrameBytes(), Grains: grainsIn(frames, h.SamplesPerGrain()),
			Range: mediatime.NewRange(0, rateOf(h.Layout).Offset(frames)),
		}},
	}
	if !h.created.IsZero() {
		analysis.CreationTime = h.created.UnixNano()
	}
	return analysis, nil
}

// flow describes the track. The time reference of bext, samples since midnight,
// becomes the start timecode at the rate of the grains, where that is a whole
// number per second: others do not count the seconds of a day.
func (h *header) flow() (*media.Flow, error) {
	flow, err := h.Flow()
	if err != nil {
		return nil, err
	}
	flow.Label = h.description
	if h.timeReference >= 0 {
		flow.Tags["source_time_reference"] = []string{strconv.FormatInt(h.timeReference, 10)}
		if flow.GrainRate.Den == 1 {
			start := mediatime.Timecode{Frames: h.timeReference / h.SamplesPerGrain(), Rate: flow.GrainRate}
			flow.StartTimecode = start.String()
		}
	}
	return flow, nil
}

// rateOf returns samples per second.
func rateOf(l pcm.Layout) mediatime.Rate { return mediatime.NewRate(int64(l.SampleRate), 1) }

func grainsIn(frames, perGrain int64) int64 { return (frames + perGrain - 1) / perGrain }

// chunkState is what Plan hands to Read.
type chunkState struct {
	Layout     pcm.Layout      `json:"layout"`
	DataStart  int64           `json:"data_start"`
	Frames     int64           `json:"frames"`
	FirstGrain int64           `json:"first_grain"`
	EndGrain   int64           `json:"end_grain"`
	PerObject  int64           `json:"per_object"` // grains
	Shift      mediatime.Time  `json:"shift"`
	Range      mediatime.Range `json:"range"`
}

// Plan implements formats.Format. Every object but the last holds the same number
// of grains, counted from the start of the file, and every chunk whole objects.
func (Format) Plan(ctx context.Context, _ formats.Input, req *formats.PlanRequest, emit func(*formats.Chunk) error) error {
	var s state
	if err := json.Unmarshal(req.Analysis.State, &s); err != nil {
		return fmt.Errorf("decode state: %w", err)
	}
	flow := req.Flows[track]
	if flow == nil {
		return fault.New(fault.NoEssence, "the only track of a WAV is number 1, and it is not wanted")
	}
	if err := req.CheckShift(); err != nil {
		return err
	}
	p := planner{state: s, req: req, rate: rateOf(s.Layout)}
	first, end := p.wanted()
	if first >= end {
		return fault.Newf(fault.NoEssence, "nothing of the file lies within %s", req.Range)
	}
	perObject, perChunk := p.sizes()
	for number, from := 0, first-first%perObject; from < end; number++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(from-from%perChunk+perChunk, end)
		chunk, err := p.chunk(number, max(from, first), to, perObject)
		if err != nil {
			return err
		}
		chunk.Tracks[0].Flow = flow.ID
		if err := emit(chunk); err != nil {
			return err
		}
		from = to
	}
	return nil
}

type planner struct {
	state
	req  *formats.PlanRequest
	rate mediatime.Rate
}

// wanted returns the grains [first, end) that lie in the range asked for.
func (p *planner) wanted() (first, end int64) {
	perGrain := p.Layout.SamplesPerGrain()
	r := p.req.Range.Shift(-p.req.Shift).Intersect(mediatime.NewRange(0, p.rate.Offset(p.Frames)))
	if r.IsEmpty() {
		return 0, 0
	}
	return p.rate.Index(r.Start) / perGrain, p.rate.Index(r.End-1)/perGrain + 1
}

// sizes returns how many grains an object and a chunk hold.
func (p *planner) sizes() (perObject, perChunk int64) {
	sizes, perGrain := p.req.Sizes, p.Layout.SamplesPerGrain()
	grainBytes := perGrain * p.Layout.StoredFrameBytes()
	seconds := func(d mediatime.Time) int64 { return p.rate.Index(d) / perGrain }
	perObject = max(1, min(sizes.AudioObject/grainBytes, seconds(sizes.AudioDuration)))
	if sizes.Grains > 0 {
		perObject = min(perObject, int64(sizes.Grains))
	}
	readBytes := perGrain * p.Layout.FrameBytes()
	chunkGrains := min(max(sizes.ChunkBytes/readBytes, seconds(sizes.ChunkDuration)), sizes.MaxChunkBytes/readBytes)
	perChunk = max(1, (chunkGrains+perObject-1)/perObject) * perObject
	return perObject, perChunk
}

func (p *planner) chunk(number int, first, end, perObject int64) (*formats.Chunk, error) {
	perGrain, frameBytes := p.Layout.SamplesPerGrain(), p.Layout.FrameBytes()
	c := chunkState{p.Layout, p.DataStart, p.Frames, first, end, perObject, p.req.Shift, p.req.Range}
	handed, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encode chunk: %w", err)
	}
	return &formats.Chunk{
		Number: number, State: handed,
		Start: p.DataStart + first*perGrain*frameBytes, End: p.DataStart + min(end*perGrain, p.Frames)*frameBytes,
		Tracks: []formats.ChunkTrack{{
			Number: track, Range: c.segment(first, end), Objects: int(grainsIn(end, perObject) - first/perObject),
		}},
	}, nil
}

// at returns when a grain starts on the store's time line.
func (c *chunkState) at(grain int64) mediatime.Time {
	return c.Shift + rateOf(c.Layout).Offset(min(grain*c.Layout.SamplesPerGrain(), c.Frames))
}

// segment returns what of the grains [first, end) is presented.
func (c *chunkState) segment(first, end int64) mediatime.Range {
	return c.Range.Intersect(mediatime.NewRange(c.at(first), c.at(end)))
}

// Read implements formats.Format: it reads the chunk from front to back, a grain at
// a time.
func (Format) Read(ctx context.Context, in formats.Input, req *formats.ReadRequest, sink formats.Sink) error {
	var c chunkState
	if err := json.Unmarshal(req.Chunk.State, &c); err != nil {
		return fmt.Errorf("decode chunk: %w", err)
	}
	perGrain := c.Layout.SamplesPerGrain()
	raw := make([]byte, perGrain*c.Layout.FrameBytes())
	var grain formats.Grain
	for n := c.FirstGrain; n < c.EndGrain; n++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if n == c.FirstGrain || n%c.PerObject == 0 {
			objectEnd := min(n-n%c.PerObject+c.PerObject, c.EndGrain)
			if err := sink.StartObject(track, c.segment(n, objectEnd)); err != nil {
				return err
			}
		}
		samples := min(perGrain, c.Frames-n*perGrain)
		body := raw[:samples*c.Layout.FrameBytes()]
		if err := readSamples(in, body, c.DataStart+n*perGrain*c.Layout.FrameBytes()); err != nil {
			return err
		}
		grain.Grain = media.Grain{
			PTS: c.at(n), Order: c.at(n), Duration: c.at(n+1) - c.at(n), Ticks: n * perGrain,
			Access: media.Clean, Samples: uint32(samples),
		}
		grain.Data = c.Layout.Append(grain.Data[:0], body)
		if err := sink.Grain(track, &grain); err != nil {
			return err
		}
	}
	return nil
}

func readSamples(in formats.Input, b []byte, at int64) error {
	n, err := in.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return fault.Newf(fault.TruncatedFile, "the file ends at byte %d, inside samples that run to %d", at+int64(n), at+int64(len(b)))
	}
	return err
}
