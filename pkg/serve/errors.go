package serve

import (
	"encoding/json"
	"net/http"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/telemetry"
)

// errorBody is how REST surfaces tell of a failure.
type errorBody struct {
	Code      fault.Code  `json:"code"`
	Message   string      `json:"message"`
	Fault     fault.Blame `json:"fault"`
	Retryable bool        `json:"retryable"`
	TraceID   string      `json:"trace_id,omitempty"`
}

// WriteError answers with err as JSON and the HTTP status of its code.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	e := fault.Of(err)
	w.Header().Set("Content-Type", "application/json")
	if e.Code == fault.Unauthenticated {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(e.HTTPStatus())
	_ = json.NewEncoder(w).Encode(errorBody{e.Code, e.Message, e.Blame(), e.Retryable(), telemetry.TraceID(r.Context())})
}

// ParseID reads an id that a field of a request holds.
func ParseID(field, text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil, fault.Newf(fault.InvalidArgument, "%s is %q, want a UUID", field, text)
	}
	return id, nil
}
