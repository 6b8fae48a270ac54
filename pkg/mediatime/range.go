package mediatime

import (
	"fmt"
	"strings"
)

// Range is a half-open range of time [Start, End). The zero Range is empty.
// TAMS' inclusive and exclusive brackets are brought to this form when parsed,
// which loses nothing at nanosecond resolution: "[a_b]" is [a, b+1ns).
type Range struct {
	Start Time // Min-1 (see Eternity) when open to the past
	End   Time // Max+1 when open to the future
}

// Eternity is the range that holds every instant, "_" in TAMS.
var Eternity = Range{openStart, openEnd}

// NewRange returns [start, end).
func NewRange(start, end Time) Range { return Range{start, end} }

// From returns the range from start on, "[start_" in TAMS.
func From(start Time) Range { return Range{start, openEnd} }

// Until returns the range before end, "_end)" in TAMS.
func Until(end Time) Range { return Range{openStart, end} }

// IsEmpty says that no instant lies within the range.
func (r Range) IsEmpty() bool { return r.End <= r.Start }

// HasStart says that the range does not reach back for ever.
func (r Range) HasStart() bool { return r.Start != openStart }

// HasEnd says that the range does not go on for ever.
func (r Range) HasEnd() bool { return r.End != openEnd }

// Bounded says that the range has both ends.
func (r Range) Bounded() bool { return r.HasStart() && r.HasEnd() }

// Length returns End - Start of a bounded range, and 0 of an empty one.
func (r Range) Length() Time {
	if r.IsEmpty() {
		return 0
	}
	return r.End - r.Start
}

// Contains says whether t lies within the range.
func (r Range) Contains(t Time) bool { return r.Start <= t && t < r.End }

// Covers says whether all of o lies within r.
func (r Range) Covers(o Range) bool {
	return o.IsEmpty() || (r.Start <= o.Start && o.End <= r.End)
}

// Overlaps says whether the two ranges have an instant in common.
func (r Range) Overlaps(o Range) bool { return !r.Intersect(o).IsEmpty() }

// Intersect returns what the two ranges have in common, or the zero Range.
func (r Range) Intersect(o Range) Range {
	out := Range{max(r.Start, o.Start), min(r.End, o.End)}
	if out.IsEmpty() {
		return Range{}
	}
	return out
}

// Union returns the smallest range that holds both.
func (r Range) Union(o Range) Range {
	switch {
	case r.IsEmpty():
		return o
	case o.IsEmpty():
		return r
	}
	return Range{min(r.Start, o.Start), max(r.End, o.End)}
}

// Shift returns the range moved by d; open ends stay open, and others stop at Min
// and Max.
func (r Range) Shift(d Time) Range {
	if r.HasStart() {
		r.Start = r.Start.plus(d)
	}
	if r.HasEnd() {
		r.End = r.End.plus(d)
	}
	return r
}

// String writes the range as TAMS does: "[a_b)", "[a]" for a single instant,
// "[a_", "_b)", "_" and "()" .
func (r Range) String() string {
	if r.IsEmpty() {
		return "()"
	}
	if r.Bounded() && r.End == r.Start+1 {
		return "[" + r.Start.String() + "]"
	}
	b := make([]byte, 0, 48)
	if r.HasStart() {
		b = r.Start.append(append(b, '['))
	}
	b = append(b, '_')
	if r.HasEnd() {
		b = append(r.End.append(b), ')')
	}
	return string(b)
}

// ParseRange reads a time range as TAMS writes it (bbc/tams,
// schemas/timerange.json): "[a_b)" with any brackets, open ends, "_", "()", "[a]"
// and the same without brackets, which are then inclusive. A range that ends
// before it starts is empty. It returns ErrSyntax or ErrOutOfRange.
func ParseRange(s string) (Range, error) {
	body, opening, closing := trimBrackets(s)
	startText, endText, isRange := strings.Cut(body, "_")
	if !isRange {
		return parseInstant(s, body, opening, closing)
	}
	r := Eternity
	if startText != "" {
		t, err := Parse(startText)
		if err != nil {
			return Range{}, fmt.Errorf("time range %q: %w", s, err)
		}
		r.Start = t
		if opening == '(' {
			r.Start++
		}
	}
	if endText != "" {
		t, err := Parse(endText)
		if err != nil {
			return Range{}, fmt.Errorf("time range %q: %w", s, err)
		}
		r.End = t
		if closing != ')' {
			r.End++
		}
	}
	if r.IsEmpty() {
		return Range{}, nil
	}
	return r, nil
}

func parseInstant(s, body string, opening, closing byte) (Range, error) {
	if body == "" && opening == '(' && closing == ')' {
		return Range{}, nil
	}
	if body == "" || opening == '(' || closing == ')' {
		return Range{}, fmt.Errorf("time range %q, want one such as [0:0_10:0) : %w", s, ErrSyntax)
	}
	t, err := Parse(body)
	if err != nil {
		return Range{}, fmt.Errorf("time range %q: %w", s, err)
	}
	return Range{t, t + 1}, nil
}

// trimBrackets returns the text between the brackets and the brackets, 0 where
// there is none.
func trimBrackets(s string) (body string, opening, closing byte) {
	body = s
	if body != "" && (body[0] == '[' || body[0] == '(') {
		opening, body = body[0], body[1:]
	}
	if n := len(body); n > 0 && (body[n-1] == ']' || body[n-1] == ')') {
		closing, body = body[n-1], body[:n-1]
	}
	return body, opening, closing
}

// MarshalText implements encoding.TextMarshaler with the form of String.
func (r Range) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler with ParseRange.
func (r *Range) UnmarshalText(text []byte) error {
	parsed, err := ParseRange(string(text))
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}

// MarshalText implements encoding.TextMarshaler with the form of String.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler with Parse.
func (t *Time) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*t = parsed
	return nil
}
