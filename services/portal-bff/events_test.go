package portalbff

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

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
		{bus.Event{Subject: "event.job.j.completed", At: bus.Position{Stream: 5, Sequence: 9}, Data: job}, "job", `{"job":{"id":"j","revision":"7"}}`},
		{bus.Event{Subject: "event.flow.f.deleted", At: bus.Position{Sequence: 10}, Data: deleted}, "flow_deleted", `{"flowId":"f"}`},
		{bus.Event{Gap: true, At: bus.Position{Stream: 5}}, "gap", `{}`},
	} {
		got, ok := encode(test.event)
		require.True(t, ok)
		require.Equal(t, test.name, got.name)
		require.Equal(t, test.event.At.String(), got.id)
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
		": ping\n\n":                               {},
		"event: progress\ndata: {}\n\n":            {name: "progress", data: []byte("{}")},
		"id: 7-5\nevent: job\ndata: {\"a\":1}\n\n": {name: "job", id: "7-5", data: []byte(`{"a":1}`)},
	} {
		recorder := httptest.NewRecorder()
		require.NoError(t, write(recorder, e))
		require.Equal(t, want, recorder.Body.String())
	}
}

func TestLastSeen(t *testing.T) {
	t.Parallel()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/events?last_event_id=5", nil)
	require.Equal(t, bus.Position{Sequence: 5}, lastSeen(request))
	request.Header.Set("Last-Event-ID", "8-3")
	require.Equal(t, bus.Position{Stream: 3, Sequence: 8}, lastSeen(request), "the browser's own word is newer")
	require.Zero(t, lastSeen(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/events?last_event_id=x", nil)))
}

// tellAll delivers the same event over and over until ctx ends.
func (f *feed) tellAll(ctx context.Context, e bus.Event) {
	for ctx.Err() == nil {
		f.deliver(ctx, e)
	}
}

// TestABrowserThatDoesNotReadIsCutOff fills what lies between the portal and a browser
// that reads its first event only.
func TestABrowserThatDoesNotReadIsCutOff(t *testing.T) {
	t.Parallel()
	large, err := proto.Marshal(&jobv1.JobChanged{Job: &jobv1.Job{Id: strings.Repeat("j", 1<<20)}})
	require.NoError(t, err)
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		ctx, cut := context.WithCancel(context.WithoutCancel(r.Context()))
		f := &feed{out: make(chan sent, 2), tenant: "acme", patience: 50 * time.Millisecond, cut: cut}
		var telling sync.WaitGroup
		telling.Go(func() {
			f.tellAll(ctx, bus.Event{Subject: "event.job.j.reading", Tenant: "acme", Data: large})
		})
		f.stream(ctx, w, nil)
		telling.Wait()
	}))
	t.Cleanup(server.Close)
	response := ask(t, client(t), http.MethodGet, server.URL)
	require.Equal(t, http.StatusOK, response.StatusCode)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		server.CloseClientConnections()
		require.Fail(t, "it holds its connection still")
	}
}

func TestWhatIsNotItsOwnKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	f := &feed{out: make(chan sent), tenant: "acme", patience: time.Hour}
	f.deliver(t.Context(), bus.Event{Subject: "event.job.j.reading", Tenant: "other"})
	f.deliver(t.Context(), bus.Event{Subject: "event.source.s.created", Tenant: "acme"})
	require.Empty(t, f.out)
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
