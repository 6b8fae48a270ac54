package formattest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/mediatime"
)

// Suite is what a format has to prove.
type Suite struct {
	Format formats.Format
	Files  []File
	Broken []Broken
}

// File is an input that the format takes. Files are small, or holes.
type File struct {
	Name string
	// Make returns the file's bytes; Open, if set, is used in its place.
	Make func(t testing.TB) []byte
	Open func(t testing.TB) *Input
	// Index is how many bytes of it are an index: Probe may read them and 1 MB.
	Index int64
	// Tracks are what is to be found, in order.
	Tracks []Track
	// Warnings are words of each warning that Probe must give, in order; it must give
	// no others.
	Warnings []string
	// Unread skips the reading, for files that are too long.
	Unread bool
	// Check, if set, looks at what only this file has.
	Check func(t *testing.T, a *formats.Analysis)
	// CheckObjects, if set, looks at all objects of the file, in the order of chunks.
	CheckObjects func(t *testing.T, objects []Object)
}

// Track is what is known of a track beforehand.
type Track struct {
	Number int
	// Range is what it covers on the file's own time line.
	Range  mediatime.Range
	Grains int64
	// Payload is the essence of all grains, in the order in which they are stored.
	Payload []byte
	// Origin is where grain 0 starts on the file's own time line, by which those of
	// a constant rate are counted.
	Origin mediatime.Time
	// OwnTimes says that grains have the times that the file gives them, which need
	// not follow from their number.
	OwnTimes bool
	// Gaps says that the grains leave times out.
	Gaps bool
	// Skipped is part of the reason why it is not ingested.
	Skipped string
}

// Broken is an input that must end as a fault, in whichever layer finds it.
type Broken struct {
	Name string
	Make func(t testing.TB) []byte
	// Open, if set, is used in place of Make.
	Open func(t testing.TB) *Input
	Code fault.Code
	// Says are words that the message has: what was found, and where.
	Says []string
}

// Run holds a format to the suite.
func Run(t *testing.T, s Suite) {
	t.Helper()
	t.Run("registry", s.registers)
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		_, err := s.Format.Probe(t.Context(), NewInput(nil))
		requireFault(t, err, fault.EmptyFile)
	})
	for _, f := range s.Files {
		t.Run("file/"+f.Name, func(t *testing.T) {
			t.Parallel()
			s.file(t, f)
		})
	}
	for _, b := range s.Broken {
		t.Run("broken/"+b.Name, func(t *testing.T) {
			t.Parallel()
			requireFault(t, s.ingest(t, open(t, b.Make, b.Open)), b.Code, b.Says...)
		})
	}
}

func open(t testing.TB, bytes func(testing.TB) []byte, input func(testing.TB) *Input) *Input {
	if input != nil {
		return input(t)
	}
	return NewInput(bytes(t))
}

// registers checks names and that the format can be found by them.
func (s Suite) registers(t *testing.T) {
	t.Parallel()
	f := s.Format
	registry, err := formats.NewRegistry(f)
	require.NoError(t, err)
	require.Regexp(t, `^[a-z0-9]+$`, f.Name(), "a subject token")
	require.NotEmpty(t, f.MIMETypes())
	for _, mimeType := range f.MIMETypes() {
		found, err := registry.ByMIMEType(strings.ToUpper(mimeType) + "; charset=binary")
		require.NoError(t, err)
		require.Equal(t, f.Name(), found.Name())
	}
	for _, extension := range f.Extensions() {
		require.Regexp(t, `^\.[a-z0-9]+$`, extension)
		require.Equal(t, f.MIMETypes()[0], registry.ByExtension("A film"+strings.ToUpper(extension)))
	}
	for _, other := range []string{"", "\x00", "<!DOCTYPE html>", "RIFF\x24\x00\x00\x00AVI LIST", "\x7fELF", strings.Repeat("x", formats.SniffSize)} {
		require.False(t, f.Sniff([]byte(other)), "%q", other)
	}
}

// requireFault checks that err is a fault of a code that names the cause.
func requireFault(t testing.TB, err error, code fault.Code, says ...string) {
	t.Helper()
	require.Error(t, err)
	var e *fault.Error
	require.ErrorAs(t, err, &e, "an error without a code: %v", err)
	require.Equal(t, code, e.Code, "%v", err)
	require.Equal(t, fault.Customer, e.Blame(), "%v", err)
	for _, words := range says {
		require.Contains(t, err.Error(), words)
	}
}

// customerFault says whether err tells the customer what is wrong with a file.
func customerFault(err error) bool {
	e := fault.Of(err)
	return e != nil && e.Code != fault.Cancelled && e.Blame() == fault.Customer && !e.Retryable()
}
