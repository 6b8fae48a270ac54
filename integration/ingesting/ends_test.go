package ingesting_test

import (
	"net/http"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/integration/harness"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/mediatest"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
	originv1 "github.com/grainmesh/grainmesh/rpc/origin/v1"
)

// discardedByFailure loses the source in the middle.
func discardedByFailure(t *testing.T, b *bundle) {
	g := b.begin(t, jobv1.OnFailure_ON_FAILURE_DISCARD)
	g.let(t, 0, 1)
	link := g.link(t)
	require.Equal(t, http.StatusOK, g.user.Get(t, link).Status)
	g.fail(3)
	job := g.user.Await(t, g.job)
	require.Equal(t, jobv1.JobState_JOB_STATE_FAILED, job.GetState())
	require.Equal(t, string(fault.SourceNotFound), job.GetFailure().GetCode())
	g.requireGone(t, link)
}

func discardedByCancel(t *testing.T, b *bundle) {
	g := b.begin(t, jobv1.OnFailure_ON_FAILURE_DISCARD)
	g.let(t, 0, 1)
	link := g.link(t)
	require.Equal(t, http.StatusOK, g.user.Get(t, link).Status)
	_, err := g.user.Jobs.CancelJob(t.Context(), &jobv1.CancelJobRequest{Id: g.job})
	require.NoError(t, err)
	require.Equal(t, jobv1.JobState_JOB_STATE_CANCELLED, g.user.Await(t, g.job).GetState())
	g.requireGone(t, link)
}

// requireGone says that nothing is left of an ingest: when the job has ended, its Flows
// are hidden already.
func (g *growing) requireGone(t *testing.T, link string) {
	t.Helper()
	require.JSONEq(t, "[]", string(g.user.Get(t, harness.TAMS+"/flows").Body))
	require.JSONEq(t, "[]", string(g.user.Get(t, harness.TAMS+"/sources").Body))
	list, err := g.user.Flows.ListFlows(t.Context(), &mediastorev1.ListFlowsRequest{})
	require.NoError(t, err)
	require.Empty(t, list.GetFlows())
	for _, flow := range []string{g.multi, g.video, g.coded, g.raw} {
		_, err := g.user.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: flow})
		require.True(t, fault.Is(err, fault.Gone), "%v", err)
		_, err = g.user.Playback.GetLinks(t.Context(), &originv1.GetLinksRequest{FlowId: flow})
		require.True(t, fault.Is(err, fault.Gone), "%v", err)
		at := harness.TAMS + "/flows/" + flow
		require.Equal(t, http.StatusNotFound, g.user.Get(t, at).Status, "TAMS knows no other answer")
		require.JSONEq(t, "[]", string(g.user.Get(t, at+"/segments").Body))
		requireCode(t, g.user.Window(t, flow, "timerange="+span(0, 1)), http.StatusGone, fault.Gone)
	}
	requireCode(t, g.user.Get(t, link), http.StatusGone, fault.Gone)
	for _, flow := range []string{g.video, g.coded, g.raw} {
		requireCode(t, g.user.Get(t, path.Dir(link)+"/"+flow+"/media.m3u8"), http.StatusGone, fault.Gone)
	}
}

// kept closes an ingest that fails at the last grain that all before it are there for.
func kept(t *testing.T, b *bundle) {
	g := b.begin(t, jobv1.OnFailure_ON_FAILURE_KEEP)
	g.let(t, 0, 1, 3)
	p := &playing{growing: g, link: g.link(t), listed: map[string]string{}, segments: map[string]map[string][]byte{}}
	p.look(t, false)
	g.fail(2)
	job := g.user.Await(t, g.job)
	require.Equal(t, jobv1.JobState_JOB_STATE_FAILED, job.GetState())
	const left = 4 // seconds
	for _, id := range []string{g.multi, g.video, g.coded, g.raw} {
		response, err := g.user.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: id})
		require.NoError(t, err)
		require.Equal(t, mediav1.FlowStatus_FLOW_STATUS_CLOSED_COMPLETE, response.GetFlow().GetStatus())
	}
	video, err := g.user.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: g.video})
	require.NoError(t, err)
	require.Equal(t, span(0, left), video.GetFlow().GetTimerange())
	require.EqualValues(t, left*rate, video.GetGrains())

	p.look(t, true)
	p.requireDecodes(t, left, 0.15)
	require.InDelta(t, left, p.seconds(t, p.video), 0.001)
	require.Len(t, mediatest.FrameHashes(t, g.user.URL+p.link, "v"), left*rate)
	g.requirePictures(t, g.multi, "_", 0, left*rate)
	g.requirePictures(t, g.multi, span(3, 7), 3*rate, left*rate) // nothing more will come
	g.requireSound(t, span(0, left-1), 0, left-1)
	g.requireRefused(t, span(6, 8), http.StatusNotFound, fault.NotFound)
}

// keptWithoutStart has lost its start: what is kept is contiguous all the same, and
// keeps its times.
func keptWithoutStart(t *testing.T, b *bundle) {
	g := b.begin(t, jobv1.OnFailure_ON_FAILURE_KEEP)
	g.let(t, 1, 3)
	g.fail(0)
	require.Equal(t, jobv1.JobState_JOB_STATE_FAILED, g.user.Await(t, g.job).GetState())
	video, err := g.user.Flows.GetFlow(t.Context(), &mediastorev1.GetFlowRequest{Id: g.video})
	require.NoError(t, err)
	require.Equal(t, span(2, 4), video.GetFlow().GetTimerange())
	g.requirePictures(t, g.video, "_", 2*rate, 4*rate)
	g.requireSound(t, span(2, 3), 2, 3)
	g.requireRefused(t, span(0, 1), http.StatusNotFound, fault.NotFound)
}
