package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/subjects"
	jobv1 "github.com/grainmesh/grainmesh/rpc/job/v1"
	mediav1 "github.com/grainmesh/grainmesh/rpc/media/v1"
)

// tracedWork is what a row of work tells of its path.
type tracedWork struct {
	id                uuid.UUID
	layer             subjects.Layer
	number, run       int32
	state             WorkState
	epoch, attempts   int32
	worker            string
	failure           []byte
	created           time.Time
	started, finished *time.Time
}

// steps turns the row into what happened: queued by the owner, started by a worker
// after some waiting, reported after some working.
func (t *tracedWork) steps() []*jobv1.TraceStep {
	step := func(at time.Time, service, what string, since *time.Time) *jobv1.TraceStep {
		s := &jobv1.TraceStep{
			AtUnixNs: at.UnixNano(), Service: service, What: what, Layer: string(t.layer),
			WorkId: t.id.String(), Run: t.run, Detail: t.detail(),
		}
		if since != nil {
			s.DurationNs = at.Sub(*since).Nanoseconds()
		}
		return s
	}
	steps := []*jobv1.TraceStep{step(t.created, "job-api", "queued", nil)}
	if t.started != nil {
		s := step(*t.started, serviceOf[t.layer], "started", &t.created)
		s.Epoch = t.epoch
		steps = append(steps, s)
	}
	if t.finished != nil {
		s := step(*t.finished, serviceOf[t.layer], string(t.state), t.started)
		s.Epoch = t.epoch
		var failure *mediav1.Failure
		if err := decodeFailure(t.failure, &failure); err == nil && failure != nil {
			s.Detail = failure.GetMessage()
		}
		steps = append(steps, s)
	}
	return steps
}

func (t *tracedWork) detail() string {
	detail := t.worker
	if t.layer == subjects.Read {
		detail = fmt.Sprintf("chunk %d %s", t.number, t.worker)
	}
	if t.attempts > 1 {
		detail += fmt.Sprintf(", attempt %d", t.attempts)
	}
	return detail
}

func sortSteps(steps []*jobv1.TraceStep) {
	slices.SortStableFunc(steps, func(a, b *jobv1.TraceStep) int { return cmp.Compare(a.GetAtUnixNs(), b.GetAtUnixNs()) })
}
