package tams

import (
	"net/http"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/objstore"

	"github.com/grainmesh/grainmesh/services/media-store/store"
)

// storageIn is the body of POST /flows/{id}/storage (schemas/flow-storage-post.json).
type storageIn struct {
	Limit       int      `json:"limit"`
	ObjectIDs   []string `json:"object_ids"`
	StorageID   string   `json:"storage_id"`
	ContentType string   `json:"content_type"`
	Presigned   *bool    `json:"presigned"`
}

// mediaObject is one of media_objects (schemas/flow-storage.json).
type mediaObject struct {
	ObjectID  string `json:"object_id"`
	PutURL    putURL `json:"put_url"`
	Presigned bool   `json:"presigned"`
}

type putURL struct {
	URL         string            `json:"url"`
	ContentType string            `json:"content-type"`
	Headers     map[string]string `json:"headers"`
}

// maxStorage bounds the objects of one request.
const maxStorage = 1000

func (a *API) postStorage(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	in, err := a.readStorage(r)
	if err != nil {
		return err
	}
	flow, err := a.flow(r)
	if err != nil {
		return err
	}
	if flow.Container == "" {
		return fault.Newf(fault.InvalidArgument, "flow %s has no container, which its objects need", id)
	}
	allocated, err := a.store.AllocateFor(r.Context(), tenantOf(r.Context()), id, in.ObjectIDs, in.Limit, flow.Container)
	if err != nil {
		return err
	}
	objects := make([]mediaObject, len(allocated))
	for i, o := range allocated {
		if objects[i], err = a.mediaObject(o, flow); err != nil {
			return err
		}
	}
	return writeJSON(w, http.StatusCreated, map[string]any{"media_objects": objects})
}

func (a *API) readStorage(r *http.Request) (*storageIn, error) {
	in := &storageIn{}
	if r.ContentLength != 0 {
		if err := readJSON(r, in); err != nil {
			return nil, err
		}
	}
	switch {
	case in.Limit < 0 || in.Limit > maxStorage || len(in.ObjectIDs) > maxStorage:
		return nil, fault.Newf(fault.InvalidArgument, "limit is %d and there are %d object_ids, want at most %d", in.Limit, len(in.ObjectIDs), maxStorage)
	case in.Limit > 0 && len(in.ObjectIDs) > 0:
		return nil, fault.New(fault.InvalidArgument, "limit and object_ids are both given, want one of them")
	case in.StorageID != "" && in.StorageID != a.backend.ID.String():
		return nil, fault.Newf(fault.InvalidArgument, "there is no storage %q", in.StorageID)
	case in.ContentType != "":
		return nil, fault.New(fault.InvalidArgument, "content_type is given; init segments are not offered by this service")
	case in.Presigned != nil && !*in.Presigned:
		return nil, fault.New(fault.InvalidArgument, "presigned is false; this service gives presigned URLs only")
	}
	for _, id := range in.ObjectIDs {
		if id == "" {
			return nil, fault.New(fault.InvalidArgument, "one of object_ids is empty")
		}
		if err := checkKey("one of object_ids", id, maxObjectID); err != nil {
			return nil, err
		}
	}
	if in.Limit == 0 && len(in.ObjectIDs) == 0 {
		in.Limit = 1
	}
	return in, nil
}

func (a *API) mediaObject(o store.Allocated, flow *store.Flow) (mediaObject, error) {
	signed, err := a.bucket.PresignOverwrite(o.Key, a.config.UploadTTL, objstore.Public)
	if err != nil {
		return mediaObject{}, err
	}
	return mediaObject{
		ObjectID: o.ID, Presigned: true,
		PutURL: putURL{URL: signed, ContentType: flow.Container, Headers: map[string]string{}},
	}, nil
}
