package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v3"
	"golang.org/x/sync/errgroup"

	"github.com/grainmesh/grainmesh/pkg/fault"
	portalv1 "github.com/grainmesh/grainmesh/rpc/portal/v1"
)

const (
	// parallelParts is how many parts of an upload are on their way at a time.
	parallelParts = 4
	// signAtOnce is how many parts are signed by one call.
	signAtOnce = 100
)

// upload puts a local file straight into the object store and returns its URL.
func (c *client) upload(ctx context.Context, cmd *cli.Command, path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", usage("%w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("size of %s: %w", path, err)
	}
	if info.IsDir() {
		return "", usage("%s is a folder, want a file", path)
	}
	started, err := c.portal.StartUpload(ctx, &portalv1.StartUploadRequest{FileName: filepath.Base(path), Size: info.Size()})
	if err != nil {
		return "", err
	}
	u := &uploader{
		client: c, file: file, size: info.Size(), started: started, etags: map[int32]string{},
		bar: newBar(cmd.Root().ErrWriter, !cmd.Bool("json")), objects: newObjectClient(),
	}
	defer u.bar.finish()
	defer u.objects.CloseIdleConnections()
	url, err := u.run(ctx)
	if err != nil {
		// The parts that arrived are of no use; if this is lost too, the portal
		// removes them when the upload is too old to be completed.
		_, _ = c.portal.AbortUpload(context.WithoutCancel(ctx), &portalv1.AbortUploadRequest{UploadId: started.GetUploadId()})
		return "", fmt.Errorf("upload %s: %w", path, err)
	}
	return url, nil
}

// answerTimeout bounds the wait for the object store after a part has been sent; how
// long the part itself takes depends on the line.
const answerTimeout = time.Minute

func newObjectClient() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: parallelParts, ResponseHeaderTimeout: answerTimeout}}
}

// uploader is one upload under way.
type uploader struct {
	client  *client
	file    *os.File
	size    int64
	started *portalv1.StartUploadResponse
	bar     *bar
	// objects is not the client's own: the object store must not be shown the user's
	// token.
	objects *http.Client
	sent    atomic.Int64
	mu      sync.Mutex
	etags   map[int32]string
}

// run sends all parts, joins them, and returns the URL of the file.
func (u *uploader) run(ctx context.Context) (string, error) {
	for first := int32(1); first <= u.started.GetParts(); first += signAtOnce {
		if err := u.parts(ctx, first, min(first+signAtOnce-1, u.started.GetParts())); err != nil {
			return "", err
		}
	}
	done, err := u.client.portal.CompleteUpload(ctx, &portalv1.CompleteUploadRequest{UploadId: u.started.GetUploadId(), Etags: u.etags})
	return done.GetUrl(), err
}

// parts signs and sends the parts of the given numbers.
func (u *uploader) parts(ctx context.Context, first, last int32) error {
	request := &portalv1.SignPartsRequest{UploadId: u.started.GetUploadId()}
	for n := first; n <= last; n++ {
		request.Parts = append(request.Parts, n)
	}
	signed, err := u.client.portal.SignParts(ctx, request)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelParts)
	for number, url := range signed.GetUrls() {
		group.Go(func() error {
			start := int64(number-1) * u.started.GetPartSize()
			etag, err := u.put(ctx, url, start, min(u.started.GetPartSize(), u.size-start))
			u.mu.Lock()
			defer u.mu.Unlock()
			u.etags[number] = etag
			return err
		})
	}
	return group.Wait()
}

// put sends a stretch of the file to a presigned URL and returns its ETag.
func (u *uploader) put(ctx context.Context, url string, start, size int64) (string, error) {
	body := &countedReader{io.NewSectionReader(u.file, start, size), u}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, io.NopCloser(body))
	if err != nil {
		return "", fmt.Errorf("make the request: %w", err)
	}
	req.ContentLength = size
	response, err := u.objects.Do(req)
	if err != nil {
		return "", fault.Newf(fault.Unavailable, "the object store: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 != 2 {
		return "", fault.Newf(fault.Unavailable, "the object store answered %s", response.Status)
	}
	return response.Header.Get("ETag"), nil
}

type countedReader struct {
	io.Reader
	u *uploader
}

func (r *countedReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.u.bar.step("uploading", r.u.sent.Add(int64(n)), r.u.size)
	return n, err
}
