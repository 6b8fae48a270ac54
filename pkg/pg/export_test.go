package pg

// Waiting says how many units of a writer have not begun.
func Waiting(w *Writer) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}
