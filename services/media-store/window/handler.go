package window

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/serve"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// Config says how windows are read.
type Config struct {
	// Reads is how many ranges of objects one window reads at the same time.
	Reads int
	// ReadBytes is the most that one read takes, unless a single grain is larger.
	ReadBytes int64
	// AtOnce is how many windows are served at the same time.
	AtOnce int
	// Patience is how long one more waits for its turn.
	Patience time.Duration
	// MaxGrains bounds the grains of a window; 0 is the usual bound.
	MaxGrains int
}

// Handler serves windows and single grains of Flows.
type Handler struct {
	store   *store.Store
	fetcher fetcher
	config  Config
	turns   chan struct{} // one token for each window that is served
	log     *slog.Logger
}

// New makes a Handler.
func New(s *store.Store, bucket *objstore.Bucket, config Config, log *slog.Logger) *Handler {
	config.MaxGrains = cmp.Or(config.MaxGrains, maxGrains)
	return &Handler{s, fetcher{bucket, max(config.Reads, 1)}, config, make(chan struct{}, max(config.AtOnce, 1)), log}
}

// Routes adds the handler's routes below a Flow, whose id is the parameter "id".
func (h *Handler) Routes(flow chi.Router) {
	flow.Get("/window", h.handle(h.window))
	flow.Get("/grains/{timestamp}", h.handle(h.grain))
}

// headerTimerange tells the true range of what is given.
const headerTimerange = "X-Media-Timerange"

func (h *Handler) handle(f func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := f(w, r)
		if err == nil {
			return
		}
		if e := fault.Of(err); e.Blame() == fault.Platform {
			h.log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "code", e.Code, "err", err)
		}
		w.Header().Del("ETag") // it is of what was to be given
		serve.WriteError(w, r, err)
	}
}

// file is a window that is planned and can be written.
type file struct {
	tracks      []*track
	contentType string
	extension   string
	size        int64 // -1 if it is known only in the end
	timerange   mediatime.Range
	write       func(context.Context, io.Writer) error
}

// turn waits until one more window may be held in memory; done gives its place back.
func (h *Handler) turn(w http.ResponseWriter, r *http.Request) (done func(), err error) {
	late := time.NewTimer(h.config.Patience)
	defer late.Stop()
	select {
	case h.turns <- struct{}{}:
		return func() { <-h.turns }, nil
	case <-r.Context().Done():
		return nil, context.Cause(r.Context())
	case <-late.C:
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
		return nil, fault.Newf(fault.Unavailable, "%d windows are being served, which is as many as may be; ask again in a moment", h.config.AtOnce)
	}
}

// retryAfter is how many seconds a client should wait that got no turn.
const retryAfter = 5

func (h *Handler) window(w http.ResponseWriter, r *http.Request) error {
	req, err := parseRequest(r)
	if err != nil {
		return err
	}
	tenant := store.Tenant(auth.From(r.Context()).Tenant)
	flow, err := h.store.Flow(r.Context(), tenant, req.flow)
	if err != nil {
		return err
	}
	done, err := h.turn(w, r)
	if err != nil {
		return err
	}
	defer done()
	f, err := h.plan(r.Context(), &planner{store: h.store, tenant: tenant, most: h.config.MaxGrains}, flow, req)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("Content-Disposition", disposition(flow, f))
	header.Set(headerTimerange, f.timerange.String())
	header.Set("Cache-Control", "private, no-store") // a Flow may still grow
	if f.size >= 0 {
		header.Set("Content-Length", strconv.FormatInt(f.size, 10))
	}
	if r.Method == http.MethodHead {
		return nil
	}
	return h.send(r.Context(), w, f)
}

// send writes the file. What fails before its first byte is an answer; after it the
// connection is cut, so that nobody takes a part for the whole.
func (h *Handler) send(ctx context.Context, w http.ResponseWriter, f *file) error {
	out := &counting{Writer: w}
	err := f.write(ctx, out)
	if err == nil {
		return nil
	}
	if out.n == 0 && ctx.Err() == nil {
		for _, name := range []string{"Content-Length", "Content-Disposition", headerTimerange} {
			w.Header().Del(name)
		}
		return err
	}
	if ctx.Err() == nil {
		h.log.WarnContext(ctx, "window was cut off", "bytes", out.n, "err", err)
	}
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http's way to cut a connection
}

// counting counts what was written.
type counting struct {
	io.Writer
	n int64
}

// Write implements io.Writer.
func (c *counting) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n += int64(n)
	return n, err
}

// plan chooses what to take of a Flow, or of the members of a multi Flow.
func (h *Handler) plan(ctx context.Context, p *planner, flow *store.Flow, req *request) (*file, error) {
	flows := []*store.Flow{flow}
	if flow.Format == media.FormatMulti {
		ids := make([]uuid.UUID, len(flow.Collection))
		for i, m := range flow.Collection {
			ids[i] = m.FlowID
		}
		var err error
		if flows, err = h.store.Flows(ctx, p.tenant, ids); err != nil {
			return nil, err
		}
	}
	if len(flows) == 1 {
		flow = flows[0]
	}
	if req.format == "" {
		req.format = usualFormat(flow)
	}
	if flow.Format == media.FormatMulti {
		if req.format == formatWAV || req.format == formatRaw {
			if flows = holding(flows, req.format); len(flows) != 1 {
				return nil, fault.Newf(fault.NotRepresented, "%s holds one flow, %s collects %s; take one of them, or format=mp4 or format=gsf",
					req.format, flow.ID, describe(flows))
			}
		}
	}
	switch req.format {
	case formatMP4, formatMOV:
		return h.planMovie(ctx, p, flows, req)
	default:
		return h.planPlain(ctx, p, flows, req)
	}
}

