package objstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/grainmesh/grainmesh/pkg/fault"
)

// pageSize is how many keys S3 lists at most in one answer.
const pageSize = 1000

// Object says what the store knows of an object.
type Object struct {
	Key      string
	Size     int64  // bytes
	ETag     string // without quotes
	Type     string // content type; not in lists
	Modified time.Time
}

func newObject(info minio.ObjectInfo) Object {
	return Object{Key: info.Key, Size: info.Size, ETag: info.ETag, Type: info.ContentType, Modified: info.LastModified}
}

// Put writes an object of a known size. One that is there already stays, and is a
// [fault.Conflict].
func (b *Bucket) Put(ctx context.Context, key string, body io.Reader, size int64, contentType string) (Object, error) {
	// The checksum is the writer's; hashing once more for the signature is not worth its time.
	opts := minio.PutObjectOptions{ContentType: contentType, DisableContentSha256: true}
	opts.SetMatchETagExcept("*")
	info, err := b.store.core.PutObject(ctx, b.name, key, body, size, "", "", opts)
	if err != nil {
		return Object{}, translate(err, "put object %s/%s", b.name, key)
	}
	return Object{Key: key, Size: size, ETag: info.ETag, Type: contentType}, nil
}

// Get reads length bytes of an object from offset; a negative length reads to the
// end. The caller closes the body, which ends early if the object does.
func (b *Bucket) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return b.get(ctx, key, offset, length, minio.GetObjectOptions{})
}

func (b *Bucket) get(ctx context.Context, key string, offset, length int64, opts minio.GetObjectOptions) (io.ReadCloser, error) {
	switch {
	case offset < 0:
		return nil, fault.Newf(fault.InvalidArgument, "get object %s/%s: the offset %d is negative", b.name, key, offset)
	case length == 0:
		return io.NopCloser(strings.NewReader("")), nil
	case length > 0:
		opts.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, offset+length-1))
	case offset > 0:
		opts.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	body, _, _, err := b.store.core.GetObject(ctx, b.name, key, opts)
	if err != nil {
		return nil, translate(err, "get object %s/%s", b.name, key)
	}
	return body, nil
}

// GetVersion is [Bucket.Get] of an object that still has the given ETag; another
// one there is a [fault.Conflict]. An empty ETag stands for any.
func (b *Bucket) GetVersion(ctx context.Context, key, etag string, offset, length int64) (io.ReadCloser, error) {
	opts := minio.GetObjectOptions{}
	if etag != "" {
		if err := opts.SetMatchETag(etag); err != nil {
			return nil, fault.Newf(fault.InvalidArgument, "get object %s/%s: ETag %q: %w", b.name, key, etag, err)
		}
	}
	return b.get(ctx, key, offset, length, opts)
}

// Stat asks for an object's size and ETag.
func (b *Bucket) Stat(ctx context.Context, key string) (Object, error) {
	info, err := b.store.core.StatObject(ctx, b.name, key, minio.StatObjectOptions{})
	if err != nil {
		return Object{}, translate(err, "ask for object %s/%s", b.name, key)
	}
	return newObject(info), nil
}

// Remove deletes objects, a thousand in a request. Those that are gone are no
// error. When it fails, some of the others may be deleted.
func (b *Bucket) Remove(ctx context.Context, keys ...string) error {
	objects := func(yield func(minio.ObjectInfo) bool) {
		for _, key := range keys {
			if !yield(minio.ObjectInfo{Key: key}) {
				return
			}
		}
	}
	results, err := b.store.core.RemoveObjectsWithIter(ctx, b.name, objects, minio.RemoveObjectsOptions{})
	if err != nil {
		return translate(err, "remove objects of %s", b.name)
	}
	var failed []error
	for result := range results {
		if result.Err != nil && codeOf(result.Err) != minio.NoSuchKey {
			failed = append(failed, translate(result.Err, "remove object %s/%s", b.name, result.ObjectName))
		}
	}
	// A cancelled call yields no results at all.
	return errors.Join(append(failed, ctx.Err())...)
}

// Page is a part of a list.
type Page struct {
	Objects []Object
	// Next is where the following page starts; empty after the last.
	Next string
}

