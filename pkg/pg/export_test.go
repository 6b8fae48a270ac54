package pg

// Waiting says how many units of a writer have not begun.
func Waiting(w *Writer) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}

// Bounds of one writer: its transactions, and the units of each.
const (
	MaxFlying   = maxFlying
	MaxTogether = maxTogether
)

// Flying says how many transactions of a writer are under way.
func Flying(w *Writer) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flying
}
