package formats

import (
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// Proto returns the analysis as APIs carry it.
func (a *Analysis) Proto() *mediav1.Analysis {
	out := &mediav1.Analysis{
		Format: a.Format, MimeType: a.MIMEType, Size: a.Size, Etag: a.ETag, Warnings: a.Warnings,
		CreationTimeUnixNs: a.CreationTime, State: a.State,
	}
	for _, t := range a.Tracks {
		track := &mediav1.Track{
			Number: int32(t.Number), Timerange: t.Range.String(), Bytes: t.Bytes, Grains: t.Grains, Skipped: t.Skipped,
			GivenSourceId: media.IDText(t.GivenSource), GivenFlowId: media.IDText(t.GivenFlow),
		}
		if t.Flow != nil {
			track.Flow = t.Flow.Proto()
		}
		out.Tracks = append(out.Tracks, track)
	}
	return out
}

// AnalysisFromProto reads what Proto wrote.
func AnalysisFromProto(in *mediav1.Analysis) (*Analysis, error) {
	a := &Analysis{
		Format: in.GetFormat(), MIMEType: in.GetMimeType(), Size: in.GetSize(), ETag: in.GetEtag(),
		Warnings: in.GetWarnings(), CreationTime: in.GetCreationTimeUnixNs(), State: in.GetState(),
	}
	for _, t := range in.GetTracks() {
		track := Track{Number: int(t.GetNumber()), Bytes: t.GetBytes(), Grains: t.GetGrains(), Skipped: t.GetSkipped()}
		var err error
		if track.Range, err = mediatime.ParseRange(t.GetTimerange()); err != nil {
			return nil, fmt.Errorf("track %d: %w", track.Number, err)
		}
		if t.GetFlow() != nil {
			if track.Flow, err = media.FlowFromProto(t.GetFlow()); err != nil {
				return nil, fmt.Errorf("track %d: %w", track.Number, err)
			}
		}
		if track.GivenSource, err = media.ParseID(t.GetGivenSourceId()); err != nil {
			return nil, fmt.Errorf("track %d: %w", track.Number, err)
		}
		if track.GivenFlow, err = media.ParseID(t.GetGivenFlowId()); err != nil {
			return nil, fmt.Errorf("track %d: %w", track.Number, err)
		}
		a.Tracks = append(a.Tracks, track)
	}
	return a, nil
}

// Proto returns the chunk as APIs carry it.
func (c *Chunk) Proto() *mediav1.Chunk {
	out := &mediav1.Chunk{Number: int32(c.Number), ByteStart: c.Start, ByteEnd: c.End, State: c.State}
	for _, t := range c.Tracks {
		out.Tracks = append(out.Tracks, &mediav1.ChunkTrack{
			Number: int32(t.Number), FlowId: t.Flow.String(), Timerange: t.Range.String(), Objects: int32(t.Objects),
		})
	}
	return out
}

// ChunkFromProto reads what Proto wrote.
func ChunkFromProto(in *mediav1.Chunk) (*Chunk, error) {
	c := &Chunk{Number: int(in.GetNumber()), Start: in.GetByteStart(), End: in.GetByteEnd(), State: in.GetState()}
	for _, t := range in.GetTracks() {
		track := ChunkTrack{Number: int(t.GetNumber()), Objects: int(t.GetObjects())}
		var err error
		if track.Flow, err = media.ParseID(t.GetFlowId()); err != nil {
			return nil, fmt.Errorf("chunk %d, track %d: %w", c.Number, track.Number, err)
		}
		if track.Range, err = mediatime.ParseRange(t.GetTimerange()); err != nil {
			return nil, fmt.Errorf("chunk %d, track %d: %w", c.Number, track.Number, err)
		}
		c.Tracks = append(c.Tracks, track)
	}
	return c, nil
}
