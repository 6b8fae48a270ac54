package window

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/grainmesh/grainmesh/pkg/auth"
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// grain gives the grain that covers an instant: its essence, or with format=gsf a
// GSF file of it. It costs one query and one ranged read.
func (h *Handler) grain(w http.ResponseWriter, r *http.Request) error {
	id, err := flowID(r)
	if err != nil {
		return err
	}
	at, err := mediatime.Parse(chi.URLParam(r, "timestamp"))
	if err != nil {
		return timeFault(err)
	}
	format := r.URL.Query().Get("format")
	if format != "" && format != formatRaw && format != formatGSF {
		return fault.Newf(fault.InvalidArgument, "format is %q, want raw or gsf", format)
	}
	tenant := store.Tenant(auth.From(r.Context()).Tenant)
	flow, err := h.store.Flow(r.Context(), tenant, id)
	if err != nil {
		return err
	}
	placed, err := h.store.GrainAt(r.Context(), tenant, id, at)
	if err != nil {
		return err
	}
	if placed.Segment.Key == "" {
		return readable(flow, placed.Segment)
	}
	f := h.grainFile(flow, placed, format)
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set(headerTimerange, f.timerange.String())
	// Objects never change, but what is at an instant may be cut or deleted, and may be
	// asked for by another user of the same browser: it is asked again each time.
	etag := grainTag(flow, placed, f, format)
	header.Set("Cache-Control", "private, no-cache")
	header.Add("Vary", "Cookie, Authorization")
	header.Set("ETag", etag)
	if knows(r.Header.Get("If-None-Match"), etag) {
		header.Del("Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if f.size >= 0 {
		header.Set("Content-Length", strconv.FormatInt(f.size, 10))
	}
	if access := placed.Access.String(); access != "" {
		header.Set("X-Media-Random-Access", access)
	}
	if r.Method == http.MethodHead {
		return nil
	}
	return h.send(r.Context(), w, f)
}

// grainTag names what a grain is answered with: bytes of an object, and what is said of
// them. It is weak for GSF, since each file has ids of its own.
func grainTag(flow *store.Flow, placed *store.PlacedGrain, f *file, format string) string {
	weak, about := "", any(flow.Codec)
	if format == formatGSF {
		weak, about = "W/", flowDocument(flow)
	}
	object := placed.Segment.Object
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %q %d %v %+v %s %+v",
		placed.Segment.ObjectID, object.ETag, placed.Before, placed.Segment.Offset, placed.Entry, f.timerange, about))
	return weak + `"` + hex.EncodeToString(sum[:12]) + `"`
}

// knows says whether an If-None-Match names a tag (RFC 9110, 13.1.2).
func knows(ifNoneMatch, etag string) bool {
	for tag := range strings.SplitSeq(ifNoneMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// grainFile plans a window of one whole grain.
func (h *Handler) grainFile(flow *store.Flow, placed *store.PlacedGrain, format string) *file {
	p := piece{Entry: placed.Entry, segment: placed.Segment, before: placed.Before, to: int64(placed.Samples)}
	p.PTS += placed.Segment.Offset
	p.Order += placed.Segment.Offset
	t := &track{flow: flow, pieces: []piece{p}, present: p.Range(), carried: p.Range(), exact: true, samples: p.to}
	f := &file{tracks: []*track{t}, timerange: p.Range(), size: -1}
	if format == formatGSF {
		f.contentType = gsf.MediaType
		f.write = h.gsfWriter(f.tracks)
		return f
	}
	f.contentType, f.size = flow.Codec, p.Size
	f.write = h.essenceWriter(t)
	return f
}
