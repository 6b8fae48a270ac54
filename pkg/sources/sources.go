// Package sources says which files jobs may name, and opens them: any that the
// guard of outside URLs lets pass, and of the mesh's own bucket the uploads of the
// job's tenant, nothing else.
package sources

import (
	"context"

	"github.com/grainmesh/grainmesh/pkg/rangereader"
)

// Uploads is what the keys of all uploads begin with.
const Uploads = "uploads/"

// UploadPrefix is where, in the mesh's bucket, the uploads of a tenant lie.
func UploadPrefix(tenant string) string { return Uploads + tenant }

// Sources opens the files that jobs name, each as far as its tenant may.
type Sources struct {
	opener *rangereader.Opener
	bucket string
}

// New makes the way to files that opener opens. Bucket is the mesh's own, with the
// uploads of its tenants.
func New(opener *rangereader.Opener, bucket string) *Sources { return &Sources{opener, bucket} }

// Open opens a file for a tenant. Reads are bound to ctx; the caller closes it.
func (s *Sources) Open(ctx context.Context, tenant, url string, options rangereader.Options) (*rangereader.Reader, error) {
	options.Objects = []string{s.bucket + "/" + UploadPrefix(tenant)}
	return s.opener.Open(ctx, url, options)
}
