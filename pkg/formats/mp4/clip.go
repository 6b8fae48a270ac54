package mp4

import (
	"github.com/grainmesh/grainmesh/pkg/isobmff"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// clipper leaves out the units of a track that are not wanted, but for what a
// decoder needs before the first: for video back to the random access point
// before the last (leading pictures need one more), for AAC one unit.
type clipper struct {
	source source
	kind   string
	clip   mediatime.Range
	isRAP  func(*isobmff.Sample) bool
	begun  bool
	held   [][]*unit // at most two groups, each from a random access point on
}

func (c *clipper) next() (*unit, error) {
	u, err := c.source.next()
	for err == nil && u != nil && !c.begun {
		if c.begun = u.segment.End > c.clip.Start; c.begun {
			u = c.withHeld(u)
			break
		}
		c.hold(u)
		u, err = c.source.next()
	}
	if err != nil || u == nil || u.segment.Start >= c.clip.End {
		return nil, err
	}
	return u, nil
}

func (c *clipper) hold(u *unit) {
	switch {
	case c.kind == kindPCM:
		return
	case c.kind == kindAAC:
		c.held = [][]*unit{{u}}
	case len(c.held) == 0 || c.isRAP(&u.Samples[0]):
		c.held = append(c.held, []*unit{u})
		c.held = c.held[max(0, len(c.held)-2):]
	default:
		last := len(c.held) - 1
		c.held[last] = append(c.held[last], u)
	}
}

// withHeld puts what was held before the first wanted unit.
func (c *clipper) withHeld(first *unit) *unit {
	var whole *unit
	for _, group := range c.held {
		for _, u := range group {
			if whole == nil {
				whole = u
			} else {
				whole.join(u)
			}
		}
	}
	c.held = nil
	if whole == nil {
		return first
	}
	whole.join(first)
	return whole
}
