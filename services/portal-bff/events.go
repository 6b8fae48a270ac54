package portalbff

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/bus"
	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

const (
	// pingEvery keeps the connection alive through what stands between.
	pingEvery = 15 * time.Second
	// backlog is how many events may wait for a slow browser.
	backlog = 256
	// patience is how long a browser with a full backlog may take nothing before it is
	// cut off; it catches up when it comes back.
	patience = 10 * time.Second
)

// sent is one server-sent event.
type sent struct {
	name string
	id   string // position in the stream of events; empty for progress
	data []byte
}

// events streams the facts and progress of the caller's tenant; its route asks for
// scope read. A browser that comes back says
// which event it saw last, and gets those after it.
func (s *Service) events(w http.ResponseWriter, r *http.Request) {
	id := auth.From(r.Context())
	// A stream ends while the token still holds, so that the browser comes back and
	// gets a new one.
	ctx, cancel := context.WithTimeout(r.Context(), s.config.TokenTTL/2)
	defer cancel()
	s.metrics.streams.Inc()
	defer s.metrics.streams.Dec()
	f := &feed{out: make(chan sent, backlog), tenant: id.Tenant, patience: patience, cut: cancel}
	progress := s.progress.subscribe(id.Tenant)
	defer s.progress.unsubscribe(progress)
	following := make(chan struct{})
	go func() {
		defer cancel()
		err := s.deps.Bus.Follow(ctx, lastSeen(r), func() { close(following) },
			func(e bus.Event) { f.deliver(ctx, e) })
		if err != nil && ctx.Err() == nil {
			s.deps.Log.WarnContext(ctx, "event stream ended", "err", err)
		}
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	select {
	case <-following:
		f.stream(ctx, w, progress.updates)
	case <-ctx.Done():
		// The browser tries again.
	}
}

// lastSeen reads where the browser left off: by the header that browsers send
// themselves, or the query of one that starts anew.
func lastSeen(r *http.Request) bus.Position {
	for _, text := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("last_event_id")} {
		if position, err := bus.ParsePosition(text); err == nil {
			return position
		}
	}
	return bus.Position{}
}

// feed is what one browser is told, on its way from the stream of events.
type feed struct {
	out      chan sent
	tenant   string
	patience time.Duration
	cut      context.CancelFunc
}

// deliver hands an event of the tenant on. It waits for a browser that reads, however
// far it has to catch up, and cuts off one that takes nothing.
func (f *feed) deliver(ctx context.Context, e bus.Event) {
	if e.Tenant != f.tenant && !e.Gap {
		return
	}
	event, ok := encode(e)
	if !ok {
		return
	}
	timer := time.NewTimer(f.patience)
	defer timer.Stop()
	select {
	case f.out <- event:
	case <-ctx.Done():
	case <-timer.C:
		f.cut()
	}
}

// encode turns an event of the mesh into one for browsers.
func encode(e bus.Event) (sent, bool) {
	var m proto.Message
	var name string
	switch {
	case e.Gap:
		return sent{"gap", e.At.String(), []byte("{}")}, true
	case strings.HasPrefix(e.Subject, "event.job."):
		name, m = "job", subjects.JobChanged.New()
	case strings.HasPrefix(e.Subject, "event.flow.") && strings.HasSuffix(e.Subject, ".deleted"):
		name, m = "flow_deleted", subjects.FlowDeleted.New()
	case strings.HasPrefix(e.Subject, "event.flow."):
		name, m = "flow", subjects.FlowUpdated.New()
	default:
		return sent{}, false
	}
	if err := proto.Unmarshal(e.Data, m); err != nil {
		return sent{}, false
	}
	data, err := protojson.Marshal(m)
	return sent{name, e.At.String(), data}, err == nil
}

// stream writes events until ctx ends or the browser is gone, which it is too when it
// takes nothing: a write that waits for it would not see that ctx has ended.
func (f *feed) stream(ctx context.Context, w http.ResponseWriter, progress <-chan *jobv1.JobProgressed) {
	control := http.NewResponseController(w)
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }()
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	hello, _ := json.Marshal(map[string]int64{"at_unix_ms": time.Now().UnixMilli()}) //nolint:errchkjson // a map of numbers
	next := sent{name: "hello", data: hello}
	for {
		if err := control.SetWriteDeadline(time.Now().Add(f.patience)); err != nil {
			return
		}
		if err := write(w, next); err != nil {
			return
		}
		if err := control.Flush(); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case next = <-f.out:
		case p := <-progress:
			data, err := protojson.Marshal(p)
			if err != nil {
				return
			}
			next = sent{name: "progress", data: data}
		case <-ping.C:
			next = sent{}
		}
	}
}

// write writes one event; the empty one is a comment.
func write(w http.ResponseWriter, e sent) error {
	text := ": ping\n\n"
	if e.name != "" {
		text = fmt.Sprintf("event: %s\ndata: %s\n\n", e.name, e.data)
		if e.id != "" {
			text = "id: " + e.id + "\n" + text
		}
	}
	_, err := w.Write([]byte(text))
	return err
}

// hub passes progress to the browsers that are connected.
type hub struct {
	mu        sync.Mutex
	listeners map[*listener]struct{}
}

type listener struct {
	tenant  string
	updates chan *jobv1.JobProgressed
}

func newHub() *hub { return &hub{listeners: map[*listener]struct{}{}} }

// waitingUpdates is how much progress may wait for one browser; more is dropped.
const waitingUpdates = 16

func (h *hub) subscribe(tenant string) *listener {
	l := &listener{tenant, make(chan *jobv1.JobProgressed, waitingUpdates)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.listeners[l] = struct{}{}
	return l
}

func (h *hub) unsubscribe(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
}

func (h *hub) publish(p *jobv1.JobProgressed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		if l.tenant != p.GetTenant() {
			continue
		}
		select {
		case l.updates <- p:
		default: // the next one says more
		}
	}
}
