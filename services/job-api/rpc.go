package jobapi

import (
	"context"
	"strconv"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/serve"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

// Routes implements service.Service: Jobs for users, Reports for services.
func (s *Service) Routes() serve.Routes {
	jobs := jobv1.NewJobsServer(jobsServer{s}, s.deps.Twirp.Option(map[string]auth.Scope{
		"CreateJob": auth.Write, "CreateJobs": auth.Write, "RetryJob": auth.Write, "CancelJob": auth.Write,
		"GetJob": auth.Read, "ListJobs": auth.Read, "ListChunks": auth.Read, "TraceJob": auth.Read, "ListFormats": auth.Read,
	}))
	reports := jobv1.NewReportsServer(reportsServer{s}, s.deps.Twirp.ForServices(serve.Callers{
		"StartWork": {"analyser", "chunker", "reader"}, "FailWork": {"analyser", "chunker", "reader"},
		"ReportAnalysis": {"analyser"}, "ReportChunks": {"chunker"}, "CompleteChunk": {"reader"},
	}))
	return serve.Routes{
		Public:   []serve.Route{serve.Twirp(jobs)},
		Internal: []serve.Route{serve.Twirp(reports)},
	}
}

// jobsServer answers users.
type jobsServer struct{ *Service }

func tenant(ctx context.Context) string { return auth.From(ctx).Tenant }

func (s jobsServer) CreateJob(ctx context.Context, r *jobv1.CreateJobRequest) (*jobv1.CreateJobResponse, error) {
	jobs, err := s.jobs.Submit(ctx, tenant(ctx), []*jobv1.CreateJobRequest{r})
	if err != nil {
		return nil, err
	}
	return &jobv1.CreateJobResponse{Job: jobs[0].Public()}, nil
}

func (s jobsServer) CreateJobs(ctx context.Context, r *jobv1.CreateJobsRequest) (*jobv1.CreateJobsResponse, error) {
	jobs, err := s.jobs.Submit(ctx, tenant(ctx), r.GetJobs())
	if err != nil {
		return nil, err
	}
	return &jobv1.CreateJobsResponse{Jobs: protoJobs(jobs)}, nil
}

func protoJobs(jobs []*ingest.Job) []*jobv1.Job {
	out := make([]*jobv1.Job, len(jobs))
	for i, j := range jobs {
		out[i] = j.Public()
	}
	return out
}

func (s jobsServer) GetJob(ctx context.Context, r *jobv1.GetJobRequest) (*jobv1.GetJobResponse, error) {
	id, err := serve.ParseID("id", r.GetId())
	if err != nil {
		return nil, err
	}
	j, err := s.jobs.Get(ctx, tenant(ctx), id)
	if err != nil {
		return nil, err
	}
	out := j.Public()
	out.BytesDone += s.progress.readSoFar(ctx, j)
	return &jobv1.GetJobResponse{Job: out}, nil
}

func (s jobsServer) ListJobs(ctx context.Context, r *jobv1.ListJobsRequest) (*jobv1.ListJobsResponse, error) {
	jobs, next, err := s.jobs.List(ctx, tenant(ctx), r)
	if err != nil {
		return nil, err
	}
	return &jobv1.ListJobsResponse{Jobs: protoJobs(jobs), NextPageToken: next}, nil
}

func (s jobsServer) CancelJob(ctx context.Context, r *jobv1.CancelJobRequest) (*jobv1.CancelJobResponse, error) {
	id, err := serve.ParseID("id", r.GetId())
	if err != nil {
		return nil, err
	}
	j, err := s.jobs.Cancel(ctx, tenant(ctx), id)
	if err != nil {
		return nil, err
	}
	return &jobv1.CancelJobResponse{Job: j.Public()}, nil
}

func (s jobsServer) RetryJob(ctx context.Context, r *jobv1.RetryJobRequest) (*jobv1.RetryJobResponse, error) {
	id, err := serve.ParseID("id", r.GetId())
	if err != nil {
		return nil, err
	}
	j, err := s.jobs.Retry(ctx, tenant(ctx), id)
	if err != nil {
		return nil, err
	}
	return &jobv1.RetryJobResponse{Job: j.Public()}, nil
}

func (s jobsServer) ListChunks(ctx context.Context, r *jobv1.ListChunksRequest) (*jobv1.ListChunksResponse, error) {
	id, err := serve.ParseID("job_id", r.GetJobId())
	if err != nil {
		return nil, err
	}
	after := int64(-1)
	if token := r.GetPageToken(); token != "" {
		if after, err = strconv.ParseInt(token, 10, 32); err != nil {
			return nil, fault.Newf(fault.InvalidArgument, "page_token %q is not one that a list gave", token)
		}
	}
	chunks, err := s.jobs.Chunks(ctx, tenant(ctx), id, int32(after), r.GetPageSize())
	if err != nil {
		return nil, err
	}
	s.progress.addTo(ctx, id, chunks)
	response := &jobv1.ListChunksResponse{Chunks: chunks}
	if len(chunks) > 0 && len(chunks) == ingest.PageSize(r.GetPageSize()) {
		response.NextPageToken = strconv.Itoa(int(chunks[len(chunks)-1].GetNumber()))
	}
	return response, nil
}

func (s jobsServer) TraceJob(ctx context.Context, r *jobv1.TraceJobRequest) (*jobv1.TraceJobResponse, error) {
	id, err := serve.ParseID("id", r.GetId())
	if err != nil {
		return nil, err
	}
	j, err := s.jobs.Get(ctx, tenant(ctx), id)
	if err != nil {
		return nil, err
	}
	steps, err := s.jobs.Trace(ctx, j)
	if err != nil {
		return nil, err
	}
	traceID := telemetry.TraceID(s.deps.Trace.WithTraceParent(context.WithoutCancel(ctx), j.TraceParent))
	return &jobv1.TraceJobResponse{TraceId: traceID, Steps: steps}, nil
}

func (s jobsServer) ListFormats(context.Context, *jobv1.ListFormatsRequest) (*jobv1.ListFormatsResponse, error) {
	response := &jobv1.ListFormatsResponse{}
	for _, f := range s.deps.Formats.List() {
		response.Formats = append(response.Formats, &jobv1.Format{Name: f.Name(), MimeTypes: f.MIMETypes(), Extensions: f.Extensions()})
	}
	return response, nil
}
