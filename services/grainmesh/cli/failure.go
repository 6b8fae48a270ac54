package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/grainmesh/grainmesh/pkg/fault"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
)

// errJobFailed says that a job which was watched did not complete.
var errJobFailed = errors.New("the job did not complete")

// jobError is the end of a job that did not complete.
type jobError struct{ job *jobv1.Job }

// Error implements error. What was uploaded has a URL that its user has never seen, and
// is called as it was on the user's machine.
func (e *jobError) Error() string {
	j, f := e.job, e.job.GetFailure()
	if j.GetState() == jobv1.JobState_JOB_STATE_CANCELLED {
		return fmt.Sprintf("job %s was cancelled", j.GetId())
	}
	url, input := j.GetSpec().GetUrl(), j.GetSpec().GetUrl()
	if strings.HasPrefix(url, "s3://") {
		input = j.GetSpec().GetLabel()
	}
	sentence := strings.TrimPrefix(strings.ReplaceAll(f.GetMessage(), url, input), input+": ")
	can := "cannot"
	if f.GetRetryable() {
		can = "can"
	}
	return fmt.Sprintf("job %s failed: %s: %s (code %s; a retry %s help)\nIts path: grainmesh job trace %[1]s", j.GetId(), input, sentence, f.GetCode(), can)
}

// Unwrap gives what all of them have in common.
func (e *jobError) Unwrap() error { return errJobFailed }

// errNotWell says that doctor found something; it has told what.
var errNotWell = errors.New("not everything is well")

// failed is what machines are told of an error where there is no job.
type failed struct {
	Code      fault.Code `json:"code"`
	Message   string     `json:"message"`
	Retryable bool       `json:"retryable"`
}

// writeFailure writes what ended a command as JSON: the job if there is one.
func writeFailure(out io.Writer, err error) error {
	if e, ok := errors.AsType[*jobError](err); ok {
		return writeJSON(out, e.job)
	}
	if errors.Is(err, errNotWell) {
		return nil
	}
	f := failed{Code: fault.Internal, Message: err.Error()}
	if e, ok := errors.AsType[*fault.Error](err); ok {
		f.Code, f.Retryable = e.Code, e.Retryable()
	} else if code, ok := map[int]fault.Code{exitUsage: fault.InvalidArgument, exitUnreachable: fault.Unavailable, exitInterrupted: fault.Cancelled}[exitCode(err)]; ok {
		f.Code = code
	}
	return json.NewEncoder(out).Encode(map[string]failed{"error": f})
}
