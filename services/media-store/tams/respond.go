package tams

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

// errorBody is the error of TAMS (schemas/error.json) with our own fields.
type errorBody struct {
	Type      string      `json:"type"`
	Summary   string      `json:"summary"`
	Time      time.Time   `json:"time"`
	Code      fault.Code  `json:"code"`
	Message   string      `json:"message"`
	Fault     fault.Blame `json:"fault"`
	Retryable bool        `json:"retryable"`
	TraceID   string      `json:"trace_id,omitempty"`
}

func newErrorBody(r *http.Request, err error) (errorBody, int) {
	e := fault.Of(err)
	return errorBody{
		Type: string(e.Code), Summary: e.Message, Time: time.Now().UTC(),
		Code: e.Code, Message: e.Message, Fault: e.Blame(), Retryable: e.Retryable(), TraceID: telemetry.TraceID(r.Context()),
	}, status(e)
}

// status is what TAMS asks for where it differs from our table: what clients send
// wrongly is 400, overlaps and conflicts too.
func status(e *fault.Error) int {
	switch e.Code {
	case fault.SegmentOverlap, fault.WrongState, fault.Conflict:
		return http.StatusBadRequest
	default:
		return e.HTTPStatus()
	}
}

func writeError(w http.ResponseWriter, r *http.Request, err error) {
	body, code := newErrorBody(r, err)
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	_ = writeJSON(w, code, body)
}

func writeJSON(w http.ResponseWriter, code int, body any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(encoded)))
	w.WriteHeader(code)
	// A client that has gone needs no error.
	_, _ = w.Write(encoded)
	return nil
}

func noContent(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readBody reads the body, of which nothing may hold what no column can.
func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, bodyFault(err)
	}
	return body, checkBody(body)
}

// readJSON reads the body into v.
func readJSON(r *http.Request, v any) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fault.Newf(fault.Malformed, "the body is not the JSON that is wanted here: %w", err)
	}
	return nil
}

// paging is what the headers of a page say.
type paging struct {
	limit, count int
	next         string // empty on the last page
	reverse      bool
}

func (p paging) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Paging-Limit", strconv.Itoa(p.limit))
	h.Set("X-Paging-Count", strconv.Itoa(p.count))
	h.Set("X-Paging-Reverse-Order", strconv.FormatBool(p.reverse))
	if p.next == "" {
		return
	}
	h.Set("X-Paging-NextKey", p.next) //nolint:canonicalheader // as TAMS spells it; headers have no case
	query := r.URL.Query()
	query.Set("page", p.next)
	query.Del("access_token") // a link may be logged
	link := url.URL{Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: query.Encode()}
	h.Set("Link", "<"+requestBase(r)+link.String()+`>; rel="next"`)
}

// requestBase is the origin as the client sees it.
func requestBase(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}
