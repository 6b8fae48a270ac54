package jobapi

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/fault"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	"github.com/grainmesh/grainmesh/services/job-api/ingest"
)

// closer does the work of layer close: it asks media-store to close or discard the
// Flows of a run. It is the only layer whose worker sits with its owner.
type closer struct {
	jobs  *ingest.Jobs
	store mediastorev1.Segments
	log   *slog.Logger
}

// handle implements bus.Handler.
func (c *closer) handle(ctx context.Context, m *bus.Message) error {
	id, err := uuid.Parse(m.GetId())
	if err != nil {
		return bus.Drop(fmt.Errorf("work id: %w", err))
	}
	started, err := c.jobs.Start(ctx, id, Name)
	if err != nil {
		return bus.Retry(err)
	}
	if started.GetStatus() != jobv1.StartStatus_START_STATUS_STARTED {
		return nil
	}
	document := started.GetClose()
	_, err = c.store.EndFlows(auth.ForTenant(ctx, started.GetTenant()), &mediastorev1.EndFlowsRequest{
		JobId: started.GetJobId(), Run: started.GetRun(), Discard: document.GetDiscard(), CutAtGap: document.GetFailed(),
	})
	if err == nil {
		err = c.jobs.Closed(ctx, id, started.GetEpoch())
	}
	if err == nil || fault.Is(err, fault.StaleEpoch) {
		return nil
	}
	c.log.WarnContext(ctx, "run is not closed yet", "job_id", started.GetJobId(), "err", err)
	if _, failErr := c.jobs.Fail(ctx, id, started.GetEpoch(), fault.Proto(err)); failErr != nil {
		return bus.Retry(failErr)
	}
	return nil
}
