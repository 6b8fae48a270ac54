package reader

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/runs"
	"github.com/grainmesh/grainmesh/pkg/work"
	mediastorev1 "github.com/grainmesh/grainmesh/rpc/mediastore/v1"
)

// sink turns the grains of a chunk into objects and uploads each as soon as it is
// whole, a few at a time: reading stops while as many are on their way.
type sink struct {
	ctx      context.Context //nolint:containedctx // lives as long as one chunk
	service  *Service
	task     *work.Task
	flows    map[int]*media.Flow
	places   *places
	open     map[int]*openObject
	uploads  *errgroup.Group
	mu       sync.Mutex
	segments segments
}

// openObject is an object that is being filled.
type openObject struct {
	segment mediatime.Range
	writer  *runs.Writer
}

// segments is what a chunk becomes in the store.
type segments []*mediastorev1.NewSegment

func (s segments) grains() (n int64) {
	for _, segment := range s {
		n += int64(segment.GetGrains())
	}
	return n
}

func (s segments) bytes() (n int64) {
	for _, segment := range s {
		n += segment.GetSize()
	}
	return n
}

func (m *metrics) count(written segments, fetched int64) {
	m.fetched.Add(float64(fetched))
	m.stored.Add(float64(written.bytes()))
	m.grains.Add(float64(written.grains()))
}

func (s *Service) newSink(ctx context.Context, t *work.Task, flows map[int]*media.Flow, places *places) *sink {
	uploads, ctx := errgroup.WithContext(ctx)
	uploads.SetLimit(s.config.Uploads)
	return &sink{ctx: ctx, service: s, task: t, flows: flows, places: places, open: map[int]*openObject{}, uploads: uploads}
}

var _ formats.Sink = (*sink)(nil)

// StartObject implements formats.Sink.
func (s *sink) StartObject(track int, segment mediatime.Range) error {
	if err := s.closeObject(track); err != nil {
		return err
	}
	flow := s.flows[track]
	if flow == nil {
		return fmt.Errorf("track %d is not one of this chunk", track)
	}
	// The id follows from the place on the time line, so that a chunk that is read
	// again writes the same bytes.
	id := uuid.NewSHA1(flow.ID, []byte(segment.String()))
	s.open[track] = &openObject{segment, runs.NewWriter(flow, id, s.service.buffers.take())}
	return nil
}

// Grain implements formats.Sink.
func (s *sink) Grain(track int, g *formats.Grain) error {
	object := s.open[track]
	if object == nil {
		return fmt.Errorf("track %d has a grain before its first object", track)
	}
	if err := s.ctx.Err(); err != nil {
		return context.Cause(s.ctx)
	}
	return object.writer.Add(g)
}

// closeObject ends the open object of a track and sends it off.
func (s *sink) closeObject(track int) error {
	object := s.open[track]
	if object == nil {
		return nil
	}
	delete(s.open, track)
	if object.writer.Grains() == 0 || object.segment.IsEmpty() {
		return nil
	}
	finished, err := object.writer.Finish()
	if err != nil {
		return err
	}
	place, err := s.places.take(s.flows[track].ID.String())
	if err != nil {
		return err
	}
	s.uploads.Go(func() error { return s.upload(place, object.segment, finished) })
	return nil
}

func (s *sink) upload(place *mediastorev1.AllocatedObject, segment mediatime.Range, o *runs.Object) error {
	sum := sha256.Sum256(o.Bytes)
	size := int64(len(o.Bytes))
	clean, err := s.service.put(s.ctx, s.task, place, o.Bytes)
	if err != nil {
		return err
	}
	if clean {
		s.service.buffers.give(o.Bytes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.segments = append(s.segments, &mediastorev1.NewSegment{
		FlowId: place.GetFlowId(), ObjectId: place.GetObjectId(), Timerange: segment.String(), ObjectTimerange: o.Range.String(),
		Size: size, Sha256: sum[:], Grains: int32(len(o.Index)), KeyFrames: int32(o.KeyFrames), Index: o.Index.Pack(),
	})
	return nil
}

// finish sends off what is open and waits for all uploads.
func (s *sink) finish() (segments, error) {
	var err error
	for track := range s.open {
		if closeErr := s.closeObject(track); err == nil {
			err = closeErr
		}
	}
	if waitErr := s.uploads.Wait(); err == nil {
		err = waitErr
	}
	return s.segments, err
}

// buffers keeps the memory of objects for the next ones.
type buffers struct{ pool sync.Pool }

func (b *buffers) take() []byte {
	if held, ok := b.pool.Get().(*[]byte); ok {
		return *held
	}
	return nil
}

func (b *buffers) give(buf []byte) {
	buf = buf[:0]
	b.pool.Put(&buf)
}
