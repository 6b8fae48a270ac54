package fault

import (
	"errors"
	"strconv"

	"github.com/twitchtv/twirp"

	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// Keys of a Twirp error's meta.
const (
	metaCode      = "code"
	metaBlame     = "fault"
	metaRetryable = "retryable"
)

// ToTwirp turns err into what goes over the wire.
func ToTwirp(err error) twirp.Error {
	if err == nil {
		return nil
	}
	e := Of(err)
	return twirp.NewError(e.Code.row().twirp, e.Message).
		WithMeta(metaCode, string(e.Code)).
		WithMeta(metaBlame, string(e.Blame())).
		WithMeta(metaRetryable, strconv.FormatBool(e.Retryable()))
}

// FromTwirp turns the error of a Twirp call into a fault. Errors that never
// reached the other side are Unavailable.
func FromTwirp(err error) error {
	var twerr twirp.Error
	if err == nil || !errors.As(err, &twerr) {
		return err
	}
	if code := twerr.Meta(metaCode); code != "" {
		return &Error{Code: Code(code), Message: twerr.Msg(), cause: err}
	}
	switch twerr.Code() {
	case twirp.Unauthenticated:
		return &Error{Code: Unauthenticated, Message: twerr.Msg(), cause: err}
	case twirp.PermissionDenied:
		return &Error{Code: PermissionDenied, Message: twerr.Msg(), cause: err}
	case twirp.BadRoute, twirp.NotFound:
		return &Error{Code: NotFound, Message: twerr.Msg(), cause: err}
	case twirp.Malformed, twirp.InvalidArgument:
		return &Error{Code: Malformed, Message: twerr.Msg(), cause: err}
	case twirp.Canceled:
		return &Error{Code: Cancelled, Message: twerr.Msg(), cause: err}
	default:
		return &Error{Code: Unavailable, Message: twerr.Msg(), cause: err}
	}
}

// Proto returns err as APIs and events carry it.
func Proto(err error) *mediav1.Failure {
	if err == nil {
		return nil
	}
	e := Of(err)
	return &mediav1.Failure{Code: string(e.Code), Message: e.Message, Fault: string(e.Blame()), Retryable: e.Retryable()}
}

// FromProto reads what Proto wrote; nil gives nil.
func FromProto(f *mediav1.Failure) error {
	if f == nil {
		return nil
	}
	return &Error{Code: Code(f.GetCode()), Message: f.GetMessage()}
}
