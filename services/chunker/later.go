package chunker

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/formats"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
)

// laterFile is a source file that is opened when it is first read: some formats plan
// by arithmetic alone, and then no request is made.
type laterFile struct {
	open   func() (*rangereader.Reader, error)
	url    string
	size   int64
	reader *rangereader.Reader
}

// later names the file that was analysed, in the state in which it was.
func (s *Service) later(ctx context.Context, tenant, url string, a *formats.Analysis) *laterFile {
	return &laterFile{url: url, size: a.Size, open: func() (*rangereader.Reader, error) {
		return s.deps.Sources.Open(ctx, tenant, url, rangereader.Options{Settings: rangereader.Indexing(), Size: a.Size, Version: a.ETag})
	}}
}

// Size implements formats.Input.
func (f *laterFile) Size() int64 { return f.size }

// ReadAt implements formats.Input. The first call opens the file; calls must not
// overlap.
func (f *laterFile) ReadAt(b []byte, off int64) (int, error) {
	if f.reader == nil {
		reader, err := f.open()
		if err != nil {
			return 0, err
		}
		f.reader = reader
	}
	return f.reader.ReadAt(b, off)
}

func (f *laterFile) name() string {
	if f.reader == nil {
		return lastElement(f.url)
	}
	return f.reader.Name()
}

func (f *laterFile) close() {
	if f.reader != nil {
		_ = f.reader.Close()
	}
}
