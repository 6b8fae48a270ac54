package window

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// request is what a client wants of a Flow.
type request struct {
	flow   uuid.UUID
	within mediatime.Range
	format string // empty for what suits the Flow best
	// trim is "exact", "rap", or empty for the best that the format can do.
	trim string
}

// Values of trim.
const (
	trimExact = "exact"
	trimRAP   = "rap"
)

// Formats of windows.
const (
	formatGSF = "gsf"
	formatMP4 = "mp4"
	formatMOV = "mov"
	formatWAV = "wav"
	formatRaw = "raw"
)

func parseRequest(r *http.Request) (*request, error) {
	query := r.URL.Query()
	req := &request{format: strings.ToLower(query.Get("format")), trim: query.Get("trim")}
	var err error
	if req.flow, err = flowID(r); err != nil {
		return nil, err
	}
	if req.within, err = parseRange(query); err != nil {
		return nil, err
	}
	switch req.format {
	case "", formatGSF, formatMP4, formatMOV, formatWAV, formatRaw:
	default:
		return nil, fault.Newf(fault.InvalidArgument, "format is %q, want gsf, mp4, mov, wav or raw", req.format)
	}
	switch req.trim {
	case "", trimExact, trimRAP:
	default:
		return nil, fault.Newf(fault.InvalidArgument, "trim is %q, want exact or rap", req.trim)
	}
	return req, nil
}

func flowID(r *http.Request) (uuid.UUID, error) {
	id, err := uuid.Parse(chi.URLParam(r, "id"))
	if err != nil {
		return uuid.Nil, fault.Newf(fault.NotFound, "%q is not an id: %w", chi.URLParam(r, "id"), err)
	}
	return id, nil
}

func parseRange(query url.Values) (mediatime.Range, error) {
	if !query.Has("timerange") {
		return mediatime.Eternity, nil
	}
	r, err := mediatime.ParseRange(query.Get("timerange"))
	if err != nil {
		return r, timeFault(err)
	}
	if r.IsEmpty() {
		return r, fault.Newf(fault.InvalidArgument, "the time range %s is empty", query.Get("timerange"))
	}
	return r, nil
}

func timeFault(err error) error {
	if errors.Is(err, mediatime.ErrOutOfRange) {
		return fault.Wrap(fault.TimeOutOfRange, err)
	}
	return fault.Wrap(fault.InvalidArgument, err)
}

// usualFormat is what suits a Flow best.
func usualFormat(f *store.Flow) string {
	switch {
	case isPCM(f):
		return formatWAV
	case f.Format == media.FormatMulti || f.Codec == media.CodecH264 || f.Codec == media.CodecAAC:
		return formatMP4
	default:
		return formatGSF
	}
}
