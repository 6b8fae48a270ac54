package gsf

import (
	"errors"
	"fmt"
)

// What can be wrong with a file, or with what was given to be written. Those of
// the Reader come inside an [Error]. A time beyond +-292 years is
// mediatime.ErrOutOfRange.
var (
	// ErrNotGSF says that the input does not start with "SSBBgrsg".
	ErrNotGSF = errors.New("not a grain sequence file")
	// ErrVersion says that the major version is not 7, 8 or 9, or that it cannot
	// carry what is to be written.
	ErrVersion = errors.New("unsupported GSF version")
	// ErrTruncated says that the input ends inside a block.
	ErrTruncated = errors.New("input ends inside a block")
	// ErrBlockSize says that the size of a block is too small for its fields, too
	// large for its parent, or less than its own eight bytes of header.
	ErrBlockSize = errors.New("impossible block size")
	// ErrOrder says that a block stands where it may not, such as grdt before gbhd.
	ErrOrder = errors.New("block out of order")
	// ErrDuplicate says that something is there twice that may be there once.
	ErrDuplicate = errors.New("duplicate")
	// ErrTooLarge says that something exceeds the format or a limit of [Options].
	ErrTooLarge = errors.New("too large")
	// ErrDate says that a date-time is none.
	ErrDate = errors.New("impossible date-time")
	// ErrNegativeTime says that a time before 1970 was to be written to major 7.
	ErrNegativeTime = errors.New("major 7 cannot hold a time before 1970")
	// ErrUndeclared says that a grain was to be written whose local id is not one
	// of the header's segments.
	ErrUndeclared = errors.New("local id not declared in the header")
	// ErrCount says that a segment got another number of grains than declared.
	ErrCount = errors.New("count of grains differs from the header's")
)

// Error is a fault in an input and where it is.
type Error struct {
	Offset int64  // byte offset of the fault; where the input ends when truncated
	Block  string // tag of the block that is at fault, "" outside of any
	Start  int64  // byte offset at which that block starts
	Err    error  // one of the sentinels, perhaps wrapped
}

// Error implements the error interface.
func (e *Error) Error() string {
	if e.Block == "" {
		return fmt.Sprintf("gsf: at byte %d: %v", e.Offset, e.Err)
	}
	return fmt.Sprintf("gsf: at byte %d, in block %q that starts at %d: %v", e.Offset, e.Block, e.Start, e.Err)
}

// Unwrap gives what errors.Is looks for.
func (e *Error) Unwrap() error { return e.Err }

// WarningCode names a kind of oddity that does not keep a file from being read.
type WarningCode uint8

// The oddities.
const (
	// WarnNoTerminator: the stream ends, or another begins, without a terminator.
	WarnNoTerminator WarningCode = iota + 1
	// WarnShortTerminator: a grai block of size 8 ends the file, in place of size 0.
	WarnShortTerminator
	// WarnUndeclared: grains have a local id that no segment of the header has;
	// given at the first of them.
	WarnUndeclared
	// WarnJunk: bytes that are no block follow the terminator and were ignored.
	WarnJunk
	// WarnAfterTerminator: grains follow the terminator without a new header.
	WarnAfterTerminator
	// WarnCount: the header declares another number of grains than there are.
	WarnCount
	// WarnFarSync: sync times lie beyond +-292 years; given at the first of them.
	WarnFarSync
)

// String gives the code in words.
func (c WarningCode) String() string {
	switch c {
	case WarnNoTerminator:
		return "no terminator"
	case WarnShortTerminator:
		return "terminator of size 8"
	case WarnUndeclared:
		return "undeclared local id"
	case WarnJunk:
		return "junk after the terminator"
	case WarnAfterTerminator:
		return "grains after the terminator"
	case WarnCount:
		return "count differs from the header's"
	case WarnFarSync:
		return "sync time beyond +-292 years"
	default:
		return fmt.Sprintf("warning %d", uint8(c))
	}
}

// Warning is an oddity of an input and where it is.
type Warning struct {
	Code    WarningCode
	Offset  int64  // byte offset
	LocalID uint16 // segment concerned, 0 if none
}

// String gives the warning in words.
func (w Warning) String() string {
	if w.LocalID == 0 {
		return fmt.Sprintf("%v at byte %d", w.Code, w.Offset)
	}
	return fmt.Sprintf("%v at byte %d, local id %d", w.Code, w.Offset, w.LocalID)
}