// List returns up to limit objects whose keys start with prefix and come after the
// given key, in the order of keys.
func (b *Bucket) List(ctx context.Context, prefix, after string, limit int) (Page, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var page Page
	opts := minio.ListObjectsOptions{Prefix: prefix, StartAfter: after, Recursive: true, MaxKeys: min(limit+1, pageSize)}
	for info := range b.store.core.ListObjectsIter(ctx, b.name, opts) {
		if info.Err != nil {
			return Page{}, translate(info.Err, "list bucket %s", b.name)
		}
		if len(page.Objects) == limit {
			page.Next = page.Objects[limit-1].Key
			break
		}
		page.Objects = append(page.Objects, newObject(info))
	}
	return page, nil
}

// Part is an uploaded part of a multipart upload.
type Part struct {
	Number int // from 1
	ETag   string
	Size   int64 // bytes; not needed to complete
}

// CreateUpload starts a multipart upload and returns its id.
func (b *Bucket) CreateUpload(ctx context.Context, key, contentType string) (string, error) {
	id, err := b.store.core.NewMultipartUpload(ctx, b.name, key, minio.PutObjectOptions{ContentType: contentType})
	if err != nil {
		return "", translate(err, "start upload of %s/%s", b.name, key)
	}
	return id, nil
}

// UploadedParts lists the parts that have arrived, in the order of their numbers.
func (b *Bucket) UploadedParts(ctx context.Context, key, uploadID string) ([]Part, error) {
	var parts []Part
	for marker := 0; ; {
		page, err := b.store.core.ListObjectParts(ctx, b.name, key, uploadID, marker, pageSize)
		if err != nil {
			return nil, translate(err, "list upload of %s/%s", b.name, key)
		}
		for _, p := range page.ObjectParts {
			parts = append(parts, Part{Number: p.PartNumber, ETag: strings.Trim(p.ETag, `"`), Size: p.Size})
		}
		if !page.IsTruncated || page.NextPartNumberMarker <= marker {
			return parts, nil
		}
		marker = page.NextPartNumberMarker
	}
}

// CompleteUpload makes an object of the parts. One that is there already stays,
// and is a [fault.Conflict] where the server knows conditional completion.
func (b *Bucket) CompleteUpload(ctx context.Context, key, uploadID string, parts []Part) (Object, error) {
	list := make([]minio.CompletePart, len(parts))
	for i, p := range parts {
		list[i] = minio.CompletePart{PartNumber: p.Number, ETag: p.ETag}
	}
	slices.SortFunc(list, func(a, b minio.CompletePart) int { return a.PartNumber - b.PartNumber })
	var opts minio.PutObjectOptions
	opts.SetMatchETagExcept("*")
	info, err := b.store.core.CompleteMultipartUpload(ctx, b.name, key, uploadID, list, opts)
	if err != nil {
		return Object{}, translate(err, "complete upload of %s/%s", b.name, key)
	}
	return Object{Key: key, ETag: info.ETag}, nil
}

// Unfinished is a multipart upload that was neither completed nor aborted.
type Unfinished struct {
	Key    string
	Upload string // its id
	Begun  time.Time
}

// UnfinishedUploads lists the uploads under way whose keys start with prefix.
func (b *Bucket) UnfinishedUploads(ctx context.Context, prefix string) ([]Unfinished, error) {
	var uploads []Unfinished
	for key, id := "", ""; ; {
		page, err := b.store.core.ListMultipartUploads(ctx, b.name, prefix, key, id, "", pageSize)
		if err != nil {
			return nil, translate(err, "list uploads of bucket %s", b.name)
		}
		for i := range page.Uploads {
			u := &page.Uploads[i]
			uploads = append(uploads, Unfinished{u.Key, u.UploadID, u.Initiated})
		}
		if !page.IsTruncated || (page.NextKeyMarker == key && page.NextUploadIDMarker == id) {
			return uploads, nil
		}
		key, id = page.NextKeyMarker, page.NextUploadIDMarker
	}
}

// AbortUpload drops an upload and its parts; one that is gone is no error.
func (b *Bucket) AbortUpload(ctx context.Context, key, uploadID string) error {
	err := b.store.core.AbortMultipartUpload(ctx, b.name, key, uploadID)
	if codeOf(err) == minio.NoSuchUpload {
		return nil
	}
	return translate(err, "abort upload of %s/%s", b.name, key)
}
