package tams

import (
	"slices"

	"github.com/grainmesh/grainmesh/pkg/objstore"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// getURL is one of get_urls (schemas/flow-segment.json and object.json).
type getURL struct {
	URL       string `json:"url"`
	Label     string `json:"label"`
	Presigned bool   `json:"presigned"`
	// With verbose_storage:
	Controlled   *bool  `json:"controlled,omitempty"`
	StorageID    string `json:"storage_id,omitempty"`
	StoreType    string `json:"store_type,omitempty"`
	Provider     string `json:"provider,omitempty"`
	Region       string `json:"region,omitempty"`
	StoreProduct string `json:"store_product,omitempty"`
}

// urlQuery says which URLs a client wants.
type urlQuery struct {
	labels   []string // nil for all
	storages []string // nil for all
	// presigned keeps only URLs that are, or are not; nil for all.
	presigned *bool
	verbose   bool
	// noBackend leaves out our bucket, by filters on its tags.
	noBackend bool
}

func (p *params) urls() urlQuery {
	q := urlQuery{
		labels: p.list("accept_get_urls"), storages: p.list("accept_storage_ids"),
		presigned: p.flag("presigned"), verbose: p.isSet("verbose_storage"),
	}
	backendTags := params{Values: map[string][]string{}}
	for name, values := range p.Values {
		switch {
		case len(name) > len(backendTagPrefix) && name[:len(backendTagPrefix)] == backendTagPrefix:
			backendTags.Values["tag."+name[len(backendTagPrefix):]] = values
		case len(name) > len(backendExistsPrefix) && name[:len(backendExistsPrefix)] == backendExistsPrefix:
			backendTags.Values["tag_exists."+name[len(backendExistsPrefix):]] = values
		}
	}
	for _, f := range backendTags.tags() {
		q.noBackend = q.noBackend || len(f.Values) > 0 || f.Exists // it has no tags
	}
	return q
}

const (
	backendTagPrefix    = "storage_backend_tag."
	backendExistsPrefix = "storage_backend_tag_exists."
)

// none says that no URL is wanted, so that none need be signed.
func (q *urlQuery) none() bool { return q.labels != nil && len(q.labels) == 0 }

func (q *urlQuery) wants(label, storage string, presigned bool) bool {
	return (q.labels == nil || slices.Contains(q.labels, label)) &&
		(q.storages == nil || slices.Contains(q.storages, storage)) &&
		(q.presigned == nil || *q.presigned == presigned)
}

// urlsOf lists where the bytes of an object can be read.
func (a *API) urlsOf(key string, instances []store.Instance, q urlQuery) ([]getURL, error) {
	urls := []getURL{}
	if key != "" && !q.noBackend && q.wants(a.backend.Label, a.backend.ID.String(), true) {
		signed, err := a.bucket.PresignGet(key, a.config.DownloadTTL, objstore.Public)
		if err != nil {
			return nil, err
		}
		u := getURL{URL: signed, Label: a.backend.Label, Presigned: true}
		if q.verbose {
			controlled := true
			u.Controlled, u.StorageID, u.StoreType = &controlled, a.backend.ID.String(), a.backend.StoreType
			u.Provider, u.Region, u.StoreProduct = a.backend.Provider, a.backend.Region, a.backend.StoreProduct
		}
		urls = append(urls, u)
	}
	for _, i := range instances {
		if !q.wants(i.Label, "", false) {
			continue
		}
		u := getURL{URL: i.URL, Label: i.Label}
		if q.verbose {
			controlled := false
			u.Controlled = &controlled
		}
		urls = append(urls, u)
	}
	return urls, nil
}
