package reader

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/work"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// places are the objects that were allocated for a chunk, by Flow. It is used by
// one goroutine.
type places struct {
	byFlow map[string][]*mediastorev1.AllocatedObject
}

func newPlaces(objects []*mediastorev1.AllocatedObject) *places {
	p := &places{map[string][]*mediastorev1.AllocatedObject{}}
	for _, o := range objects {
		p.byFlow[o.GetFlowId()] = append(p.byFlow[o.GetFlowId()], o)
	}
	return p
}

// take returns the next place for an object of a Flow.
func (p *places) take(flow string) (*mediastorev1.AllocatedObject, error) {
	left := p.byFlow[flow]
	if len(left) == 0 {
		return nil, fmt.Errorf("flow %s has more objects in this chunk than its plan says", flow)
	}
	p.byFlow[flow] = left[1:]
	return left[0], nil
}

// unused returns the ids of the places that were not taken.
func (p *places) unused() []string {
	var ids []string
	for _, left := range p.byFlow {
		for _, o := range left {
			ids = append(ids, o.GetObjectId())
		}
	}
	return ids
}

// uploadTries bounds the attempts at one object; what fails longer is tried again
// with the whole chunk.
const uploadTries = 4

// put uploads one object to its presigned URL. It is clean if nobody reads the body any
// more: the transport of an attempt that failed may do so for a while.
func (s *Service) put(ctx context.Context, t *work.Task, place *mediastorev1.AllocatedObject, body []byte) (clean bool, err error) {
	first := true
	attempt := func() (struct{}, error) {
		status, err := s.putOnce(ctx, t, place, body)
		// The place is ours alone: if it is taken, an attempt before this one arrived
		// and only its answer was lost.
		arrived := status/100 == 2 || (status == http.StatusPreconditionFailed && !first)
		clean = first && err == nil && status/100 == 2
		first = false
		switch {
		case err != nil:
			return struct{}{}, err
		case arrived:
			return struct{}{}, nil
		case status/100 == 5 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout:
			return struct{}{}, fmt.Errorf("status %d", status)
		default:
			return struct{}{}, backoff.Permanent(fmt.Errorf("status %d", status))
		}
	}
	_, err = backoff.Retry(ctx, attempt, backoff.WithMaxTries(uploadTries), backoff.WithMaxElapsedTime(time.Minute))
	if err != nil {
		return false, fault.Newf(fault.Unavailable, "upload object %s: %w", place.GetObjectId(), err)
	}
	return clean, nil
}

func (s *Service) putOnce(ctx context.Context, t *work.Task, place *mediastorev1.AllocatedObject, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, place.GetPutUrl(), io.NopCloser(t.Reader(bytes.NewReader(body))))
	if err != nil {
		return 0, backoff.Permanent(fmt.Errorf("make the request: %w", err))
	}
	req.ContentLength = int64(len(body))
	for name, value := range place.GetHeaders() {
		req.Header.Set(name, value)
	}
	response, err := s.deps.Objects.Do(req)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode, response.Body.Close()
}
