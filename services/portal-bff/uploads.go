package portalbff

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"path"
	"strings"

	"github.com/google/uuid"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/sources"
)

// upload is one file on its way to the object store. It is kept nowhere: its id says
// all of it, and the key says whose it is.
type upload struct {
	Key    string `json:"k"`
	Upload string `json:"u"` // S3's id of the multipart upload
	Size   int64  `json:"s"`
	Part   int64  `json:"p"` // size of a part
}

// maxParts is how many parts S3 takes.
const maxParts = 10_000

const maxFileName = 255

// parts returns how many parts the upload has.
func (u *upload) parts() int32 { return int32((u.Size + u.Part - 1) / u.Part) }

// partSize returns how many bytes a part has.
func (u *upload) partSize(n int32) int64 { return min(u.Part, u.Size-int64(n-1)*u.Part) }

// id writes the upload as its own id.
func (u *upload) id() string {
	data, err := json.Marshal(u)
	if err != nil {
		return "" // numbers and texts encode always
	}
	return base64.RawURLEncoding.EncodeToString(data)
}

// parseUpload reads an id, of an upload of the given tenant only.
func parseUpload(tenant, id string) (*upload, error) {
	u := &upload{}
	data, err := base64.RawURLEncoding.DecodeString(id)
	if err == nil {
		err = json.Unmarshal(data, u)
	}
	if err != nil || u.Part <= 0 || u.Size <= 0 || path.Clean(u.Key) != u.Key {
		return nil, fault.Newf(fault.InvalidArgument, "upload_id %q is not one that StartUpload gave", id)
	}
	if !strings.HasPrefix(u.Key, sources.UploadPrefix(tenant)+"/") {
		return nil, fault.New(fault.NotFound, "there is no such upload")
	}
	return u, nil
}

// begin prepares an upload.
func (s *Service) begin(ctx context.Context, tenant, name, mimeType string, size int64) (*upload, error) {
	name = path.Base(path.Clean("/" + strings.ReplaceAll(name, `\`, "/")))
	switch {
	case name == "/" || len(name) > maxFileName:
		return nil, fault.Newf(fault.InvalidArgument, "file_name has %d bytes, want 1 to %d", len(name), maxFileName)
	case size == 0:
		return nil, fault.Newf(fault.EmptyFile, "%s is empty", name)
	case size < 0 || size > s.config.MaxUpload:
		return nil, fault.Newf(fault.BodyTooLarge, "%s has %d bytes, at most %d can be uploaded", name, size, s.config.MaxUpload)
	}
	u := &upload{
		Key: sources.UploadPrefix(tenant) + "/" + uuid.NewString() + "/" + name, Size: size,
		Part: max(s.config.PartBytes, (size+maxParts-1)/maxParts),
	}
	var err error
	u.Upload, err = s.deps.Bucket.CreateUpload(ctx, u.Key, mimeType)
	return u, err
}

// sign signs the parts of the given numbers for the browser.
func (s *Service) sign(u *upload, numbers []int32) (map[int32]string, error) {
	urls := make(map[int32]string, len(numbers))
	for _, n := range numbers {
		if n < 1 || n > u.parts() {
			return nil, fault.Newf(fault.InvalidArgument, "there is no part %d, want 1 to %d", n, u.parts())
		}
		url, err := s.deps.Bucket.PresignPart(u.Key, u.Upload, int(n), u.partSize(n), s.config.UploadTTL, objstore.Public)
		if err != nil {
			return nil, err
		}
		urls[n] = url
	}
	return urls, nil
}

// complete joins the parts and returns the URL of the file. What arrived must be what
// was begun: the rest of the mesh trusts the size that begin has admitted.
func (s *Service) complete(ctx context.Context, u *upload, etags map[int32]string) (string, error) {
	for n := int32(1); n <= u.parts(); n++ {
		if etags[n] == "" {
			return "", fault.Newf(fault.InvalidArgument, "part %d of %d has no ETag: it was not uploaded", n, u.parts())
		}
	}
	arrived, err := s.deps.Bucket.UploadedParts(ctx, u.Key, u.Upload)
	if err != nil {
		return "", err
	}
	// A part that is sent again after this has another ETag, and is not joined.
	var parts []objstore.Part
	var size int64
	for _, part := range arrived {
		etag := etags[int32(part.Number)]
		if etag != "" && strings.Trim(etag, `"`) == part.ETag {
			parts = append(parts, part)
			size += part.Size
		}
	}
	if len(parts) != len(etags) {
		return "", fault.Newf(fault.InvalidArgument, "%d of %d parts are there by the ETags that were given", len(parts), len(etags))
	}
	if size != u.Size {
		if err := s.deps.Bucket.AbortUpload(ctx, u.Key, u.Upload); err != nil {
			s.deps.Log.WarnContext(ctx, "an upload of another size than was begun was not removed", "key", u.Key, "err", err)
		}
		return "", wrongSize(size, u.Size)
	}
	if _, err := s.deps.Bucket.CompleteUpload(ctx, u.Key, u.Upload, parts); err != nil {
		return "", err
	}
	return "s3://" + s.deps.Bucket.Name() + "/" + u.Key, nil
}

func wrongSize(arrived, begun int64) error {
	if arrived > begun {
		return fault.Newf(fault.BodyTooLarge, "%d bytes arrived of a file of %d", arrived, begun)
	}
	return fault.Newf(fault.TruncatedFile, "%d bytes arrived of a file of %d", arrived, begun)
}
