package fault

import (
	"context"
	"errors"
	"fmt"
)

// Code names one kind of failure. It is stable: clients and dashboards match it.
type Code string

// Blame says whose fault a failure is: it decides retry, alert and wording.
type Blame string

// The two to blame.
const (
	Customer Blame = "customer" // bad input, dead URL, no permission
	Platform Blame = "platform" // ours
)

// Codes. The table in table.go says the rest of each.
const (
	InvalidArgument     Code = "invalid_argument"
	Malformed           Code = "malformed"
	BodyTooLarge        Code = "body_too_large"
	TimeOutOfRange      Code = "time_out_of_range"
	NotFound            Code = "not_found"
	Conflict            Code = "conflict"
	IdempotencyConflict Code = "idempotency_conflict"
	WrongState          Code = "wrong_state"
	Unauthenticated     Code = "unauthenticated"
	PermissionDenied    Code = "permission_denied"
	RateLimited         Code = "rate_limited"

	UnknownMIMEType   Code = "unknown_mime_type"
	MIMEMismatch      Code = "mime_mismatch"
	EmptyFile         Code = "empty_file"
	TruncatedFile     Code = "truncated_file"
	MalformedFile     Code = "malformed_file"
	UnsupportedFile   Code = "unsupported_file"
	NoEssence         Code = "no_essence"
	SourceNotFound    Code = "source_not_found"
	SourceForbidden   Code = "source_forbidden"
	SourceUnreachable Code = "source_unreachable"
	SourceNoRanges    Code = "source_no_ranges"
	SourceNotMedia    Code = "source_not_media"
	SourceChanged     Code = "source_changed"
	AddressRefused    Code = "address_refused"

	SegmentOverlap Code = "segment_overlap"
	ReadOnly       Code = "read_only"
	NotExact       Code = "not_exact"
	NotRepresented Code = "not_representable"
	Gone           Code = "gone"
	RunEnded       Code = "run_ended" // of the run of a job that somebody still works for

	StaleEpoch  Code = "stale_epoch"
	Cancelled   Code = "cancelled"
	Exhausted   Code = "attempts_exhausted"
	Unavailable Code = "unavailable"
	Internal    Code = "internal"
)

// Error is a failure with its code and a sentence for people.
type Error struct {
	Code    Code
	Message string
	cause   error
}

// New makes an Error. The message names the input and what was expected.
func New(code Code, message string) *Error { return &Error{Code: code, Message: message} }

// Newf makes an Error; what each %w in the format stands for becomes its cause.
func Newf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), cause: err}
}

// Wrap gives err a code, keeping its text as the message.
func Wrap(code Code, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Code: code, Message: err.Error(), cause: err}
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause, which people are not shown beyond the message.
func (e *Error) Unwrap() error { return e.cause }

// Blame says whose fault it is.
func (e *Error) Blame() Blame { return e.Code.row().blame }

// Retryable says whether trying again can help.
func (e *Error) Retryable() bool { return e.Code.row().retry }

// Of finds the fault in err. What has none is Internal, with a message that tells
// nothing, or Cancelled and Unavailable for the errors of package context.
func Of(err error) *Error {
	var e *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &e):
		if e.Message == err.Error() {
			return e
		}
		return &Error{Code: e.Code, Message: err.Error(), cause: err}
	case errors.Is(err, context.Canceled):
		return &Error{Code: Cancelled, Message: "the call was cancelled", cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: Unavailable, Message: "the call took too long", cause: err}
	default:
		return &Error{Code: Internal, Message: "something failed inside Grainmesh; the log of the service has the cause", cause: err}
	}
}

// Is says whether err is a fault of this code.
func Is(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
