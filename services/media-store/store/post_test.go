package store_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// A Flow that a job fills is the job's: a segment of somebody else would end the job.
func TestFlowsOfAnOpenRunTakeNoSegmentsOfOthers(t *testing.T) {
	t.Parallel()
	b, flow := setup(t), uuid.New()
	run := b.newRun(t, tenantA, flow)
	chunk := b.work(t, tenantA, run, flow, seconds(0, 1))
	segment := store.PostedSegment{
		NewSegment: store.NewSegment{Segment: store.Segment{FlowID: flow, ObjectID: "mine", Range: seconds(0, 1)}},
		Instances:  []store.Instance{{Label: "archive", URL: "https://archive.example/1"}},
	}
	err := b.PostSegment(t.Context(), tenantA, segment)
	require.Equal(t, fault.WrongState, code(err))
	require.ErrorContains(t, err, run.Job)
	stored, err := b.Register(t.Context(), tenantA, chunk)
	require.NoError(t, err)
	require.True(t, stored)

	_, err = b.EndRun(t.Context(), tenantA, run, store.Close)
	require.NoError(t, err)
	segment.Range = seconds(1, 2)
	require.NoError(t, b.PostSegment(t.Context(), tenantA, segment), "its status is the client's affair")
	require.Len(t, b.segments(t.Context(), t, tenantA, flow), 2)
}
