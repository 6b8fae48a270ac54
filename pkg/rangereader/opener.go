package rangereader

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/grainmesh/grainmesh/pkg/fault"
	"github.com/grainmesh/grainmesh/pkg/objstore"
	"github.com/grainmesh/grainmesh/pkg/urlguard"
)

// signedFor is how long the URL of one request to the object store is good.
const signedFor = time.Hour

// Config says through what files are read.
type Config struct {
	// Guard lets http(s) URLs through. Required.
	Guard *urlguard.Guard
	// Store is where s3:// URLs lead; nil where there are none.
	Store *objstore.Store
}

// Opener opens files. It is safe for concurrent use.
type Opener struct {
	cfg   Config
	web   *http.Client
	store *http.Client
}

// New makes an Opener.
func New(cfg Config) (*Opener, error) {
	if cfg.Guard == nil {
		return nil, errors.New("range reader: a url guard is needed")
	}
	o := &Opener{cfg: cfg, web: cfg.Guard.Client(0)}
	if cfg.Store != nil {
		o.store = cfg.Store.HTTPClient()
	}
	return o, nil
}

// Close ends the idle connections to the web; those to the store are the store's.
func (o *Opener) Close() { o.web.CloseIdleConnections() }

// Span is bytes [Start, End) of a file; an End of 0 is the file's.
type Span struct {
	Start, End int64
}

// Options say how to open one file.
type Options struct {
	Settings Settings
	// Span is the part of the file that will be read: the first request starts
	// there, and blocks and read-ahead stay within it. What lies outside can still
	// be read.
	Span Span
	// Size and Version are those of an earlier Reader, for another part of the same
	// file; a file that differs is a [fault.SourceChanged]. Zero for any.
	Size    int64
	Version string
	// Objects lists what s3:// URLs may name: "bucket", or "bucket/prefix" of whole
	// path elements. Any other object is a [fault.SourceForbidden]; without a list, every
	// object is.
	Objects []string
}

// Open asks for the first bytes of a file and pins what it is. Reads of the Reader
// are bound to ctx. The caller closes it.
func (o *Opener) Open(ctx context.Context, rawURL string, opts Options) (*Reader, error) {
	opts.Settings = opts.Settings.withDefaults()
	f := &remote{settings: opts.Settings, slots: make(chan struct{}, opts.Settings.Parallel)}
	if err := o.locate(f, rawURL, opts.Objects); err != nil {
		return nil, err
	}
	r := newReader(ctx, f, opts)
	if err := r.begin(); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// locate finds out what a URL names and how to ask for it.
func (o *Opener) locate(f *remote, rawURL string, objects []string) error {
	if strings.HasPrefix(rawURL, "s3://") {
		return o.locateObject(f, rawURL, objects)
	}
	u, err := o.cfg.Guard.Check(rawURL)
	if err != nil {
		return err
	}
	f.name, f.client = urlguard.Redact(u), o.web
	u.Fragment = ""
	address := u.String()
	f.address = func() (string, error) { return address, nil }
	return nil
}

// locateObject reads s3://bucket/key. The object is asked for by presigned URLs, so
// that it is read, pinned and repeated by the same code as any other file.
func (o *Opener) locateObject(f *remote, rawURL string, objects []string) error {
	u, err := url.Parse(rawURL)
	if err != nil {
		return fault.New(fault.InvalidArgument, "this is not a url: it does not parse")
	}
	bucket, key := u.Host, strings.TrimPrefix(u.Path, "/")
	f.name = "s3://" + bucket + "/" + key
	switch {
	case bucket == "" || key == "":
		return fault.Newf(fault.InvalidArgument, "%s does not name an object as s3://bucket/key", urlguard.Redact(u))
	case u.User != nil || u.RawQuery != "":
		return fault.Newf(fault.InvalidArgument, "%s carries a user or a query, which s3:// urls have not; escape ? in keys", f.name)
	case slices.ContainsFunc(strings.Split(key, "/"), func(e string) bool { return e == "." || e == ".." }):
		return fault.Newf(fault.InvalidArgument, "%s has . or .. as a path element", f.name)
	case o.store == nil:
		return fault.Newf(fault.InvalidArgument, "%s cannot be read here: no object store is set up", f.name)
	case !slices.ContainsFunc(objects, func(allowed string) bool { return within(bucket+"/"+key, allowed) }):
		return fault.Newf(fault.SourceForbidden, "%s is not among the objects that you may read", f.name)
	}
	f.client = o.store
	f.address = func() (string, error) {
		return o.cfg.Store.Bucket(bucket).PresignGet(key, signedFor, objstore.Internal)
	}
	return nil
}

// within says whether path is the allowed one or lies below it.
func within(path, allowed string) bool {
	allowed = strings.TrimSuffix(allowed, "/")
	rest, ok := strings.CutPrefix(path, allowed)
	return ok && allowed != "" && (rest == "" || rest[0] == '/')
}
