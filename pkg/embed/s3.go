package embed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
	"golang.org/x/sys/unix"
)

// ErrOneS3 is returned for a second S3 server in one process: versitygw keeps
// part of its state in package variables.
var ErrOneS3 = errors.New("an embedded s3 server is running in this process already")

// Limits of the embedded S3 server.
const (
	s3MaxConnections = 4096
	s3MaxParts       = 10000 // what S3 allows
	s3PortAttempts   = 5
)

// DefaultRegion is the region of an embedded S3 server that names none.
const DefaultRegion = "us-east-1"

// s3Running is set while this process has an S3 server.
//
// It mirrors versitygw's own limit of one a process, which is reported too
// late, after the folder has been opened.
var s3Running atomic.Bool //nolint:gochecknoglobals // it guards the globals of versitygw

// S3Config describes an embedded S3 server.
type S3Config struct {
	// Dir keeps buckets and objects. Required.
	Dir string
	// Port on 127.0.0.1; 0 takes a free one.
	Port int
	// AccessKey and SecretKey are the one account. Required.
	AccessKey, SecretKey string
	// Region that requests are signed for; empty means [DefaultRegion].
	Region string
	// AllowOrigins are the web origins whose pages may read and write with
	// presigned URLs ("https://portal.example.org"); "*" allows all.
	AllowOrigins []string
}

// S3 is a running embedded S3 server.
type S3 struct {
	port   int
	cancel context.CancelFunc
	done   chan struct{} // closed when the server has ended
	err    error         // why; set before done is closed
	finish func() error  // gives back what the server held, once it has ended
}

// StartS3 starts an S3 server and returns when it accepts requests, which takes
// milliseconds. One may run in a process ([ErrOneS3]).
func StartS3(ctx context.Context, cfg S3Config) (*S3, error) {
	if cfg.Dir == "" || cfg.AccessKey == "" || cfg.SecretKey == "" {
		return nil, errors.New("start s3: folder, access key and secret key are needed")
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start s3: %w", err)
	}
	if !s3Running.CompareAndSwap(false, true) {
		return nil, fmt.Errorf("start s3: %w", ErrOneS3)
	}
	lock, err := LockDir(cfg.Dir)
	if err != nil {
		s3Running.Store(false)
		return nil, fmt.Errorf("start s3: %w", err)
	}
	s := &S3{finish: sync.OnceValue(func() error {
		s3Running.Store(false)
		return lock.Release()
	})}
	if err := s.start(context.WithoutCancel(ctx), cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("start s3: %w", err), s.finish())
	}
	return s, nil
}

// start tries several ports, because versitygw binds by itself and does not
// tell which it got.
func (s *S3) start(ctx context.Context, cfg S3Config) error {
	root := filepath.Join(cfg.Dir, "buckets")
	if err := os.MkdirAll(root, 0o700); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		s.port = cfg.Port
		if s.port == 0 {
			port, err := freePort()
			if err != nil {
				return err
			}
			s.port = port
		}
		err := s.run(ctx, cfg, root)
		if errors.Is(err, syscall.EADDRINUSE) && cfg.Port == 0 && attempt < s3PortAttempts {
			continue
		}
		return err
	}
}

// run starts the server on s.port and waits until it listens.
func (s *S3) run(ctx context.Context, cfg S3Config, root string) error {
	place, err := newWorkplace(root)
	if err != nil {
		return err
	}
	attributes, err := attributesIn(cfg.Dir, root)
	if err != nil {
		return errors.Join(err, place.close())
	}
	var backend *posix.Posix
	place.do(func() { backend, err = posix.New(root, attributes, posix.PosixOpts{}) })
	if err != nil {
		return errors.Join(fmt.Errorf("open folder: %w", err), place.close())
	}
	listening := make(chan struct{})
	ctx, cancel := context.WithCancel(ctx)
	s.cancel, s.done = cancel, make(chan struct{})
	go func() {
		defer close(s.done)
		s.err = embedgw.RunVersityGW(ctx, backend, s.gateway(cfg, place, listening))
		s.err = errors.Join(s.err, place.close())
	}()
	select {
	case <-listening:
		return nil
	case <-s.done:
		return cmp.Or(s.err, errors.New("server ended at once"))
	}
}

// attributesIn chooses where the attributes of objects are kept: with the
// files, or in a folder beside them where the file system has no extended
// attributes.
func attributesIn(dir, root string) (meta.MetadataStorer, error) {
	err := unix.Setxattr(root, "user.grainmesh", []byte("1"), 0)
	if err == nil {
		return meta.XattrMeta{}, nil
	}
	if !errors.Is(err, unix.ENOTSUP) {
		return nil, fmt.Errorf("try extended attributes: %w", err)
	}
	beside := filepath.Join(dir, "attributes")
	if err := os.MkdirAll(beside, 0o700); err != nil {
		return nil, err
	}
	return meta.NewSideCar(beside)
}

func (s *S3) gateway(cfg S3Config, place *workplace, listening chan<- struct{}) *embedgw.Config {
	root := auth.Account{Access: cfg.AccessKey, Secret: cfg.SecretKey, Role: auth.RoleAdmin}
	return &embedgw.Config{
		RootUserAccess:    root.Access,
		RootUserSecret:    root.Secret,
		IAMService:        auth.NewIAMServiceSingle(root), // the default is the same and says so on stdout
		Region:            cmp.Or(cfg.Region, DefaultRegion),
		Ports:             []string{net.JoinHostPort(loopback, strconv.Itoa(s.port))},
		MaxConnections:    s3MaxConnections,
		MaxRequests:       s3MaxConnections,
		MultipartMaxParts: s3MaxParts,
		KeepAlive:         true,
		Quiet:             true,
		S3Options: []s3api.Option{
			s3api.WithMiddleware("/", place.middleware),
			s3api.WithMiddleware("/", allowOrigins(cfg.AllowOrigins)),
			s3api.WithOnListen(func() { close(listening) }),
		},
	}
}

// URL is the endpoint, path-style.
func (s *S3) URL() string {
	return "http://" + net.JoinHostPort(loopback, strconv.Itoa(s.port))
}

// Done is closed when the server has ended, asked to or not.
func (s *S3) Done() <-chan struct{} { return s.done }

// Stop lets requests under way finish, ends the server and gives its folder
// back. It returns ctx's error when that takes longer than ctx allows; the
// server goes on ending then.
func (s *S3) Stop(ctx context.Context) error {
	s.cancel()
	ended := make(chan error, 1)
	go func() {
		<-s.done
		ended <- errors.Join(s.err, s.finish())
	}()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("stop s3: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop s3: %w", ctx.Err())
	}
}