// checkPlain refuses essence that a format cannot hold, however it is cut.
func checkPlain(flows []*store.Flow, format string) error {
	for _, f := range flows {
		switch {
		case format == formatWAV && !isPCM(f):
			return fault.Newf(fault.NotRepresented, "flow %s is %s, WAV holds raw audio only; take format=mp4 or format=gsf", f.ID, f.Codec)
		case format == formatRaw && f.Codec == media.CodecAAC:
			return fault.Newf(fault.NotRepresented, "flow %s is AAC, whose frames need a container; take format=mp4 or format=gsf", f.ID)
		}
	}
	return nil
}

// holding keeps those members that a format for one Flow can hold; if it can hold none,
// all are in question.
func holding(members []*store.Flow, format string) []*store.Flow {
	if format == formatRaw {
		return members
	}
	var pcm []*store.Flow
	for _, f := range members {
		if isPCM(f) {
			pcm = append(pcm, f)
		}
	}
	if len(pcm) == 0 {
		return members
	}
	return pcm
}

func describe(flows []*store.Flow) string {
	names := make([]string, len(flows))
	for i, f := range flows {
		names[i] = fmt.Sprintf("%s (%s)", f.ID, f.Codec)
	}
	return strings.Join(names, ", ")
}

// planTracks plans each of the Flows that has something in the range; it is an
// error if none has.
func planTracks(ctx context.Context, p *planner, flows []*store.Flow, within mediatime.Range, preroll func(*store.Flow) int) ([]*track, error) {
	var tracks []*track
	var none error = fault.New(fault.NotFound, "the flow collects no others")
	for _, flow := range flows {
		t, err := p.plan(ctx, flow, within, preroll(flow))
		switch {
		case err == nil:
			tracks = append(tracks, t)
		case fault.Is(err, fault.NotFound):
			none = err
		default:
			return nil, err
		}
	}
	if len(tracks) == 0 {
		return nil, none
	}
	return tracks, nil
}

// planPlain plans the formats that cannot hide what is carried beside what is
// wanted: for them "exact" may be impossible (media rule 12).
func (h *Handler) planPlain(ctx context.Context, p *planner, flows []*store.Flow, req *request) (*file, error) {
	if err := checkPlain(flows, req.format); err != nil {
		return nil, err
	}
	tracks, err := planTracks(ctx, p, flows, req.within, func(*store.Flow) int { return 0 })
	if err != nil {
		return nil, err
	}
	f := &file{tracks: tracks, size: -1}
	for _, t := range tracks {
		if req.trim == trimExact && !t.exact {
			return nil, fault.Newf(fault.NotExact, "%s cannot be cut to %s in %s: it would begin and end with %s. Take trim=rap, or format=mp4, which hides the rest",
				t.flow.Codec, t.present, req.format, t.carried)
		}
		f.timerange = f.timerange.Union(t.carried)
	}
	first := tracks[0]
	if req.format != formatGSF && isPCM(first.flow) {
		if err := checkSound(first); err != nil {
			return nil, err
		}
	}
	switch req.format {
	case formatWAV:
		f.contentType, f.extension = "audio/wav", "wav"
		f.size = wavSize(first)
		f.write = func(ctx context.Context, w io.Writer) error { return h.writeWAV(ctx, w, first) }
	case formatRaw:
		f.contentType, f.extension, f.size = first.flow.Codec, rawExtension(first.flow), first.essenceSize()
		f.write = h.essenceWriter(first)
	default:
		f.contentType, f.extension = gsf.MediaType, "gsf"
		f.write = h.gsfWriter(tracks)
	}
	return f, nil
}

func rawExtension(f *store.Flow) string {
	if f.Codec == media.CodecH264 {
		return "h264"
	}
	return "raw"
}

func (h *Handler) essenceWriter(t *track) func(context.Context, io.Writer) error {
	return func(ctx context.Context, w io.Writer) error { return h.writeEssence(ctx, w, t) }
}

func (h *Handler) gsfWriter(tracks []*track) func(context.Context, io.Writer) error {
	return func(ctx context.Context, w io.Writer) error { return h.writeGSF(ctx, w, tracks) }
}

// disposition names the file after the Flow and the range.
func disposition(flow *store.Flow, f *file) string {
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r < ' ' {
			return '-'
		}
		return r
	}, flow.Label)
	if name == "" {
		name = flow.ID.String()
	}
	name = fmt.Sprintf("%s_%.3f-%.3f.%s", name, f.timerange.Start.Seconds(), f.timerange.End.Seconds(), f.extension)
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}
