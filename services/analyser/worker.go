package analyser

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/work"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// do analyses the file of one job and reports what is in it.
func (s *Service) do(ctx context.Context, t *work.Task) error {
	spec := t.GetAnalyse().GetSpec()
	analysis, _, err := s.analyse(ctx, t.GetTenant(), spec.GetUrl(), spec.GetMimeType(), func(in formats.Input) formats.Input { return t.Input(in, nil) })
	if err != nil {
		return err
	}
	return t.Report(ctx, func(ctx context.Context) error {
		_, err := s.deps.Reports.ReportAnalysis(ctx, &jobv1.ReportAnalysisRequest{Id: t.ID, Epoch: t.GetEpoch(), JobId: t.GetJobId(), Analysis: analysis.Proto()})
		return err
	})
}
