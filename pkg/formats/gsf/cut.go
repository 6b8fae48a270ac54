package gsf

import (
	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/gsf"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// cutter divides the grains of one track within a chunk into objects. Plan runs it
// over headers to count what Read will make.
type cutter struct {
	sizes  formats.Sizes
	kind   gsf.Kind
	first  info
	last   info
	grains int
	bytes  int64
	latest int // display index of the latest picture in the object
}

// How far objects may exceed their size where nothing better offers itself, in
// sizes of objects: raw pictures (media rule 20), and coded ones while no key frame
// comes, or no place at which pictures are in order.
const (
	rawSizes    = 4
	keySizes    = 4
	brokenSizes = 8
)

// cuts says whether the open object ends before a grain. A grain that goes back in
// time is a fault.
func (c *cutter) cuts(next *info) (bool, error) {
	if c.grains == 0 {
		return false, nil
	}
	if next.at <= c.last.at {
		return false, fault.Newf(fault.MalformedFile, "the grain at byte %d starts at %s, and the one of the same flow before it at %s: times go back",
			next.offset, next.at, c.last.at)
	}
	switch {
	case c.bytes >= brokenSizes*c.sizes.VideoObject && c.latest >= c.grains:
		return true, nil
	case c.latest >= c.grains:
		return false, nil // a picture in the object is displayed after this one
	case c.kind != gsf.KindEvent && !c.last.follows(next.at):
		return true, nil
	case c.sizes.Grains > 0 && c.grains >= c.sizes.Grains:
		return true, nil
	}
	switch c.kind {
	case gsf.KindCodedVideo:
		return c.bytes >= c.sizes.VideoObject && next.key || c.bytes >= keySizes*c.sizes.VideoObject, nil
	case gsf.KindVideo:
		return c.bytes+next.bytes > rawSizes*c.sizes.VideoObject, nil
	default:
		return c.bytes+next.bytes > c.sizes.AudioObject || next.at-c.first.at >= c.sizes.AudioDuration, nil
	}
}

// add puts a grain into the open object, or into the next one if that was cut.
func (c *cutter) add(x *info, cut bool) {
	if cut || c.grains == 0 {
		c.first, c.grains, c.bytes, c.latest = *x, 0, 0, 0
	}
	c.latest = max(c.latest, c.grains+x.moved)
	c.last = *x
	c.grains++
	c.bytes += x.bytes
}

// most bounds the objects that a track can have in so many bytes of a file, which
// hold the given time, where its grains are not known. Any two objects together
// are larger than one size, or longer than one duration.
func most(t *track, sizes *formats.Sizes, bytes int64, time mediatime.Time) int {
	const gaps = 16
	size := sizes.AudioObject
	if t.Kind == gsf.KindVideo || t.Kind == gsf.KindCodedVideo {
		size = sizes.VideoObject
	}
	return int(2*bytes/max(size, 1) + 2*int64(time/max(sizes.AudioDuration, 1)) + gaps)
}
