package rangereader

import (
	"slices"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// layout cuts a file into blocks. Blocks do not cross the borders of the span that
// the reader was opened for, so that reading the span fetches nothing beyond it.
type layout struct {
	blockSize int64
	cuts      []int64 // ascending, from 0 to the size
}

func newLayout(blockSize, size int64, span Span) layout {
	cuts := []int64{0, min(max(span.Start, 0), size), size}
	if span.End > 0 {
		cuts = append(cuts, min(span.End, size))
	}
	slices.Sort(cuts)
	return layout{blockSize, slices.Compact(cuts)}
}

// block returns the borders of the block that holds the byte at off.
func (l layout) block(off int64) (start, end int64) {
	i, found := slices.BinarySearch(l.cuts, off)
	if !found {
		i--
	}
	start = off - (off-l.cuts[i])%l.blockSize
	return start, min(start+l.blockSize, l.cuts[i+1])
}

// block is a part of the file that is here or on its way.
type block struct {
	start, end int64
	done       chan struct{} // closed when data or err is set
	data       []byte
	err        error
}

// cache keeps the blocks that were used last, and knows those on their way, so that
// none is fetched twice at a time.
type cache struct {
	layout layout
	mu     sync.Mutex
	kept   *simplelru.LRU[int64, *block]
	coming map[int64]*block
}

func newCache(l layout, blocks int) (*cache, error) {
	kept, err := simplelru.NewLRU[int64, *block](blocks, nil)
	if err != nil {
		return nil, err
	}
	return &cache{layout: l, kept: kept, coming: map[int64]*block{}}, nil
}

// find returns the block that holds the byte at off, if it is here or on its way.
func (c *cache) find(off int64) (*block, bool) {
	start, _ := c.layout.block(off)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lookup(start)
}

func (c *cache) lookup(start int64) (*block, bool) {
	if b, ok := c.kept.Get(start); ok {
		return b, true
	}
	b, ok := c.coming[start]
	return b, ok
}

// claim returns the blocks that hold [from, to), and those among them that the
// caller must now fetch.
func (c *cache) claim(from, to int64) (all, missing []*block) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for off := from; off < to; {
		start, end := c.layout.block(off)
		b, ok := c.lookup(start)
		if !ok {
			b = &block{start: start, end: end, done: make(chan struct{})}
			c.coming[start] = b
			missing = append(missing, b)
		}
		all = append(all, b)
		off = end
	}
	return all, missing
}

// arrived keeps a block whose data is complete.
func (c *cache) arrived(b *block, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.data = data
	delete(c.coming, b.start)
	c.kept.Add(b.start, b)
	close(b.done)
}

// failed gives blocks up; whoever asks next fetches them again.
func (c *cache) failed(blocks []*block, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, b := range blocks {
		b.err = err
		delete(c.coming, b.start)
		close(b.done)
	}
}

// neighbours cuts off the longest run of adjacent blocks of at most limit bytes,
// at least one block.
func neighbours(blocks []*block, limit int64) (run, rest []*block) {
	n := 1
	for n < len(blocks) && blocks[n].start == blocks[n-1].end && blocks[n].end-blocks[0].start <= limit {
		n++
	}
	return blocks[:n], blocks[n:]
}
