package objstore

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/minio/minio-go/v7"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
)

// translate turns an error of the client library into a fault that says what was
// tried.
func translate(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	tried := fmt.Sprintf(format, args...)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", tried, err)
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		// No answer at all. The URL in the text of err may be signed.
		return fault.Newf(fault.Unavailable, "%s: the object store does not answer: %w", tried, urlguard.CleanError(err))
	}
	return fault.Newf(codeFor(answer), "%s: %w", tried, err)
}

// codeFor is the table of S3 errors.
func codeFor(answer minio.ErrorResponse) fault.Code {
	switch answer.Code {
	case minio.NoSuchKey, minio.NoSuchBucket, minio.NoSuchUpload:
		return fault.NotFound
	case minio.PreconditionFailed, minio.BucketAlreadyExists, minio.BucketAlreadyOwnedByYou, minio.BucketNotEmpty, "ConditionalRequestConflict":
		return fault.Conflict
	case minio.EntityTooLarge:
		return fault.BodyTooLarge
	case minio.EntityTooSmall, minio.InvalidPart, minio.InvalidPartOrder, minio.InvalidArgument,
		minio.InvalidRange, minio.InvalidBucketName, minio.XMinioInvalidObjectName, "KeyTooLongError":
		return fault.InvalidArgument
	}
	switch {
	case answer.StatusCode == http.StatusNotFound:
		return fault.NotFound
	case answer.StatusCode == http.StatusPreconditionFailed:
		return fault.Conflict
	case answer.StatusCode >= http.StatusInternalServerError, answer.StatusCode == http.StatusTooManyRequests:
		return fault.Unavailable
	default:
		return fault.Internal // our account or our request is wrong
	}
}
