package service

import (
	"context"
	"fmt"

	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/rangereader"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
)

// ObjectStore opens the object store.
func (e *Env) ObjectStore(context.Context) (*objstore.Store, error) {
	if e.Settings.S3URL == "" {
		return nil, missing("GRAINMESH_S3_URL", "http://KEY:SECRET@host:9000")
	}
	store, err := objstore.Open(objstore.Config{URL: e.Settings.S3URL, PublicURL: e.Settings.S3PublicURL})
	if err != nil {
		return nil, fmt.Errorf("GRAINMESH_S3_URL: %w", err)
	}
	e.process.closeWith(store.Close)
	e.process.health.Need(e.Name+" object store", store.Ping)
	return store, nil
}

// UploadPrefix is where, in the mesh's bucket, the uploads of a tenant lie: the only
// objects of it that its jobs may name as sources.
func UploadPrefix(tenant string) string { return "uploads/" + tenant }

// Sources opens the files that jobs name, each as far as its tenant may.
type Sources struct {
	opener *rangereader.Opener
	bucket string
}

// NewSources makes the way to files that opener opens. Bucket is the mesh's own, with
// the uploads of its tenants.
func NewSources(opener *rangereader.Opener, bucket string) *Sources { return &Sources{opener, bucket} }

// Sources makes the way to files behind URLs, with the guard that the settings say.
func (e *Env) Sources(ctx context.Context) (*Sources, error) {
	guard, err := urlguard.New(urlguard.Config{Allow: e.Settings.AllowHosts})
	if err != nil {
		return nil, fmt.Errorf("GRAINMESH_ALLOW_HOSTS: %w", err)
	}
	store, err := e.ObjectStore(ctx)
	if err != nil {
		return nil, err
	}
	opener, err := rangereader.New(rangereader.Config{Guard: guard, Store: store})
	if err != nil {
		return nil, err
	}
	e.process.closeWith(opener.Close)
	return NewSources(opener, e.Settings.S3Bucket), nil
}

// Open opens a file for a tenant. Reads are bound to ctx; the caller closes it.
func (s *Sources) Open(ctx context.Context, tenant, url string, options rangereader.Options) (*rangereader.Reader, error) {
	options.Objects = []string{s.bucket + "/" + UploadPrefix(tenant)}
	return s.opener.Open(ctx, url, options)
}
