package jobapi

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/work"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// do does the work of layer close: it asks media-store to close or discard the Flows
// of a run. It is the only layer whose worker sits with its owner.
func (s *Service) do(ctx context.Context, t *work.Task) error {
	document := t.GetClose()
	err := t.Report(ctx, func(ctx context.Context) error {
		_, err := s.deps.Store.EndFlows(ctx, &mediastorev1.EndFlowsRequest{
			JobId: t.GetJobId(), Run: t.GetRun(), Discard: document.GetDiscard(), CutAtGap: document.GetFailed(),
		})
		return err
	})
	if err != nil {
		return err
	}
	_, err = reportsServer{s}.CompleteClose(ctx, &jobv1.CompleteCloseRequest{Id: t.ID, Epoch: t.GetEpoch(), JobId: t.GetJobId()})
	return err
}
