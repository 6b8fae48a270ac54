package rangereader

import "sync"

// streakLength is how many reads one after the other are a habit.
const streakLength = 2

// ahead recognises reading in sequence.
type ahead struct {
	mu     sync.Mutex
	last   int64 // where the last read ended
	streak int
	until  int64 // what has been asked for in advance
}

// next notes a read of [off, end) and says which bytes to fetch in advance; none if
// from >= to. It asks anew only when half of the distance is used up, so that the
// requests stay large.
func (a *ahead) next(off, end, distance, slack, limit int64) (from, to int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if off < a.last-slack || off > a.last+slack {
		a.streak, a.until = 0, end
	}
	a.streak++
	a.last, a.until = end, max(a.until, end)
	if a.streak <= streakLength || a.until-end > distance/2 {
		return 0, 0
	}
	from, to = a.until, min(end+distance, limit)
	a.until = max(a.until, to)
	return from, to
}

// readAhead fetches what a reader in sequence will ask for next, within the span.
func (r *Reader) readAhead(off, end int64) {
	s := r.opts.Settings
	if s.ReadAhead <= 0 {
		return
	}
	limit := r.Size()
	if span := r.opts.Span; span.End > 0 && off < span.End {
		limit = min(limit, span.End)
	}
	if from, to := r.ahead.next(off, end, s.ReadAhead, s.BlockSize, limit); from < to {
		_, missing := r.cache.claim(from, to)
		r.load(missing, max(s.ReadAhead/int64(s.Parallel), s.BlockSize))
	}
}
