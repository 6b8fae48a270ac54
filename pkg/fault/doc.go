// Package fault says what went wrong in a closed set of codes, whose fault it was,
// and whether trying again can help. One table gives each code its owner, its
// retry and its Twirp code; what is not in the table is "internal", logged whole
// and told to nobody.
//
// An error becomes a fault once, where its cause is known, with a sentence that
// names the input and what was expected:
//
//	return fault.Newf(fault.TruncatedFile, "%s ends at byte %d, inside the box %q that runs to %d", name, size, box, end)
//
// Everything above wraps it with %w as usual; [Of] finds it again.
package fault
