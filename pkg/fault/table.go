package fault

import (
	"net/http"

	"github.com/twitchtv/twirp"
)

// row is what the table says of one code.
type row struct {
	blame Blame
	retry bool
	twirp twirp.ErrorCode
	http  int
}

// row returns the code's line of the one table.
func (c Code) row() row {
	switch c {
	case InvalidArgument, TimeOutOfRange, UnknownMIMEType:
		return row{Customer, false, twirp.InvalidArgument, http.StatusBadRequest}
	case Malformed:
		return row{Customer, false, twirp.Malformed, http.StatusBadRequest}
	case BodyTooLarge:
		return row{Customer, false, twirp.InvalidArgument, http.StatusRequestEntityTooLarge}
	case NotFound:
		return row{Customer, false, twirp.NotFound, http.StatusNotFound}
	case Gone, RunEnded:
		return row{Customer, false, twirp.NotFound, http.StatusGone}
	case Conflict, IdempotencyConflict, SegmentOverlap:
		return row{Customer, false, twirp.AlreadyExists, http.StatusConflict}
	case WrongState, NotExact, NotRepresented:
		return row{Customer, false, twirp.FailedPrecondition, http.StatusConflict}
	case ReadOnly, PermissionDenied:
		return row{Customer, false, twirp.PermissionDenied, http.StatusForbidden}
	case Unauthenticated:
		return row{Customer, false, twirp.Unauthenticated, http.StatusUnauthorized}
	case RateLimited:
		return row{Customer, true, twirp.ResourceExhausted, http.StatusTooManyRequests}
	case MIMEMismatch, EmptyFile, TruncatedFile, MalformedFile, UnsupportedFile, NoEssence,
		SourceNotFound, SourceForbidden, SourceNoRanges, SourceNotMedia, SourceChanged, AddressRefused:
		return row{Customer, false, twirp.FailedPrecondition, http.StatusUnprocessableEntity}
	case SourceUnreachable:
		return row{Customer, true, twirp.Unavailable, http.StatusBadGateway}
	case StaleEpoch:
		return row{Platform, false, twirp.Aborted, http.StatusConflict}
	case Cancelled:
		return row{Customer, false, twirp.Canceled, http.StatusRequestTimeout}
	case Exhausted:
		return row{Platform, false, twirp.ResourceExhausted, http.StatusServiceUnavailable}
	case Unavailable:
		return row{Platform, true, twirp.Unavailable, http.StatusServiceUnavailable}
	case Internal:
		return row{Platform, true, twirp.Internal, http.StatusInternalServerError}
	default:
		return row{Platform, true, twirp.Internal, http.StatusInternalServerError}
	}
}

// HTTPStatus is the status that REST surfaces answer with.
func (e *Error) HTTPStatus() int { return e.Code.row().http }
