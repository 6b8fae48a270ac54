package jobapi

import (
	"context"

	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// reportsServer answers the layers.
type reportsServer struct{ *Service }

func (s reportsServer) StartWork(ctx context.Context, r *jobv1.StartWorkRequest) (*jobv1.StartWorkResponse, error) {
	id, err := parseID("id", r.GetId())
	if err != nil {
		return nil, err
	}
	return s.jobs.Start(ctx, id, r.GetWorker())
}

func (s reportsServer) ReportAnalysis(ctx context.Context, r *jobv1.ReportAnalysisRequest) (*jobv1.ReportAnalysisResponse, error) {
	id, err := parseID("id", r.GetId())
	if err != nil {
		return nil, err
	}
	return &jobv1.ReportAnalysisResponse{}, s.jobs.ReportAnalysis(ctx, id, r.GetEpoch(), r.GetAnalysis())
}

func (s reportsServer) ReportChunks(ctx context.Context, r *jobv1.ReportChunksRequest) (*jobv1.ReportChunksResponse, error) {
	id, err := parseID("id", r.GetId())
	if err != nil {
		return nil, err
	}
	return &jobv1.ReportChunksResponse{}, s.jobs.ReportChunks(ctx, id, r)
}

func (s reportsServer) CompleteChunk(ctx context.Context, r *jobv1.CompleteChunkRequest) (*jobv1.CompleteChunkResponse, error) {
	id, err := parseID("id", r.GetId())
	if err != nil {
		return nil, err
	}
	j, number, err := s.jobs.CompleteChunk(ctx, id, r.GetEpoch())
	if err == nil && j != nil {
		s.progress.chunkDone(j, number)
	}
	return &jobv1.CompleteChunkResponse{}, err
}

func (s reportsServer) CompleteClose(ctx context.Context, r *jobv1.CompleteCloseRequest) (*jobv1.CompleteCloseResponse, error) {
	id, err := parseID("id", r.GetId())
	if err != nil {
		return nil, err
	}
	return &jobv1.CompleteCloseResponse{}, s.jobs.CompleteClose(ctx, id, r.GetEpoch())
}

func (s reportsServer) FailWork(ctx context.Context, r *jobv1.FailWorkRequest) (*jobv1.FailWorkResponse, error) {
	id, err := parseID("id", r.GetId())
	if err != nil {
		return nil, err
	}
	retried, err := s.jobs.Fail(ctx, r, id)
	return &jobv1.FailWorkResponse{Retried: retried}, err
}
