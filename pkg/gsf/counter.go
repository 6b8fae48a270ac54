package gsf

// counter counts the grains of each segment.
type counter struct {
	counts map[uint16]*segmentCount
	last   *segmentCount // that of the grain before, which mostly fits again
}

type segmentCount struct {
	localID  uint16
	declared bool // in the header
	grains   int64
}

func (c *counter) reset(h *Header) {
	c.counts = make(map[uint16]*segmentCount, len(h.Segments))
	c.last = nil
	for i := range h.Segments {
		id := h.Segments[i].LocalID
		c.counts[id] = &segmentCount{localID: id, declared: true}
	}
}

// find gives the count of a segment.
func (c *counter) find(localID uint16) *segmentCount {
	if c.last == nil || c.last.localID != localID {
		s := c.counts[localID]
		if s == nil {
			s = &segmentCount{localID: localID}
			c.counts[localID] = s
		}
		c.last = s
	}
	return c.last
}

// declared says whether the header has a segment with a local id.
func (c *counter) declared(localID uint16) bool { return c.find(localID).declared }

// add counts a grain and gives the count of its segment.
func (c *counter) add(localID uint16) *segmentCount {
	s := c.find(localID)
	s.grains++
	return s
}

func (c *counter) of(localID uint16) int64 {
	if s := c.counts[localID]; s != nil {
		return s.grains
	}
	return 0
}
