package rangereader

import (
	"cmp"
	"time"
)

// Settings tune a Reader. A zero field takes the value of [Default].
type Settings struct {
	// BlockSize is what a small read fetches at least, and the unit of the cache, bytes.
	BlockSize int64
	// CacheBytes is how much of the file is kept, bytes.
	CacheBytes int64
	// ReadAhead is how far reading in sequence fetches ahead, in a few requests at a
	// time, bytes; negative for not at all.
	ReadAhead int64
	// RangeBytes is the size of a parallel request, and of a read that goes past the
	// cache, bytes.
	RangeBytes int64
	// Parallel is how many requests run at a time. A Stream holds as many ranges in
	// memory.
	Parallel int
	// FirstBytes is how much the first request asks for, bytes; rounded up to blocks.
	FirstBytes int64
	// WholeBytes is the largest file that is taken as a whole, into memory, from a
	// server without ranges, bytes.
	WholeBytes int64
	// Tries is how many requests in a row may bring nothing.
	Tries int
	// RetryWait is the wait before the second try, give or take a half; each further
	// one waits twice as long, up to RetryWaitMax, or as long as the server asks.
	RetryWait, RetryWaitMax time.Duration
	// StallTimeout is how long an answer may bring nothing.
	StallTimeout time.Duration
}

// Default is for reading much of a file: 4 requests of 4 MB at a time.
func Default() Settings {
	return Settings{
		BlockSize: 256 << 10, CacheBytes: 16 << 20, ReadAhead: 4 << 20,
		RangeBytes: 4 << 20, Parallel: 4,
		FirstBytes: 256 << 10, WholeBytes: 8 << 20,
		Tries: 6, RetryWait: 200 * time.Millisecond, RetryWaitMax: 5 * time.Second,
		StallTimeout: 30 * time.Second,
	}
}

// Indexing is for finding one's way through a file by its headers and index: small
// blocks, nothing ahead of what is asked for.
func Indexing() Settings {
	s := Default()
	s.BlockSize, s.FirstBytes, s.ReadAhead, s.RangeBytes = 16<<10, 64<<10, -1, 1<<20
	return s
}

// withDefaults fills zero fields.
func (s Settings) withDefaults() Settings {
	d := Default()
	s = Settings{
		BlockSize:  cmp.Or(s.BlockSize, d.BlockSize),
		CacheBytes: cmp.Or(s.CacheBytes, d.CacheBytes),
		ReadAhead:  cmp.Or(s.ReadAhead, d.ReadAhead),
		RangeBytes: cmp.Or(s.RangeBytes, d.RangeBytes),
		Parallel:   cmp.Or(s.Parallel, d.Parallel),
		FirstBytes: cmp.Or(s.FirstBytes, d.FirstBytes),
		WholeBytes: cmp.Or(s.WholeBytes, d.WholeBytes),
		Tries:      cmp.Or(s.Tries, d.Tries),
		RetryWait:  cmp.Or(s.RetryWait, d.RetryWait), RetryWaitMax: cmp.Or(s.RetryWaitMax, d.RetryWaitMax),
		StallTimeout: cmp.Or(s.StallTimeout, d.StallTimeout),
	}
	s.FirstBytes = (s.FirstBytes + s.BlockSize - 1) / s.BlockSize * s.BlockSize
	return s
}

// blocks is how many blocks the cache holds: room for what was read ahead, twice,
// or it would push itself out.
func (s Settings) blocks() int {
	return max(int(max(s.CacheBytes, 2*s.ReadAhead)/s.BlockSize), 2)
}
