package portalbff

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/bus"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

func TestEncode(t *testing.T) {
	t.Parallel()
	job, err := proto.Marshal(&jobv1.JobChanged{Job: &jobv1.Job{Id: "j", Revision: 7}})
	require.NoError(t, err)
	deleted, err := proto.Marshal(&mediastorev1.FlowDeleted{FlowId: "f"})
	require.NoError(t, err)
	for _, test := range []struct {
		event      bus.Event
		name, data string
	}{
		{bus.Event{Subject: "event.job.j.completed", Sequence: 9, Data: job}, "job", `{"job":{"id":"j","revision":"7"}}`},
		{bus.Event{Subject: "event.flow.f.deleted", Sequence: 10, Data: deleted}, "flow_deleted", `{"flowId":"f"}`},
	} {
		got, ok := encode(test.event)
		require.True(t, ok)
		require.Equal(t, test.name, got.name)
		require.Equal(t, test.event.Sequence, got.id)
		require.JSONEq(t, test.data, string(got.data))
	}
	_, ok := encode(bus.Event{Subject: "event.source.s.created"})
	require.False(t, ok, "browsers are not told of it")
	_, ok = encode(bus.Event{Subject: "event.job.j.completed", Data: []byte{0xff}})
	require.False(t, ok, "not a JobChanged")
}

func TestWriteEvent(t *testing.T) {
	t.Parallel()
	for want, e := range map[string]sent{
		": ping\n\n":                             {},
		"event: progress\ndata: {}\n\n":          {name: "progress", data: []byte("{}")},
		"id: 7\nevent: job\ndata: {\"a\":1}\n\n": {name: "job", id: 7, data: []byte(`{"a":1}`)},
	} {
		recorder := httptest.NewRecorder()
		require.NoError(t, write(recorder, e))
		require.Equal(t, want, recorder.Body.String())
	}
}

func TestLastSeen(t *testing.T) {
	t.Parallel()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/events?last_event_id=5", nil)
	require.EqualValues(t, 5, lastSeen(request))
	request.Header.Set("Last-Event-ID", "8")
	require.EqualValues(t, 8, lastSeen(request), "the browser's own word is newer")
	require.Zero(t, lastSeen(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/events?last_event_id=x", nil)))
}

func TestProgressStaysWithinItsTenant(t *testing.T) {
	t.Parallel()
	h := newHub()
	ours, theirs := h.subscribe("acme"), h.subscribe("other")
	for n := range int64(waitingUpdates + 5) {
		h.publish(&jobv1.JobProgressed{JobId: "j", Tenant: "acme", BytesDone: n})
	}
	require.Len(t, ours.updates, waitingUpdates, "what is not read in time is dropped")
	require.Empty(t, theirs.updates)
	h.unsubscribe(ours)
	h.publish(&jobv1.JobProgressed{JobId: "j", Tenant: "acme"})
	require.Len(t, ours.updates, waitingUpdates)
}
