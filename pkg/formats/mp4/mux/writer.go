package mux

import (
	"fmt"
	"io"
)

// Writer streams a file that has been laid out.
type Writer struct {
	w      io.Writer
	layout *Layout
	next   int
}

// NewWriter writes the file's head. The samples follow, in the layout's Order.
func NewWriter(w io.Writer, l *Layout) (*Writer, error) {
	if _, err := w.Write(l.Head); err != nil {
		return nil, fmt.Errorf("writing the head of the file: %w", err)
	}
	return &Writer{w: w, layout: l}, nil
}

// Sample writes the next sample of the order. It returns ErrSize for a sample of
// another size than was announced.
func (w *Writer) Sample(data []byte) error {
	if w.next == len(w.layout.Order) {
		return fmt.Errorf("a sample after the last: %w", ErrSize)
	}
	ref := w.layout.Order[w.next]
	if want := w.layout.tracks[ref.Track].Samples[ref.Sample].Size; int64(want) != int64(len(data)) {
		return fmt.Errorf("sample %d of track %d has %d bytes instead of %d: %w", ref.Sample+1, ref.Track+1, len(data), want, ErrSize)
	}
	w.next++
	if _, err := w.w.Write(data); err != nil {
		return fmt.Errorf("writing sample %d of track %d: %w", ref.Sample+1, ref.Track+1, err)
	}
	return nil
}

// Close writes what follows the samples. It returns ErrSize when some are missing.
func (w *Writer) Close() error {
	if missing := len(w.layout.Order) - w.next; missing > 0 {
		return fmt.Errorf("%d samples are missing: %w", missing, ErrSize)
	}
	if _, err := w.w.Write(w.layout.last); err != nil {
		return fmt.Errorf("writing the end of the file: %w", err)
	}
	return nil
}
