package jobapi

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/serve"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

// reportsServer answers the layers.
type reportsServer struct{ *Service }

func (s reportsServer) StartWork(ctx context.Context, r *jobv1.StartWorkRequest) (*jobv1.StartWorkResponse, error) {
	id, err := serve.ParseID("id", r.GetId())
	if err != nil {
		return nil, err
	}
	return s.jobs.Start(ctx, id, r.GetWorker())
}

func (s reportsServer) ReportAnalysis(ctx context.Context, r *jobv1.ReportAnalysisRequest) (*jobv1.ReportAnalysisResponse, error) {
	report, err := reportOf(r)
	if err != nil {
		return nil, err
	}
	return &jobv1.ReportAnalysisResponse{}, s.jobs.ReportAnalysis(ctx, report, r.GetAnalysis())
}

func (s reportsServer) ReportChunks(ctx context.Context, r *jobv1.ReportChunksRequest) (*jobv1.ReportChunksResponse, error) {
	report, err := reportOf(r)
	if err != nil {
		return nil, err
	}
	return &jobv1.ReportChunksResponse{}, s.jobs.ReportChunks(ctx, report, r)
}

func (s reportsServer) CompleteChunk(ctx context.Context, r *jobv1.CompleteChunkRequest) (*jobv1.CompleteChunkResponse, error) {
	report, err := reportOf(r)
	if err != nil {
		return nil, err
	}
	j, number, err := s.jobs.CompleteChunk(ctx, report)
	if err == nil && j != nil {
		s.progress.chunkDone(j, number)
	}
	return &jobv1.CompleteChunkResponse{}, err
}

func (s reportsServer) CompleteClose(ctx context.Context, r *jobv1.CompleteCloseRequest) (*jobv1.CompleteCloseResponse, error) {
	report, err := reportOf(r)
	if err != nil {
		return nil, err
	}
	return &jobv1.CompleteCloseResponse{}, s.jobs.CompleteClose(ctx, report)
}

func (s reportsServer) FailWork(ctx context.Context, r *jobv1.FailWorkRequest) (*jobv1.FailWorkResponse, error) {
	report, err := reportOf(r)
	if err != nil {
		return nil, err
	}
	retried, err := s.jobs.Fail(ctx, report, r)
	return &jobv1.FailWorkResponse{Retried: retried}, err
}

// reportOf reads who reports.
func reportOf(r interface {
	GetId() string
	GetEpoch() int32
	GetJobId() string
}) (report ingest.Report, err error) {
	report.Epoch = r.GetEpoch()
	if report.Work, err = serve.ParseID("id", r.GetId()); err != nil || r.GetJobId() == "" {
		return report, err
	}
	report.Job, err = serve.ParseID("job_id", r.GetJobId())
	return report, err
}
