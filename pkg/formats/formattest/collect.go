package formattest

import (
	"fmt"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/media"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
	"github.com/grainmesh/grainmesh/pkg/runs"
)

// Object is a stored object and the segment that it was made for.
type Object struct {
	Track   int
	Segment mediatime.Range
	*runs.Object
}

// Data returns the essence of grain i.
func (o *Object) Data(i int) []byte {
	e := &o.Index[i]
	return o.Bytes[e.Offset : e.Offset+e.Size]
}

// Collector is a sink that makes objects as the reader service does, and keeps
// them.
type Collector struct {
	flows   map[int]*media.Flow
	open    map[int]*openObject
	order   []int // tracks in the order in which they were first met
	objects []Object
	grains  int
	// OnGrain, if set, is called before each grain; its error ends the reading.
	OnGrain func(n int) error
}

type openObject struct {
	segment mediatime.Range
	writer  *runs.Writer
}

var _ formats.Sink = (*Collector)(nil)

// NewCollector makes a Collector for Flows by track number.
func NewCollector(flows map[int]*media.Flow) *Collector {
	return &Collector{flows: flows, open: map[int]*openObject{}}
}

// StartObject implements formats.Sink.
func (c *Collector) StartObject(track int, segment mediatime.Range) error {
	if err := c.finish(track); err != nil {
		return err
	}
	flow := c.flows[track]
	if flow == nil {
		return fmt.Errorf("track %d is not one of this chunk", track)
	}
	id := uuid.NewSHA1(flow.ID, []byte(segment.String()))
	if c.open[track] == nil {
		c.order = append(c.order, track)
	}
	c.open[track] = &openObject{segment, runs.NewWriter(flow, id, nil)}
	return nil
}

// Grain implements formats.Sink.
func (c *Collector) Grain(track int, g *formats.Grain) error {
	object := c.open[track]
	if object == nil {
		return fmt.Errorf("track %d has a grain before its first object", track)
	}
	if c.OnGrain != nil {
		if err := c.OnGrain(c.grains); err != nil {
			return err
		}
	}
	c.grains++
	return object.writer.Add(g)
}

// finish keeps the open object of a track, unless it has nothing to present.
func (c *Collector) finish(track int) error {
	object := c.open[track]
	if object == nil || object.writer.Grains() == 0 || object.segment.IsEmpty() {
		return nil
	}
	finished, err := object.writer.Finish()
	if err != nil {
		return err
	}
	c.objects = append(c.objects, Object{track, object.segment, finished})
	return nil
}

// Objects ends what is open and returns all objects, those of each track in the
// order in which they were begun.
func (c *Collector) Objects() ([]Object, error) {
	for _, track := range c.order {
		if err := c.finish(track); err != nil {
			return nil, err
		}
	}
	clear(c.open)
	c.order = nil
	return c.objects, nil
}
