package proc

import (
	"strings"
	"sync"
)

// tail keeps the last bytes written to it.
type tail struct {
	mu   sync.Mutex
	max  int
	buf  []byte
	full bool // something was dropped
}

// Write keeps the end of p and never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if n > t.max {
		p, t.full = p[n-t.max:], true
	}
	if over := len(t.buf) + len(p) - t.max; over > 0 {
		t.buf, t.full = append(t.buf[:0], t.buf[over:]...), true
	}
	t.buf = append(t.buf, p...)
	return n, nil
}

// String is what was kept, from the first whole line on.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := string(t.buf)
	if t.full {
		if _, rest, found := strings.Cut(s, "\n"); found && rest != "" {
			s = rest
		}
	}
	return strings.TrimSpace(strings.ToValidUTF8(s, "?"))
}
