package reader

import (
	"context"
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/work"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// do reads one chunk: its objects are uploaded as they fill, registered in one
// transaction, and only then is the chunk complete.
func (s *Service) do(ctx context.Context, t *work.Task) error {
	document := t.GetRead()
	req, err := request(document)
	if err != nil {
		return err
	}
	places, err := s.allocate(ctx, t, req)
	if err != nil {
		return err
	}
	progress := s.track(t, req.Chunk)
	defer s.untrack(t.ID)

	written, fetched, err := s.read(ctx, t, req, places, progress)
	if err != nil {
		return err
	}
	if err := s.register(ctx, t, written, places); err != nil {
		return err
	}
	s.metrics.count(written, fetched)
	return t.Report(ctx, func(ctx context.Context) error {
		_, err := s.deps.Reports.CompleteChunk(ctx, &jobv1.CompleteChunkRequest{
			Id: t.ID, Epoch: t.GetEpoch(), JobId: t.GetJobId(), Grains: written.grains(), BytesFetched: fetched, BytesStored: written.bytes(),
		})
		return err
	})
}

// request turns the document into what formats understand.
func request(document *jobv1.ReadDocument) (*formats.ReadRequest, error) {
	chunk, err := formats.ChunkFromProto(document.GetChunk())
	if err != nil {
		return nil, fmt.Errorf("document of a chunk: %w", err)
	}
	req := &formats.ReadRequest{Chunk: chunk, Flows: map[int]*media.Flow{}}
	for _, t := range chunk.Tracks {
		for _, f := range document.GetFlows() {
			if f.GetId() != t.Flow.String() {
				continue
			}
			if req.Flows[t.Number], err = media.FlowFromProto(f); err != nil {
				return nil, fmt.Errorf("document of chunk %d: %w", chunk.Number, err)
			}
		}
		if req.Flows[t.Number] == nil {
			return nil, fmt.Errorf("document of chunk %d names no flow for track %d", chunk.Number, t.Number)
		}
	}
	return req, nil
}

// allocate asks for a place for each object that the chunk may fill.
func (s *Service) allocate(ctx context.Context, t *work.Task, req *formats.ReadRequest) (*places, error) {
	wanted := map[string]int32{}
	for _, track := range req.Chunk.Tracks {
		wanted[track.Flow.String()] += int32(track.Objects)
	}
	response, err := s.deps.Store.AllocateObjects(ctx, &mediastorev1.AllocateObjectsRequest{Objects: wanted, JobId: t.GetJobId(), WorkId: t.ID, Epoch: t.GetEpoch()})
	if err != nil {
		return nil, fmt.Errorf("allocate objects: %w", err)
	}
	return newPlaces(response.GetObjects()), nil
}

// read fetches the chunk's bytes and returns what was uploaded, and how many bytes
// of the source it took.
func (s *Service) read(ctx context.Context, t *work.Task, req *formats.ReadRequest, places *places, progress *chunkProgress) (written segments, fetched int64, err error) {
	document := t.GetRead()
	format, err := s.deps.Formats.ByName(document.GetFormat())
	if err != nil {
		return nil, 0, err
	}
	settings := rangereader.Default()
	settings.Parallel, settings.RangeBytes = s.config.ParallelRanges, s.config.RangeBytes
	file, err := s.deps.Sources.Open(ctx, t.GetTenant(), document.GetUrl(), rangereader.Options{
		Settings: settings, Span: rangereader.Span{Start: req.Chunk.Start, End: req.Chunk.End},
		Size: document.GetSize(), Version: document.GetEtag(),
	})
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = file.Close() }()
	sink := s.newSink(ctx, t, req.Flows, places)
	err = format.Read(ctx, t.Input(file, progress.moved), req, sink)
	written, sinkErr := sink.finish()
	if err == nil {
		err = sinkErr // else it is what made the reading end, or what that led to
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", file.Name(), err)
	}
	return written, file.Stats().Bytes, nil
}

// register makes everything visible in one transaction of media-store.
func (s *Service) register(ctx context.Context, t *work.Task, written segments, places *places) error {
	err := t.Report(ctx, func(ctx context.Context) error {
		_, err := s.deps.Store.RegisterSegments(ctx, &mediastorev1.RegisterSegmentsRequest{
			WorkId: t.ID, Epoch: t.GetEpoch(), JobId: t.GetJobId(), Run: t.GetRun(), Segments: written, UnusedObjectIds: places.unused(),
		})
		return err
	})
	if fault.Is(err, fault.RunEnded) {
		// It was discarded while we read; job-api has cancelled the work.
		return fault.Newf(fault.StaleEpoch, "register segments: %w", err)
	}
	if fault.Is(err, fault.InvalidArgument) {
		// What does not fit is what we made of the file, not the file.
		return fault.Newf(fault.Internal, "register segments: %w", err)
	}
	if err != nil {
		return fmt.Errorf("register segments: %w", err)
	}
	return nil
}
